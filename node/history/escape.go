package history

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Format is how a page is written.
type Format string

// The formats.
const (
	Text  Format = "text"
	Lines Format = "json" // one JSON object a line
)

// mark is written in place of what was cut.
const mark = "…"

// escape appends text to out, up to most bytes, and says how many bytes of text that were.
// It escapes what could drive a terminal, break a line or hide in it: as octal digits for
// people, as \u and hex digits in JSON. In both a byte that is no UTF-8 is a backslash and
// octal digits, as in the result line.
func (f Format) escape(out []byte, text string, most int) (_ []byte, used int) {
	most += len(out)
	for used < len(text) {
		r, n := utf8.DecodeRuneInString(text[used:])
		before := len(out)
		switch {
		case r == utf8.RuneError && n == 1:
			if f == Lines {
				out = append(out, '\\')
			}
			out = appendOctal(out, text[used:used+1])
		case f == Lines && (r == '"' || r == '\\'):
			out = append(out, '\\', byte(r))
		case strconv.IsPrint(r):
			out = append(out, text[used:used+n]...)
		case f == Text:
			out = appendOctal(out, text[used:used+n])
		case r > 0xffff:
			high, low := 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		if len(out) > most {
			return out[:before], used
		}
		used += n
	}
	return out, used
}

func appendOctal(out []byte, text string) []byte {
	for _, c := range []byte(text) {
		out = append(out, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
	}
	return out
}

// clipped appends text, and cuts and marks it if it needs more than most bytes.
func (f Format) clipped(out []byte, text string, most int) []byte {
	out, used := f.escape(out, text, most-len(mark))
	if used < len(text) {
		out = append(out, mark...)
	}
	return out
}
