package aide

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

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
