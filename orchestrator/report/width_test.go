package report

import "testing"

func TestPad(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "ab", "ab  |"},
		{"wide", "東", "東  |"},
		{"marks", "e\u0301e\u0301", "e\u0301e\u0301  |"},
		{"a single wide symbol", "⌚", "⌚  |"},
		{"a family of four", "👨\u200d👩\u200d👧\u200d👦", "👨\u200d👩\u200d👧\u200d👦  |"},
		{"a flag", "🇩🇪", "🇩🇪  |"},
		{"of ambiguous width", "±§", "±§  |"},
		{"longer than that", "abcde", "abcde|"},
	} {
		if got := pad(tc.in, 4) + "|"; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
