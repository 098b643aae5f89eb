package state

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func testDigest(n int) string { return fmt.Sprintf("%064x", n) }

// TestRecordBaseline: each baseline has one configuration, the last that was noted, and the
// file does not grow.
func TestRecordBaseline(t *testing.T) {
	s := Folder(t.TempDir())
	for n := range 3 * mostBaselines {
		if err := s.RecordBaseline(Baseline{SHA256: testDigest(n), Config: testDigest(n + 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RecordBaseline(Baseline{SHA256: testDigest(3*mostBaselines - 2), Config: testDigest(7)}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		3*mostBaselines - 1: testDigest(3*mostBaselines - 1 + 1000), 3*mostBaselines - 2: testDigest(7), 2 * mostBaselines: testDigest(2*mostBaselines + 1000), 2*mostBaselines - 1: "", 0: "",
	} {
		if got := s.Baseline(testDigest(n)).Config; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	text, err := os.ReadFile(s.baselines())
	assert.NoError(t, err)
	assert.Equal(t, mostBaselines, strings.Count(string(text), "\n"))
}

// TestParseBaseline: what is written of a baseline is read back.
func TestParseBaseline(t *testing.T) {
	since := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	for _, want := range []Baseline{
		{SHA256: testDigest(1), Config: testDigest(2)},
		{SHA256: testDigest(1)},
		{SHA256: testDigest(1), Config: testDigest(2), Since: since, Size: 12643, Entries: 41, Written: "2026-11-25 22:39:31", Path: "/var/lib/aide/aide.db"},
		{SHA256: testDigest(1), Since: since, Path: "/a b\"\n\xff"},
	} {
		got, ok := parseBaseline(want.line())
		assert.True(t, ok, want.line())
		assert.Equal(t, want, got)
	}
	whole := Baseline{SHA256: testDigest(1), Since: since, Size: 1, Entries: 1, Written: "x", Path: "/x"}.line()
	for n := range len(whole) - 1 {
		if got, ok := parseBaseline(whole[:n]); ok {
			t.Errorf("%q: %+v", whole[:n], got)
		}
	}
}

// FuzzParseBaseline: a line that is understood says the same when it is written again.
func FuzzParseBaseline(f *testing.F) {
	f.Add(string(Baseline{SHA256: testDigest(1), Config: testDigest(2)}.line()))
	f.Add(string(Baseline{SHA256: testDigest(1), Since: time.Unix(1, 0), Written: "then", Path: "/x y"}.line()))
	f.Fuzz(func(t *testing.T, line string) {
		n, ok := parseBaseline([]byte(line))
		if !ok {
			return
		}
		again, ok := parseBaseline(n.line())
		if !ok {
			t.Fatalf("%q is not understood", n.line())
		}
		if !again.Since.Equal(n.Since) {
			t.Errorf("%q: since %s, then %s", line, n.Since, again.Since)
		}
		again.Since = n.Since
		if again != n {
			t.Errorf("%q: %+v, then %+v", line, n, again)
		}
	})
}

// FuzzBaselines: whatever is there, what is noted is read back, and nothing else is.
func FuzzBaselines(f *testing.F) {
	line := testDigest(1) + " " + testDigest(2) + "\n"
	f.Add([]byte(line + line))
	f.Add([]byte(strings.ToUpper(line)))
	f.Add([]byte("garbage\n" + line[:100]))
	f.Add(Baseline{SHA256: testDigest(1), Since: time.Unix(1, 0), Written: "then", Path: "/x y"}.line())
	s := Folder(f.TempDir())
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(s.baselines(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.Baseline(testDigest(1)).Config; got != "" && !strings.Contains(string(text), testDigest(1)+" "+got) {
			t.Errorf("%q is not noted in %q", got, text)
		}
		if err := s.RecordBaseline(Baseline{SHA256: testDigest(3), Config: testDigest(4)}); err != nil {
			t.Fatal(err)
		}
		if got := s.Baseline(testDigest(3)).Config; got != testDigest(4) {
			t.Errorf("%q, want what was noted", got)
		}
	})
}
