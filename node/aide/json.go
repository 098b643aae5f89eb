package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrInvalidJSON says that a report is not JSON. Upstream 0.18 up to 0.18.6
// writes the quotes and the control characters of a name as they are.
var ErrInvalidJSON = errors.New("the report is not valid JSON")

// maxNesting bounds how deep values may be nested. In a report they are three deep.
const maxNesting = 32

// Head is what a report says of itself before it names any file.
type Head struct {
	Version string // of AIDE; empty if the report does not tell
	Started time.Time
	Summary
	Headline bool // the report says whether there are differences
	Counted  bool // the report holds counts
}

// timeLayout is how AIDE writes a time.
const timeLayout = "2006-01-02 15:04:05 -0700"

// ReadJSON reads the head and the lists of entries of a JSON report (0.18 and
// later), and hands each entry to visit. It stops at the details, behind which no
// list stands. The head is right as far as it was read, whatever the error: AIDE
// writes the counts before any name.
func ReadJSON(r io.Reader, visit func(Change) error) (h Head, err error) {
	s := jsonScanner{in: bufio.NewReaderSize(r, maxLine)}
	lists := map[string]Kind{"added": Added, "removed": Removed, "changed": Changed}
	err = s.object(func(key []byte) error {
		kind, listed := lists[string(key)]
		switch {
		case string(key) == "details":
			return errStop
		case !listed:
			return s.head(&h, string(key))
		}
		delete(lists, string(key)) // AIDE writes each list once
		return s.object(func(name []byte) error {
			s.name = append(s.name[:0], name...) // the flags are read over it
			if _, err := s.text(); err != nil {  // the flags
				return err
			}
			return visit(Change{Kind: kind, Name: s.name})
		})
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return h, err
}

// head reads a value that is no list.
func (s *jsonScanner) head(h *Head, key string) error {
	switch key {
	case "aide_version", "outline", "start_time":
		text, err := s.text()
		switch key {
		case "aide_version":
			h.Version = string(text)
			// Debian's 0.18.3, which escapes control characters, writes their codes in
			// decimal digits behind the u.
			s.decimal = bytes.HasPrefix(text, []byte("0.18"))
		case "outline":
			if h.Counted || err != nil {
				break // behind the counts it is a file's name
			}
			differs, clean := bytes.Equal(text, headDiffers), bytes.Equal(text, headClean)
			if h.Headline || !differs && !clean {
				return fmt.Errorf("the report's outline is %.100q, or there is more than one: it is not that of a check", text)
			}
			h.Differences, h.Headline = differs, true
		default:
			h.Started, _ = time.Parse(timeLayout, string(text)) // zero if it is none
		}
		return err
	case "number_of_entries":
		if h.Counted {
			return s.skip(0) // the first one is AIDE's, any other a file's name
		}
		counts := map[string]*int{"total": &h.Total, "added": &h.Added, "removed": &h.Removed, "changed": &h.Changed}
		err := s.object(func(key []byte) error {
			if n := counts[string(key)]; n != nil {
				return s.count(n)
			}
			return s.skip(0)
		})
		h.Counted = err == nil // or some of them may be missing
		return err
	}
	return s.skip(0)
}

// count reads a number of entries.
func (s *jsonScanner) count(n *int) error {
	c, err := s.next()
	for ; err == nil && c >= '0' && c <= '9'; c, err = s.byte() {
		if *n = *n*10 + int(c-'0'); *n > 1e12 {
			return s.invalid("a count that is too large")
		}
	}
	if err == nil {
		s.unread()
	}
	return err
}

var errStop = errors.New("stop")
