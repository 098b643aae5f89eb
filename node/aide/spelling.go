package aide

import (
	"bytes"
	"fmt"
	"strings"
)

// Spellings are the ways in which plain reports write a file's name. A report is
// not decoded, since that would be ambiguous: the true names, which the databases
// have, are spelled as AIDE would.
//
//   - as it is: upstream 0.16 to 0.18.6
//   - control characters as a backslash and three octal digits: 0.19.2, and
//     distributions that carry the fix (Debian's 0.18.3)
//
// In JSON a name is what JSON says it is.
func Spellings(name []byte) []string {
	if Ordinary(name) {
		return []string{string(name)}
	}
	var octal strings.Builder
	for _, c := range name {
		if control(c) {
			fmt.Fprintf(&octal, `\%03o`, c)
		} else {
			octal.WriteByte(c)
		}
	}
	return []string{string(name), octal.String()}
}

// Unspell undoes the octal spelling, for a report without its databases: a name
// that holds a backslash and the digits of a control character is rarer than one
// that holds the control character.
func Unspell(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	out := name[:0:0]
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+3 < len(name) {
			if c, ok := octal(name[i+1 : i+4]); ok && control(c) {
				out = append(out, c)
				i += 3
				continue
			}
		}
		out = append(out, name[i])
	}
	return out
}

func octal(digits []byte) (c byte, ok bool) {
	for _, d := range digits {
		if d < '0' || d > '7' {
			return 0, false
		}
		c = c<<3 | (d - '0')
	}
	return c, digits[0] < '2'
}

// Ordinary says that every report writes the name as it is.
func Ordinary(name []byte) bool {
	for _, c := range name {
		if control(c) {
			return false
		}
	}
	return true
}

func control(c byte) bool { return c < ' ' || c == 0x7f }
