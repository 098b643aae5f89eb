package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
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

// jsonScanner reads JSON as it comes: a report may be larger than memory, and
// the decoder of encoding/json is several times slower.
type jsonScanner struct {
	in      *bufio.Reader
	at      int64  // bytes read
	decimal bool   // escapes hold decimal digits
	buffer  []byte // the string that was read last
	name    []byte // the name at hand
}

// next returns the next byte that is not white space.
func (s *jsonScanner) next() (byte, error) {
	for {
		c, err := s.byte()
		if err != nil || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c, err
		}
	}
}

func (s *jsonScanner) byte() (byte, error) {
	c, err := s.in.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0, s.invalid("it ends early")
	}
	s.at++
	return c, err
}

func (s *jsonScanner) invalid(what string) error {
	return fmt.Errorf("%w: byte %d: %s", ErrInvalidJSON, s.at, what)
}

func (s *jsonScanner) expect(want byte) error {
	c, err := s.next()
	if err == nil && c != want {
		return s.invalid(strconv.QuoteRune(rune(c)) + " instead of " + strconv.QuoteRune(rune(want)))
	}
	return err
}

// object reads an object and calls member behind each key, to read the value.
func (s *jsonScanner) object(member func(key []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	return s.members('}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// members reads what stands between brackets, up to and with the closing one.
func (s *jsonScanner) members(closing byte, one func() error) error {
	c, err := s.next()
	if err != nil || c == closing {
		return err
	}
	s.unread()
	for {
		if err := one(); err != nil {
			return err
		}
		switch c, err := s.next(); {
		case err != nil || c == closing:
			return err
		case c != ',':
			return s.invalid(strconv.QuoteRune(rune(c)) + " behind a value")
		}
	}
}

func (s *jsonScanner) unread() {
	_ = s.in.UnreadByte() // a byte was just read
	s.at--
}

// text reads a string. It is valid until the next one is read.
func (s *jsonScanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	s.buffer = s.buffer[:0]
	for {
		if err := s.plain(); err != nil {
			return nil, err
		}
		c, err := s.byte()
		switch {
		case err != nil:
			return nil, err
		case c == '"':
			return s.buffer, nil
		case c != '\\':
			// A control character, which JSON does not have. Debian's 0.18.3 writes 0x1f
			// as it is, and upstream all of them; the databases know the names.
			s.buffer = append(s.buffer, c)
			continue
		}
		if err := s.escape(); err != nil {
			return nil, err
		}
	}
}

// plain reads the part of a string that stands for itself.
func (s *jsonScanner) plain() error {
	for {
		if one, _ := s.in.Peek(1); len(one) == 0 {
			return nil // the caller's next read finds the end or the error
		}
		ready, _ := s.in.Peek(s.in.Buffered()) // at least the one byte
		n := 0
		for n < len(ready) && !special[ready[n]] {
			n++
		}
		s.buffer = append(s.buffer, ready[:n]...)
		if len(s.buffer) > longestLine {
			return s.invalid("a string without end")
		}
		_, _ = s.in.Discard(n) // they are there
		s.at += int64(n)
		if n < len(ready) {
			return nil
		}
	}
}

// special are the bytes of a string that do not stand for themselves.
var special = func() (set [256]bool) {
	for c := range ' ' {
		set[c] = true
	}
	set['"'], set['\\'] = true, true
	return set
}()

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (s *jsonScanner) escape() error {
	c, err := s.byte()
	if err != nil {
		return err
	}
	if c == 'u' {
		r, err := s.unicode()
		s.buffer = utf8.AppendRune(s.buffer, r)
		return err
	}
	if escapes[c] == 0 {
		return s.invalid("an escape that JSON does not have")
	}
	s.buffer = append(s.buffer, escapes[c])
	return nil
}

// unicode reads the four digits of \uXXXX, and of its other half if it has one.
func (s *jsonScanner) unicode() (rune, error) {
	r, err := s.digits()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	for _, want := range []byte(`\u`) {
		if c, err := s.byte(); err != nil || c != want {
			return r, errors.Join(err, s.invalid("half a surrogate pair"))
		}
	}
	low, err := s.digits()
	return utf16.DecodeRune(r, low), err
}

func (s *jsonScanner) digits() (r rune, err error) {
	base := 16
	if s.decimal {
		base = 10
	}
	for range 4 {
		c, err := s.byte()
		if err != nil {
			return 0, err
		}
		digit := unhex(c)
		if digit < 0 || digit >= base {
			return 0, s.invalid("no digit in an escape")
		}
		r = r*rune(base) + rune(digit)
	}
	return r, nil
}

// skip reads over a value.
func (s *jsonScanner) skip(depth int) error {
	if depth > maxNesting {
		return s.invalid("values are nested too deep")
	}
	c, err := s.next()
	if err != nil {
		return err
	}
	switch {
	case c == '{':
		s.unread()
		return s.object(func([]byte) error { return s.skip(depth + 1) })
	case c == '[':
		return s.members(']', func() error { return s.skip(depth + 1) })
	case c == '"':
		s.unread()
		_, err := s.text()
		return err
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
		return s.word()
	}
	return s.invalid(strconv.QuoteRune(rune(c)) + " instead of a value")
}

// word reads over the rest of a number, true, false or null.
func (s *jsonScanner) word() error {
	for {
		c, err := s.byte()
		if err != nil {
			return err
		}
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == 'E', c == '.', c == '+', c == '-':
		default:
			s.unread()
			return nil
		}
	}
}
