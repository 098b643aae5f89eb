package check

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func testDigest(n int) string { return fmt.Sprintf("%064x", n) }

// TestNoted: each baseline has one configuration, the last that was noted, and the
// file does not grow.
func TestNoted(t *testing.T) {
	s := state{t.TempDir()}
	for n := range 3 * mostNoted {
		if err := s.noteConfig(testDigest(n), testDigest(n+1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.noteConfig(testDigest(3*mostNoted-2), testDigest(7)); err != nil {
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
	if err != nil || strings.Count(string(text), "\n") != mostNoted || len(text) != mostNoted*noteBytes {
		t.Errorf("%v\n%s", err, text)
	}
}

// FuzzNoted: whatever is there, what is noted is read back, and nothing else is.
func FuzzNoted(f *testing.F) {
	line := testDigest(1) + " " + testDigest(2) + "\n"
	f.Add([]byte(line + line))
	f.Add([]byte(strings.ToUpper(line)))
	f.Add([]byte("garbage\n" + line[:100]))
	s := state{f.TempDir()}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(s.noted(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.configOf(testDigest(1)); got != "" && !strings.Contains(string(text), testDigest(1)+" "+got+"\n") {
			t.Errorf("%q is not noted in %q", got, text)
		}
		if err := s.noteConfig(testDigest(3), testDigest(4)); err != nil {
			t.Fatal(err)
		}
		if got := s.configOf(testDigest(3)); got != testDigest(4) {
			t.Errorf("%q, want what was noted", got)
		}
	})
}
