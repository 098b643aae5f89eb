package report

import (
	"strconv"

	"github.com/mattn/go-runewidth"
)

// terminal measures text in columns of a terminal, after Escape. It does not depend on the
// locale: characters of ambiguous width take one column.
var terminal = &runewidth.Condition{StrictEmojiNeutral: true}

// pad fills text up to n columns.
func pad(s string, n int) string { return terminal.FillRight(s, n) }

// clip cuts text to n columns and marks it as cut.
func clip(s string, n int) string { return terminal.Truncate(s, n, "…") }

// Width is how many columns of a terminal a text takes after Escape.
func Width(s string) int { return terminal.StringWidth(s) }

// Clip cuts a text after Escape to n columns, and marks it as cut.
func Clip(s string, n int) string { return clip(s, n) }

// Pad fills a text after Escape up to n columns.
func Pad(s string, n int) string { return pad(s, n) }

// Number writes a number for people: 12,345.
func Number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Number(n) + " " + noun + "s"
}
