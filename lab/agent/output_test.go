package agent

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fill makes a text of n bytes whose every byte can be told from the others'.
func fill(first byte, n int) text {
	var b strings.Builder
	for i := range n {
		b.WriteByte(first + byte(i%10))
	}
	return stored(b.String())
}

// stored is a text as it comes out of a stream.
func stored(s string) text {
	var out stream
	_, _ = out.Write([]byte(s))
	return out.text()
}

func TestCompose(t *testing.T) {
	tests := []struct {
		name           string
		stdout, stderr int
		want           func(stdout, stderr string) string
	}{
		{"nothing", 0, 0, func(_, _ string) string { return "" }},
		{"stdout that fits", 2499, 0, func(o, _ string) string { return o }},
		{"stdout that does not", 2500, 0, func(o, _ string) string { return o[:2500-23] + outputCutMark }},
		{"both fit", 2000, 475, func(o, e string) string { return o + errorTitle + e }},
		{"stderr is long", 100, 9000, func(o, e string) string { return o + errorTitle + e[:2500-24-23-100] + errorCutMark }},
		{"stdout is long", 9000, 100, func(o, e string) string { return o[:2500-24-23-100] + outputCutMark + errorTitle + e }},
		{"both are long", 90000, 90000, func(o, e string) string {
			return o[:1215] + outputCutMark + errorTitle + e[:1215] + errorCutMark
		}},
		{"stderr alone", 0, 2476, func(_, e string) string { return errorTitle + e[:2500-24-23] + errorCutMark }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr := fill('0', tt.stdout), fill('a', tt.stderr)
			got, want := compose(stdout, stderr), tt.want(stdout.head, stderr.head)
			if got != want {
				t.Errorf("got %d bytes\n%.60q…%q, want %d\n%.60q…%q", len(got), got, got[max(0, len(got)-60):], len(want), want, want[max(0, len(want)-60):])
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, n := range []int{0, 1, 23999, 24000, 24001, 1 << 20} {
		got := fill('0', n).cut(maxStream)
		switch {
		case n < maxStream && len(got) != n:
			t.Errorf("%d bytes became %d", n, len(got))
		case n >= maxStream && (len(got) != maxStream || !strings.HasSuffix(got, "9"+cutMark)):
			t.Errorf("%d bytes became %d, ending %q", n, len(got), got[len(got)-30:])
		}
	}
	// A cut counts bytes and can split a character.
	if got := stored(strings.Repeat("é", maxStream)).cut(maxStream - 1); utf8.ValidString(got) {
		t.Errorf("got %q, want half a character before the mark", got[len(got)-30:])
	}
	if got := stored(strings.Repeat("x", maxStream)).with("a sentence").cut(maxStream); strings.Contains(got, "sentence") {
		t.Error("a sentence after the cut is shown")
	}
}

func TestStreamIsBounded(t *testing.T) {
	var s stream
	for range 1000 {
		n, err := s.Write(make([]byte, 4096))
		require.NoError(t, err)
		require.Equal(t, 4096, n)
	}
	got := s.text()
	assert.Len(t, got.head, maxStream, "kept %d of %d bytes", len(got.head), got.total)
	assert.Equal(t, 1000*4096, got.total)
	s.close()
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("a closed stream takes more")
	}
}

func FuzzCompose(f *testing.F) {
	f.Add("", "")
	f.Add("out\n", "err\n")
	f.Add(strings.Repeat("o", 2500), strings.Repeat("e", 2500))
	f.Add(strings.Repeat("o", 1238), strings.Repeat("e", 1239))
	f.Fuzz(func(t *testing.T, stdout, stderr string) {
		o, e := stored(stdout), stored(stderr)
		got := compose(o, e)
		switch whole := stdout + stderr; {
		case len(got) > maxOutput:
			t.Errorf("%d bytes", len(got))
		case len(whole) < maxOutput-len(errorTitle) && len(got) < len(whole):
			t.Errorf("%d bytes of output cut to %d", len(whole), len(got))
		case !strings.HasPrefix(got, stdout[:min(len(stdout), 1200)]):
			t.Error("the head of stdout is missing")
		}
		assert.LessOrEqual(t, len(o.cut(maxStream)), maxStream, "a cut is too long")
		assert.LessOrEqual(t, len(e.cut(maxStream)), maxStream, "a cut is too long")
	})
}
