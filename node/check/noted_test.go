package check

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func testDigest(n int) string { return fmt.Sprintf("%064x", n) }

// TestNoted: each baseline has one configuration, the last that was noted, and the
// file does not grow.
func TestNoted(t *testing.T) {
	s := state{t.TempDir()}
	for n := range 3 * mostNoted {
		if err := s.keepNote(note{sha256: testDigest(n), config: testDigest(n + 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.keepNote(note{sha256: testDigest(3*mostNoted - 2), config: testDigest(7)}); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		3*mostNoted - 1: testDigest(3*mostNoted - 1 + 1000), 3*mostNoted - 2: testDigest(7), 2 * mostNoted: testDigest(2*mostNoted + 1000), 2*mostNoted - 1: "", 0: "",
	} {
		if got := s.configOf(testDigest(n)); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	text, err := os.ReadFile(s.noted())
	assert.NoError(t, err)
	assert.Equal(t, mostNoted, strings.Count(string(text), "\n"))
}

// TestNote: what is written of a baseline is read back.
func TestNote(t *testing.T) {
	since := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	for _, want := range []note{
		{sha256: testDigest(1), config: testDigest(2)},
		{sha256: testDigest(1)},
		{sha256: testDigest(1), config: testDigest(2), since: since, size: 12643, entries: 41, written: "2026-11-25 22:39:31", path: "/var/lib/aide/aide.db"},
		{sha256: testDigest(1), since: since, path: "/a b\"\n\xff"},
	} {
		got, ok := noted(want.line())
		assert.True(t, ok, want.line())
		assert.Equal(t, want, got)
	}
	whole := note{sha256: testDigest(1), since: since, size: 1, entries: 1, written: "x", path: "/x"}.line()
	for n := range len(whole) - 1 {
		if got, ok := noted(whole[:n]); ok {
			t.Errorf("%q: %+v", whole[:n], got)
		}
	}
}

// FuzzNote: a line that is understood says the same when it is written again.
func FuzzNote(f *testing.F) {
	f.Add(string(note{sha256: testDigest(1), config: testDigest(2)}.line()))
	f.Add(string(note{sha256: testDigest(1), since: time.Unix(1, 0), written: "then", path: "/x y"}.line()))
	f.Fuzz(func(t *testing.T, line string) {
		n, ok := noted([]byte(line))
		if !ok {
			return
		}
		again, ok := noted(n.line())
		if !ok {
			t.Fatalf("%q is not understood", n.line())
		}
		if !again.since.Equal(n.since) {
			t.Errorf("%q: since %s, then %s", line, n.since, again.since)
		}
		again.since = n.since
		if again != n {
			t.Errorf("%q: %+v, then %+v", line, n, again)
		}
	})
}

// FuzzNoted: whatever is there, what is noted is read back, and nothing else is.
func FuzzNoted(f *testing.F) {
	line := testDigest(1) + " " + testDigest(2) + "\n"
	f.Add([]byte(line + line))
	f.Add([]byte(strings.ToUpper(line)))
	f.Add([]byte("garbage\n" + line[:100]))
	f.Add(note{sha256: testDigest(1), since: time.Unix(1, 0), written: "then", path: "/x y"}.line())
	s := state{f.TempDir()}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(s.noted(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.configOf(testDigest(1)); got != "" && !strings.Contains(string(text), testDigest(1)+" "+got) {
			t.Errorf("%q is not noted in %q", got, text)
		}
		if err := s.keepNote(note{sha256: testDigest(3), config: testDigest(4)}); err != nil {
			t.Fatal(err)
		}
		if got := s.configOf(testDigest(3)); got != testDigest(4) {
			t.Errorf("%q, want what was noted", got)
		}
	})
}
