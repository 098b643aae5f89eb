package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes text from a host safe for a screen and keeps it on one line: every
// character that is not printable or looks like nothing, and every byte that is not UTF-8,
// is written as Go writes it in a string ("\n", "\x1b", "\u202e"). Characters that change
// the direction of text count as not printable. Of the marks on a character (accents) the
// first two are left.
func Escape(s string) string {
	plain := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	room := 0 // for marks on the character before
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		mark := unicode.In(r, unicode.Mn, unicode.Me)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
			room = 0
		case isSeen(r) && !mark:
			b.WriteRune(r)
			room = mostMarks
		case isSeen(r) && room > 0:
			b.WriteRune(r)
			room--
		default:
			b.WriteString(escapeRune(r))
			room = 0
		}
		i += n
	}
	return b.String()
}

// mostMarks are left on one character. More of them reach into the lines around.
const mostMarks = 2

// isSeen says that a character shows on a screen, or is a space.
func isSeen(r rune) bool {
	return unicode.IsPrint(r) &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) &&
		r != '\u2800' && r != '\U0001D159' // a Braille pattern and a note without anything in them
}

func escapeRune(r rune) string {
	switch {
	case unicode.IsPrint(r) && r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	case unicode.IsPrint(r):
		return fmt.Sprintf(`\U%08x`, r)
	}
	q := fmt.Sprintf("%q", r)
	return q[1 : len(q)-1]
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

// Quote makes one word of a shell's of a text.
func Quote(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.,/:=@+%", r)
	}
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
