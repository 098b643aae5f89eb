package aide

import (
	"bytes"
	"fmt"
	"strings"
)

// Spellings are the ways in which reports write a file's name. A report is not
// decoded, since that would be ambiguous: the true names, which the databases
// have, are spelled as AIDE would.
//
//   - as it is: upstream 0.16 to 0.18.6
//   - control characters as a backslash and three octal digits: 0.19.2, and
//     distributions that carry the fix (Debian's 0.18.3)
//   - in JSON, control characters as \u00 and two digits that are decimal, not
//     hexadecimal: Debian's 0.18.3. Newline, tab and the like are right.
func Spellings(name []byte, json bool) []string {
	plain := string(name)
	if bytes.IndexFunc(name, control) < 0 {
		return []string{plain}
	}
	var octal, decimal strings.Builder
	for _, c := range name {
		if !control(rune(c)) {
			octal.WriteByte(c)
			decimal.WriteByte(c)
			continue
		}
		fmt.Fprintf(&octal, `\%03o`, c)
		if !json || bytes.IndexByte([]byte("\b\t\n\f\r"), c) >= 0 {
			decimal.WriteByte(c)
		} else {
			decimal.WriteByte(c/10<<4 | c%10)
		}
	}
	all := []string{plain, octal.String()}
	if json {
		all = append(all, decimal.String())
	}
	return all
}

func control(r rune) bool { return r < ' ' || r == 0x7f }
