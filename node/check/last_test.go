package check

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// TestLast reads what was kept, whatever the names of files look like.
func TestLast(t *testing.T) {
	s, err := openState(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.readLast(); !errors.Is(err, errNoLast) {
		t.Errorf("before a check: %v", err)
	}
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.FixedZone("CET", 3600))
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	if err := s.keepLast(result.Line{
		V: result.Version, Status: result.Drift, Counts: &result.Counts{Added: 3}, Fingerprint: a[:32], Started: now,
		Baseline: &result.Baseline{SHA256: b}, Config: c,
		Paths: []string{`+accepted": "x`, "+\n \"accepted\": \"x\",\n", `+/newDatabase": "x`, `+": "`, `+\": "`},
	}, a, `/a "b"\`+"\n/c"); err != nil {
		t.Fatal(err)
	}
	for _, accepted := range []string{"", "2026-11-23T05:00:00Z"} {
		l, err := s.readLast()
		require.NoError(t, err)
		require.Equal(t, result.Drift, l.status, "%+v", l)
		require.Equal(t, "2026-11-23T05:00:00Z", l.started)
		require.Equal(t, a[:32], l.fingerprint)
		require.Equal(t, b, l.baseline)
		require.Equal(t, c, l.config)
		require.Equal(t, a, l.newDatabase)
		require.Equal(t, accepted, l.accepted)
		if l.database != `/a "b"\`+"\n/c" {
			t.Errorf("the database is %q", l.database)
		}
		if err := s.markAccepted(l, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"", "{}\n", "garbage", `{"status": "drift"}`, "{\n \"status\": \"drift\"\n}\n"} {
		if err := s.write(s.last(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if l, err := s.readLast(); err == nil {
			t.Errorf("%q: %+v", text, l)
		}
	}
}
