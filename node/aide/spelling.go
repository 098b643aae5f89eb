package aide

import (
	"bytes"
	"fmt"
)

// Spelling is a way in which plain reports write names of files. A report uses one way
// throughout, but does not say which: `\012` is what some builds make of a newline, and
// others of a backslash and three digits. So a report is not decoded. Instead the true
// names, from the databases, are spelled as AIDE would.
//
// In JSON a name is what JSON says it is.
type Spelling struct {
	controls  bool // a control character is a backslash and three octal digits
	last      bool // so is 0x1f, which AIDE leaves as it is (escape_str in its util.c)
	backslash bool // so is a backslash that stands before three digits
}

// Spellings are the ways that are known.
//
//   - as it is: upstream 0.16 to 0.18.6
//   - controls and such backslashes: 0.19.2, and distributions that carry the fix
//     (Debian's 0.18.3)
//   - controls alone: distributions that carry a part of it
var Spellings = []Spelling{
	{},
	{controls: true, backslash: true},
	{controls: true},
	{controls: true, last: true, backslash: true},
	{controls: true, last: true},
}

// Spell writes a name.
func (s Spelling) Spell(name []byte) []byte {
	if Ordinary(name) {
		return name
	}
	out := make([]byte, 0, len(name)+8)
	for i, c := range name {
		if s.controls && control(c) && (c != 0x1f || s.last) || s.backslash && isEscape(name[i:]) {
			out = fmt.Appendf(out, `\%03o`, c)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// Unspell undoes the spelling with controls and backslashes, for a report without its
// databases.
func Unspell(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	out := name[:0:0]
	for i := 0; i < len(name); i++ {
		if c, ok := escaped(name[i:]); ok {
			out = append(out, c)
			i += 3
			continue
		}
		out = append(out, name[i])
	}
	return out
}

// Unspellable says whether a name can be one that was spelled with controls and
// backslashes: each backslash before three digits is the beginning of an escape, and
// no control character but 0x1f stands as it is.
func Unspellable(name []byte) bool {
	for i, c := range name {
		if control(c) && c != 0x1f {
			return false
		}
		if _, ok := escaped(name[i:]); isEscape(name[i:]) && !ok {
			return false
		}
	}
	return true
}

// isEscape says whether text begins with a backslash and three digits.
func isEscape(text []byte) bool {
	return len(text) > 3 && text[0] == '\\' && isDigit(text[1]) && isDigit(text[2]) && isDigit(text[3])
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// escaped is the character for which the escape at the beginning of text stands.
func escaped(text []byte) (c byte, ok bool) {
	if !isEscape(text) {
		return 0, false
	}
	n := 0
	for _, d := range text[1:4] {
		if d > '7' {
			return 0, false
		}
		n = n<<3 | int(d-'0')
	}
	return byte(n), n < 0x80 && (control(byte(n)) || n == '\\')
}

// MayBeEscaped says whether a name holds a backslash and three digits.
func MayBeEscaped(name []byte) bool {
	for at := bytes.IndexByte(name, '\\'); at >= 0; {
		if isEscape(name[at:]) {
			return true
		}
		next := bytes.IndexByte(name[at+1:], '\\')
		if next < 0 {
			return false
		}
		at += 1 + next
	}
	return false
}

// Ordinary says that every report writes the name as it is.
func Ordinary(name []byte) bool {
	for _, c := range name {
		if control(c) {
			return false
		}
	}
	return !MayBeEscaped(name)
}

func control(c byte) bool { return c < ' ' || c == 0x7f }
