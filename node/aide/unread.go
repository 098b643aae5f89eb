package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"

	"aidefleet/node/program"
)

// Unread is what AIDE said that it could not look at.
type Unread struct {
	Entries int    // that were not read, in whole or in part
	First   string // path of the first, as AIDE spells it; empty if it names none
}

// mostSeen bounds how many entries are remembered as counted. Beyond it each line counts.
const mostSeen = 1 << 16

// Warnings counts the entries that AIDE could not look at, by what it says beside its
// report: on stderr, and up to 0.16 in the lines above the headline. It keeps no more than
// one line of it, and counts each entry once. A name with newlines in it can imitate a
// warning: it can add to the number, but take nothing away.
type Warnings struct {
	Lines  int    // that are warnings
	First  string // of them
	Unread Unread
	// Bus says that AIDE ended itself: a file became shorter as AIDE read it, or the disk
	// could not read it (0.16 and 0.17, which map files: SIGBUS).
	Bus bool

	seen   map[uint64]struct{} // hashes of paths
	seed   maphash.Seed
	line   []byte
	report bool // what is read is a report of 0.16
}

// Write takes a part of the stream. It never fails.
func (w *Warnings) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		w.line = append(w.line, line[:min(len(line), maxLine-len(w.line))]...)
		if p = rest; ended {
			w.end()
		}
	}
	return n, nil
}

// end takes the line read so far as whole, and says whether AIDE writes such a line beside
// its report.
func (w *Warnings) end() (beside bool) {
	line := bytes.TrimSpace(w.line)
	w.line = w.line[:0]
	w.Bus = w.Bus || bytes.HasPrefix(bytes.TrimPrefix(line, []byte("ERROR: ")), []byte("Caught SIGBUS")) && bytes.HasSuffix(line, []byte(". Exiting"))
	said, isWarning := bytes.CutPrefix(line, []byte("WARNING"))
	path, unread := []byte(nil), false
	switch {
	case isWarning:
		if w.Lines++; w.Lines == 1 {
			w.First = string(line)
		}
		path, unread = unreadOf(bytes.TrimPrefix(said, []byte(": ")))
	case w.report:
		path, unread = unreadOf16(line)
	}
	if unread {
		w.count(path)
	}
	return isWarning || unread || len(bytes.ReplaceAll(line, gcrypt, nil)) == 0
}

// gcrypt is what 0.16 with gcrypt writes into a report, without a newline, if the library
// lacks a digest (md.c).
var gcrypt = []byte("gcry_md_enable 7 failed")

func (w *Warnings) count(path []byte) {
	if w.seen == nil {
		w.seen, w.seed = make(map[uint64]struct{}), maphash.MakeSeed()
	}
	if len(path) > 0 {
		hash := maphash.Bytes(w.seed, path)
		if _, twice := w.seen[hash]; twice {
			return
		}
		if len(w.seen) < mostSeen {
			w.seen[hash] = struct{}{}
		}
	}
	if w.Unread.Entries++; w.Unread.First == "" {
		w.Unread.First = string(path)
	}
}

// harmless are the beginnings of warnings that name a file although AIDE has read it (0.17
// to 0.19; the calls of log_msg in its source). All other warnings that name a file count:
// later releases may have more of them.
var harmless = [...]string{
	"/",     // of a line of the configuration, or of a digest that a library does not have
	"(",     // of a line of --before or --after
	"file:", // of a line of a database
	"Dead symlink detected", "cannot compare hashsums", "hashsum transition", "report_url",
	"fclose() failed", "close() failed", "closedir() failed", "decode_base64",
}

// unreadOf finds the path in a warning of 0.17 or later.
func unreadOf(said []byte) (path []byte, unread bool) {
	for _, beginning := range harmless {
		if bytes.HasPrefix(said, []byte(beginning)) {
			return nil, false
		}
	}
	plain, quoted := bytes.Index(said, []byte(" /")), bytes.Index(said, []byte("'/"))
	switch {
	case quoted >= 0 && (plain < 0 || quoted < plain):
		path = said[quoted+1:]
		end := lastOf(path, "'")
		for _, behind := range []string{"': ", "' (", "' for ", "' has ", "', "} {
			if at := bytes.Index(path, []byte(behind)); at >= 0 {
				end = min(end, at)
			}
		}
		return path[:end], true
	case plain >= 0:
		path = said[plain+1:]
		return path[:lastOf(path, " but failed with: ", ": ", ":", " (")], true
	}
	return nil, false
}

// lastOf is the index at which the last of the first end found in text begins, or that of
// text's end.
func lastOf(text []byte, ends ...string) int {
	for _, end := range ends {
		if i := bytes.LastIndex(text, []byte(end)); i >= 0 {
			return i
		}
	}
	return len(text)
}

// unread16 are the messages of 0.16 about what it could not read: the text before the path
// and behind it (db_disk.c and do_md.c in its source). Those without a path name none.
var unread16 = [...]struct{ before, behind string }{
	{"lstat() failed for ", ": "},
	{"do_md(): open() for ", " failed: "},
	{"Entry ", " was changed so that hash cannot be calculated"},
	{"ried to read access ACL on ", " but failed with: "},
	{"ried to read default ACL on ", " but failed with: "},
	{"listxattrs failed for ", ":"},
	{"getxattr failed for ", ":"},
	{"lgetfilecon_raw failed for ", ":"},
	{"error mmap'ing ", ": "},
}

// unreadOf16 finds the path in a message of 0.16. Another may be glued to its front.
func unreadOf16(line []byte) (path []byte, unread bool) {
	if _, rest, ok := bytes.Cut(line, []byte("open_dir(): ")); ok { // ERROR: PATH
		if _, path, ok := bytes.Cut(rest, []byte(": /")); ok {
			return append([]byte("/"), path...), true
		}
	}
	for _, m := range unread16 {
		if _, rest, ok := bytes.Cut(line, []byte(m.before)); ok {
			if at := bytes.LastIndex(rest, []byte(m.behind)); at >= 0 && rest[0] == '/' {
				return rest[:at], true
			}
		}
	}
	return nil, bytes.Contains(line, []byte("Message digest failed during update"))
}

// readReportAt reads the report that a run of 0.16 left at path, if there is one.
func (w *Warnings) readReportAt(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	_, err = w.readReport(f, true)
	return err
}

// ReportFile is the form of a file with a report in it.
type ReportFile struct {
	JSON  bool
	Start int64 // offset at which the JSON begins; stderr may stand before it
	Quiet bool  // there is no report, and nothing but what AIDE says beside one
	CRLF  bool  // its first line ends with CR LF
}

// ReadReportFile reads what stands in a file beside the report.
func (w *Warnings) ReadReportFile(r io.Reader) (ReportFile, error) { return w.readReport(r, false) }

// readReport reads all lines, or those up to the beginning of JSON. A report that is known
// to be plain is read to its end: in one of 0.16 a name can imitate the headline.
func (w *Warnings) readReport(r io.Reader, plain bool) (s ReportFile, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	w.report = true
	defer func() { w.report = false }()
	s.Quiet = true
	for n := 0; ; n++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return s, fmt.Errorf("read report: %w", err)
		}
		text := bytes.TrimSuffix(line, []byte("\r"))
		if n == 0 && err == nil {
			s.CRLF = len(text) < len(line)
		}
		if !plain && (string(text) == "{" || n == 0 && len(text) > 0 && text[0] == '{') {
			s.JSON, s.Quiet = true, false
			return s, nil
		}
		w.line = append(w.line[:0], line[:min(len(line), maxLine)]...)
		beside := w.end()
		s.Quiet = s.Quiet && beside
		plain = plain || bytes.HasSuffix(text, headDiffers) || bytes.HasSuffix(text, headClean)
		if err != nil {
			return s, nil
		}
		s.Start += int64(len(line)) + 1
	}
}

// ReadStderr reads what AIDE wrote to its stderr and was saved.
func ReadStderr(r io.Reader) (Outcome, error) {
	var o Outcome
	stderr := program.Head{Most: keep}
	_, err := io.Copy(io.MultiWriter(&stderr, &o.Said), r)
	o.Said.end()
	o.Stderr = stderr.Kept
	return o, err
}
