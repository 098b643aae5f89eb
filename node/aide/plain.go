package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Kind says what happened to an entry: '+' added, '-' removed, '~' changed.
type Kind byte

// The kinds.
const (
	Added   Kind = '+'
	Removed Kind = '-'
	Changed Kind = '~'
)

// Change is one entry of a report. Name is as the report spells it, which is
// not always the file's name (see Spellings), and valid until the next entry.
type Change struct {
	Kind Kind
	Name []byte
}

// parseEntry reads a line of a list: the type of the file, the flags of what
// changed, whose number differs by build, and the path.
func parseEntry(line []byte) (kind Kind, name []byte, ok bool) {
	at := bytes.Index(line, []byte(": /"))
	if at < minFlags || at > maxFlags {
		return 0, nil, false
	}
	flags, name := line[1:at], line[at+2:]
	for _, c := range flags {
		if !flag[c] {
			return 0, nil, false
		}
	}
	switch {
	case len(bytes.Trim(flags, "+")) == 0:
		return Added, name, true
	case len(bytes.Trim(flags, "-")) == 0:
		return Removed, name, true
	}
	return Changed, name, true
}

// flag are the characters that mark what changed.
var flag = func() (set [256]bool) {
	for _, c := range []byte("+-=<>!^:. abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		set[c] = true
	}
	return set
}()

// The length of the flags with the type: 15 to 18 in the builds that were seen.
const (
	minFlags = 8
	maxFlags = 40
)

// listTitles are the titles of the lists of entries, grouped or not.
var listTitles = map[string]bool{
	"Added entries:": true, "Removed entries:": true, "Changed entries:": true,
	"Added, removed and changed entries:": true,
}

// ReadPlain reads the lists of entries of a plain report, grouped or not, and hands each
// entry to visit. If a name has a newline in it, its lines are joined again, unless one
// looks like an entry.
func ReadPlain(r io.Reader, visit func(Change) error) error {
	p := plainReader{visit: visit}
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read report: %w", err)
		}
		if len(line) > 0 || err == nil {
			if err := p.line(line); err != nil {
				return err
			}
		}
		if err != nil || p.over {
			return p.last()
		}
	}
}

type plainReader struct {
	visit  func(Change) error
	ruled  bool   // the line before was a ruler
	title  string // the line before that stood between rulers
	listed bool   // inside a list
	over   bool   // behind the lists
	held   []byte // the name at hand
	kind   Kind
}

func (p *plainReader) line(line []byte) error {
	if isRuler(line) {
		switch {
		case p.title != "":
			p.listed = listTitles[p.title]
			p.over = !p.listed
			p.title, p.ruled = "", false
		default:
			p.ruled = true
		}
		return nil
	}
	if p.ruled {
		p.title, p.ruled = string(line), false
		return p.last()
	}
	p.title = ""
	if !p.listed {
		return nil
	}
	if kind, name, ok := parseEntry(line); ok {
		if err := p.flush(); err != nil {
			return err
		}
		p.kind, p.held = kind, append(p.held[:0], name...)
		return nil
	}
	if len(p.held) > 0 {
		p.held = append(append(p.held, '\n'), line...)
	}
	return nil
}

// flush hands on the entry at hand.
func (p *plainReader) flush() error {
	if len(p.held) == 0 {
		return nil
	}
	name := p.held
	p.held = p.held[:0]
	return p.visit(Change{Kind: p.kind, Name: name})
}

// last hands on the last entry of a list. What stands behind it is none of its
// name: an empty line, and at some levels the end of the report.
func (p *plainReader) last() error {
	if at := bytes.LastIndex(p.held, []byte("\n\nEnd timestamp: ")); at >= 0 {
		p.held = p.held[:at]
	} else {
		p.held = bytes.TrimSuffix(p.held, []byte("\n"))
	}
	return p.flush()
}
