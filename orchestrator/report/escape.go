package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text from a host safe for a terminal and keeps it on one line:
// every character that is not printable, and every byte that is not UTF-8, is
// written as Go writes it in a string ("\n", "\x1b", "\u202e"). Characters
// that change the direction of text count as not printable.
func Escape(s string) string {
	plain := true
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := fmt.Sprintf("%q", r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

// Excerpt is the beginning of what a host printed, escaped, at most n
// characters long.
func Excerpt(s string, n int) string {
	r := []rune(Escape(s))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
