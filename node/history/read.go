package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/regular"
	"aidefleet/node/result"
)

const (
	// MaxBytes bounds a page with its first line: SSM's GetCommandInvocation shows the
	// first 24,000 bytes of stdout.
	MaxBytes = 24000
	// maxCursor bounds the first line, in bytes with its newline.
	maxCursor = 600
)

// Query says which page of which report to read.
type Query struct {
	ID     string // empty for the newest
	Offset int    // entries, or bytes of a text, before the page
	Limit  int    // entries on the page, at least 1; a text has no such limit
	Format Format
	// Unexplained leaves out the entries that packages explain. Offset and Total count
	// without them.
	Unexplained bool
	Now         time.Time
}

// Cursor is the first line of a page.
type Cursor struct {
	V      int    `json:"v"`
	Report string `json:"report"`
	Kind   string `json:"kind"`   // changes, failed or text
	Total  int    `json:"total"`  // entries in the report, or bytes of a text
	Offset int    `json:"offset"` // of the page
	Count  int    `json:"count"`  // on the page
	// Explained is how many entries of the report packages explain.
	Explained int    `json:"explained,omitempty"`
	Next      int    `json:"next,omitempty"`    // the offset of the next page, if there is one
	Older     string `json:"older,omitempty"`   // the report before this one, if it is kept
	Problem   string `json:"problem,omitempty"` // why this is the text and not the changes
}

// The kinds of a page.
const (
	kindChanges = "changes" // the entries of a report
	kindFailed  = "failed"  // of a check that failed: what AIDE said, and its report if there is one
	kindText    = "text"    // a report, as it is, of which the entries cannot be told
)

// Page reads one page of a report, at most MaxBytes long: a line with the
// cursor, then the entries. The error is ErrUnknown if the report is not kept.
func (f Folder) Page(q Query) ([]byte, error) {
	r, older, err := f.find(q)
	if err != nil {
		return nil, err
	}
	c := Cursor{V: 1, Report: r.ID, Offset: q.Offset, Older: older}
	var body []byte
	if r.has(Failed) {
		c.Kind = kindFailed
		body, err = f.text(&c, r, q.Format)
	} else {
		c.Kind = kindChanges
		body, err = f.changes(&c, r, q)
		if errors.Is(err, aide.ErrInvalidJSON) {
			problem, _ := Text.escape(nil, err.Error(), 200)
			c.Kind, c.Problem = kindText, string(problem)
			body, err = f.text(&c, r, q.Format)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read report %s in %s: %w", r.ID, f, err)
	}
	if next := c.Offset + c.Count; next < c.Total {
		c.Next = next
	}
	line, err := result.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode the first line of report %s: %w", r.ID, err)
	}
	return append(append(line, '\n'), body...), nil
}

// find finds a report, and the id of the one before it.
func (f Folder) find(q Query) (r Report, older string, err error) {
	if q.ID != "" {
		if _, err := parseID(q.ID); err != nil {
			return r, "", err
		}
	}
	reports, err := f.List()
	if err != nil {
		return r, "", err
	}
	if len(reports) == 0 {
		return r, "", fmt.Errorf("%w: none is kept in %s; aide-node check leaves one", ErrUnknown, f)
	}
	at := newest(reports, q.Now)
	if q.ID != "" {
		at = slices.IndexFunc(reports, func(r Report) bool { return r.ID == q.ID })
	}
	if at < 0 {
		var ids []string
		for _, r := range reports[:min(len(reports), 5)] {
			ids = append(ids, r.ID)
		}
		return r, "", fmt.Errorf("%w as %s in %s; the newest are %s", ErrUnknown, q.ID, f, strings.Join(ids, ", "))
	}
	if at+1 < len(reports) {
		older = reports[at+1].ID
	}
	return reports[at], older, nil
}

// changes makes a page of entries. It reads the report twice: for its lists, and for the
// details of the entries on the page.
func (f Folder) changes(c *Cursor, r Report, q Query) ([]byte, error) {
	details, kind := aide.ReadPlainDetails, Plain
	if r.has(JSON) {
		details, kind = aide.ReadDetails, JSON
	}
	in, err := f.open(r.ID, kind)
	if err != nil {
		return nil, err
	}
	defer in.close()
	explained, err := f.explained(r)
	if err != nil {
		return nil, err
	}
	c.Explained = len(explained)
	var groups []byte
	if q.Offset == 0 && q.Format == Text {
		if groups, err = f.groups(r); err != nil {
			return nil, err
		}
	}
	p := newPage(q.Format, MaxBytes-maxCursor-len(groups), q.Limit)
	if err := lists(in, kind, func(change aide.Change) error {
		by := explained[baseline.NameOf(change.Name)]
		if q.Unexplained && by != "" {
			return nil
		}
		if c.Total++; c.Total > q.Offset {
			p.add(change.Kind, change.Name, by)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if len(p.entries) > 0 {
		if err := in.rewind(); err != nil {
			return nil, err
		}
		if err := details(in, p.wants, p.detail); err != nil {
			return nil, err
		}
	}
	c.Count = len(p.entries)
	return append(groups, p.bytes()...), nil
}

// explained are the packages that explain entries of a report, by the digest of the name.
func (f Folder) explained(r Report) (map[baseline.Name]string, error) {
	if !r.has(Packages) {
		return nil, nil
	}
	in, err := f.open(r.ID, Packages)
	if err != nil {
		return nil, err
	}
	defer in.close()
	packages := map[string]string{} // a string each, whatever the number of entries
	by := map[baseline.Name]string{}
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		digest, name, _ := strings.Cut(scan.Text(), " ")
		raw, err := hex.DecodeString(digest)
		if err != nil || len(raw) != len(baseline.Name{}) || name == "" {
			return nil, fmt.Errorf("packages of report %s: %.80q is no line of theirs", r.ID, scan.Text())
		}
		if packages[name] == "" {
			packages[name] = name
		}
		by[baseline.Name(raw)] = packages[name]
	}
	return by, scan.Err()
}

// lists hands each entry of a report to visit.
func lists(in io.Reader, k Kind, visit func(aide.Change) error) error {
	if k == Plain {
		return aide.ReadPlain(in, visit)
	}
	_, err := aide.ReadJSON(in, visit)
	return err
}

// text makes a page of a text, as it is except for escapes. It ends with a whole line,
// unless a single line is longer than the page.
func (f Folder) text(c *Cursor, r Report, format Format) ([]byte, error) {
	var all []io.Reader
	for _, k := range r.Kinds { // Failed comes first
		if k == Packages || k == Groups {
			continue
		}
		in, err := f.open(r.ID, k)
		if err != nil {
			return nil, err
		}
		defer in.close()
		if len(all) > 0 {
			all = append(all, strings.NewReader("\nAIDE's report:\n"))
		}
		all = append(all, in)
	}
	in := io.MultiReader(all...)
	const room = MaxBytes - maxCursor
	before, err := io.CopyN(io.Discard, in, int64(c.Offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	// No byte is printed as less than one. The few bytes more are for a character that the
	// end cuts.
	window, err := io.ReadAll(io.LimitReader(in, room+8))
	if err != nil {
		return nil, err
	}
	rest, err := io.Copy(io.Discard, in)
	if err != nil {
		return nil, err
	}
	c.Total = int(before) + len(window) + int(rest)
	out, used := format.lines(window, rest == 0, room)
	c.Count = used
	return out, nil
}

// lines writes the lines that fit, or else the beginning of the first, and says how many
// bytes of text that were.
func (f Format) lines(text []byte, whole bool, room int) (out []byte, used int) {
	opening, closer := "", ""
	if f == Lines {
		opening, closer = `{"text":"`, `"}`
	}
	closer += "\n"
	for used < len(text) {
		line, _, ended := bytes.Cut(text[used:], []byte("\n"))
		before := len(out)
		most := room - before - len(opening) - len(closer)
		if most < 0 {
			break
		}
		out = append(out, opening...)
		var taken int
		out, taken = f.escape(out, string(line), most)
		if fits := taken == len(line) && (ended || whole); !fits && used > 0 {
			return out[:before], used
		}
		out = append(out, closer...)
		if used += taken; taken < len(line) || !ended {
			return out, used
		}
		used++ // the newline
	}
	return out, used
}

// file is a kept report that is being read.
type file struct {
	*gzip.Reader
	f *os.File
}

func (f Folder) open(id string, k Kind) (*file, error) {
	in, err := regular.Open(f.path(id, k))
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	return &file{z, in}, nil
}

func (f *file) rewind() error {
	if _, err := f.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.Reset(f.f)
}

func (f *file) close() { _ = f.f.Close() }
