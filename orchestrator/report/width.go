package report

import (
	"strconv"
	"strings"
	"unicode"
)

// wide are the scripts, and the blocks of pictures, that terminals draw two
// columns wide (Unicode Standard Annex #11, W and F). Single symbols outside
// of these blocks are left out: they may shift the rest of a row by a column.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul, leading consonants
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // radicals, CJK punctuation
		{Lo: 0x3041, Hi: 0xa4cf, Stride: 1}, // kana, Han, Yi
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, // more of Hangul
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul, syllables
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // Han, compatibility
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // forms of punctuation
		{Lo: 0xff01, Hi: 0xff60, Stride: 1}, // full-width forms
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x1b2ff, Stride: 1}, // Tangut, Khitan, more kana
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictures
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1},
		{Lo: 0x1f900, Hi: 0x1faff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // rare Han
	},
}

// columns is how many columns of a terminal a printable character takes.
func columns(r rune) int {
	switch {
	case r < 0x300: // nearly all there is
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me): // marks on the character before
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// textWidth is how many columns text takes that Escape has been over.
func textWidth(s string) (n int) {
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// pad fills text up to n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-textWidth(s))) }

// clip cuts text to n columns and marks it as cut.
func clip(s string, n int) string {
	used, cut := 0, 0
	for i, r := range s {
		if used <= n-1 {
			cut = i // up to here there is room for the mark
		}
		if used += columns(r); used > n {
			return s[:cut] + "…"
		}
	}
	return s
}

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
