package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Detail is one attribute of an entry that changed. In a plain report it is one line about
// the entry, because the columns of such a line cannot be told from the values in them.
type Detail struct {
	Attribute string // such as size; empty in a plain report
	Old, New  string // lists (ACL, extended attributes) are joined by ", "
	Line      string // of a plain report, as it stands there
}

// maxList bounds the text of a value that is a list, in bytes.
const maxList = 64 << 10

// ReadDetails reads what a JSON report says of single attributes. It hands each
// to visit if its entry, as the report spells it, is wanted. The name is valid
// during the call.
func ReadDetails(r io.Reader, want func(name []byte) bool, visit func(name []byte, d Detail) error) error {
	s := jsonScanner{in: bufio.NewReaderSize(r, maxLine)}
	var h Head // it says how names are escaped
	err := s.object(func(key []byte) error {
		if string(key) != "details" {
			return s.head(&h, string(key))
		}
		if err := s.object(func(name []byte) error {
			if !want(name) {
				return s.skip(0)
			}
			name = bytes.Clone(name)
			return s.object(func(attribute []byte) error {
				d, err := s.detail(string(attribute))
				if err != nil {
					return err
				}
				return visit(name, d)
			})
		}); err != nil {
			return err
		}
		return errStop // nothing behind it is a detail
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// detail reads {"old": …, "new": …}.
func (s *jsonScanner) detail(attribute string) (Detail, error) {
	d := Detail{Attribute: attribute}
	err := s.object(func(side []byte) (err error) {
		switch string(side) {
		case "old":
			d.Old, err = s.value()
		case "new":
			d.New, err = s.value()
		default:
			err = s.skip(0)
		}
		return err
	})
	return d, err
}

// value reads a string, a number, or a list of them, as text.
func (s *jsonScanner) value() (string, error) {
	c, err := s.next()
	if err != nil {
		return "", err
	}
	if c != '[' {
		s.unread()
		return s.scalar(c)
	}
	var list []byte
	err = s.members(']', func() error {
		c, err := s.next()
		if err != nil {
			return err
		}
		s.unread()
		one, err := s.scalar(c)
		if len(list) < maxList {
			if len(list) > 0 {
				list = append(list, ", "...)
			}
			list = append(list, one...)
		}
		return err
	})
	return string(list), err
}

// scalar reads a value that begins with c. Something deeper than the values
// that AIDE writes is read over.
func (s *jsonScanner) scalar(c byte) (string, error) {
	switch c {
	case '"':
		text, err := s.text()
		return string(text), err
	case '{', '[':
		return "", s.skip(0)
	}
	var word []byte
	for {
		c, err := s.byte()
		if err != nil {
			return "", err
		}
		if c == ',' || c == '}' || c == ']' || c <= ' ' {
			s.unread()
			return string(word), nil
		}
		if word = append(word, c); len(word) > 64 {
			return "", s.invalid("a number without end")
		}
	}
}

// detailsTitle stands above the part of a plain report that says more of each entry: its
// type and name, then indented lines, then an empty line.
const detailsTitle = "Detailed information about changes:"

// ReadPlainDetails does for a plain report what ReadDetails does for JSON. A
// name with an empty line in it can imitate the lines of another entry here.
func ReadPlainDetails(r io.Reader, want func(name []byte) bool, visit func(name []byte, d Detail) error) error {
	p := plainDetails{want: want, visit: visit}
	in := bufio.NewReaderSize(r, maxLine)
	for ended := false; !ended && !p.over; {
		line, err := readLine(in)
		if ended = errors.Is(err, io.EOF); err != nil && !ended {
			return fmt.Errorf("read report: %w", err)
		}
		if len(line) > 0 || !ended {
			if err := p.line(line); err != nil {
				return err
			}
		}
	}
	return nil
}

type plainDetails struct {
	want   func(name []byte) bool
	visit  func(name []byte, d Detail) error
	ruled  bool   // the line before was a ruler
	title  string // the line before that stood behind a ruler
	inside bool   // behind the title of the details
	over   bool   // behind the details
	name   []byte // of the entry at hand; empty between two
	begun  bool   // its lines have begun
	wanted bool
}

func (p *plainDetails) line(line []byte) error {
	if isRuler(line) {
		if p.title != "" {
			p.over = p.inside
			p.inside = p.title == detailsTitle
			p.title = ""
		} else {
			p.ruled = true
		}
		return nil
	}
	p.title = ""
	if p.ruled {
		p.title, p.ruled = string(line), false
		return nil
	}
	switch {
	case !p.inside:
	case len(line) == 0:
		p.name, p.begun = p.name[:0], false
	case len(p.name) == 0:
		if at := bytes.Index(line, []byte(": /")); at > 0 && line[0] != ' ' {
			p.name = append(p.name, line[at+2:]...)
		}
	case line[0] != ' ' && !p.begun: // the name goes on behind a newline
		p.name = append(append(p.name, '\n'), line...)
	default:
		if !p.begun {
			p.begun, p.wanted = true, p.want(p.name)
		}
		if p.wanted {
			return p.visit(p.name, Detail{Line: string(line)})
		}
	}
	return nil
}
