package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"/srv/app/a b":       "/srv/app/a b",
		"日本語":                "日本語",
		"a\nb\tc":            `a\nb\tc`,
		"\x1b[31mred":        `\x1b[31mred`,
		"\x7f\u0085\u202e":   `\x7f\u0085\u202e`,
		"bad \xff utf-8":     `bad \xff utf-8`,
		"\ufffd":             "\ufffd",
		"zero\u200bwidth":    `zero\u200bwidth`,
		"back\\slash":        `back\slash`,
		"\U000e0001 tag\x00": `\U000e0001 tag\x00`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
	}
	if got := Excerpt("abc\ndef", 5); got != `abc\…` {
		t.Errorf("Excerpt = %q", got)
	}
}

// TestEscapeNothing: what looks like nothing on a screen is seen.
func TestEscapeNothing(t *testing.T) {
	for text, want := range map[string]string{
		"plain text":                      "plain text",
		"café Straße 東京 ไทย":              "café Straße 東京 ไทย",
		"e\u0301":                         "e\u0301",
		"web\u3164-1":                     `web\u3164-1`,
		"\u115f\u1160\uffa0":              `\u115f\u1160\uffa0`,
		"a\u200b\u200d\u2060b":            `a\u200b\u200d\u2060b`,
		"a\u00adb":                        `a\u00adb`,
		"a\u2800b":                        `a\u2800b`,
		"a\ufe0fb":                        `a\ufe0fb`,
		"a\U000e0041b":                    `a\U000e0041b`,
		"a\U000e0101b":                    `a\U000e0101b`,
		"a\u034fb":                        `a\u034fb`,
		"a\u00a0b":                        `a\u00a0b`,
		"\u0301a":                         `\u0301a`,
		"a\u0301\u0302\u0303b\u0304":      "a\u0301\u0302" + `\u0303` + "b\u0304",
		"x\n\u0301":                       `x\n\u0301`,
		"a" + strings.Repeat("\u0336", 4): "a\u0336\u0336" + `\u0336\u0336`,
	} {
		assert.Equal(t, want, Escape(text), "%q", text)
	}
}

// FuzzEscape: whatever a host prints, its text is one line of what can be seen, and is
// its own escape.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "\xff\xfe", "\u202e", "\ufffd"} {
		f.Add(s)
	}
	f.Add("a\u3164\x1b[31m\u0301\u0301\u0301\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Escape(text)
		assert.True(t, utf8.ValidString(got), "%q", got)
		assert.Equal(t, got, Escape(got), "%q", text)
		marks := 0
		for _, r := range got {
			assert.True(t, unicode.IsPrint(r), "%q has %q", got, r)
			assert.False(t, unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector), "%q has %q", got, r)
			if marks++; !unicode.In(r, unicode.Mn, unicode.Me) {
				marks = 0
			}
			assert.LessOrEqual(t, marks, mostMarks, "%q", got)
		}
	})
}
