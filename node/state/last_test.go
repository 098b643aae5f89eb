package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// TestLastOfLongNames: what is kept is no longer than a result line, or the check could not
// be accepted.
func TestLastOfLongNames(t *testing.T) {
	f, err := Open(t.TempDir())
	require.NoError(t, err)
	digest := strings.Repeat("a", 64)
	kept := LastCheck{
		Line: result.Line{
			V: result.Version, Status: result.Drift, Counts: &result.Counts{Added: 2000}, Fingerprint: digest[:32], Started: time.Now(),
			Baseline: &result.Baseline{SHA256: digest}, Config: digest,
		},
		NewDatabase: digest,
	}
	for i := range 2000 {
		name := fmt.Sprintf("/srv/%d%s", i, strings.Repeat("x", 250))
		kept.Paths = append(kept.Paths, "+"+name)
		kept.Groups = append(kept.Groups, result.Group{At: name, Fingerprint: digest[:result.GroupDigits], N: 1})
	}
	require.NoError(t, f.KeepLast(kept))
	last, err := f.ReadLast()
	require.NoError(t, err)
	assert.Equal(t, digest[:32], last.Fingerprint)
	assert.Equal(t, digest, last.NewDatabase)
}

// TestLast reads what was kept, whatever the names of files look like.
func TestLast(t *testing.T) {
	f, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadLast(); !errors.Is(err, ErrNoCheck) {
		t.Errorf("before a check: %v", err)
	}
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.FixedZone("CET", 3600))
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	kept := LastCheck{
		Line: result.Line{
			V: result.Version, Status: result.Drift, Counts: &result.Counts{Added: 5}, Fingerprint: a[:32], Started: now,
			Baseline: &result.Baseline{SHA256: b}, Config: c,
			Paths: []string{`+accepted": "x`, "+\n \"accepted\": \"x\",\n", `+/newDatabase": "x`, `+": "`, `+\": "`},
		},
		NewDatabase: a, Database: `/a "b"\` + "\n/c",
	}
	if err := f.KeepLast(kept); err != nil {
		t.Fatal(err)
	}
	for _, accepted := range []string{"", "2026-11-23T05:00:00Z"} {
		l, err := f.ReadLast()
		if err != nil {
			t.Fatal(err)
		}
		for what, pair := range map[string][2]string{
			"status": {string(l.Status), "drift"}, "started": {l.At(), "2026-11-23T05:00:00Z"}, "fingerprint": {l.Fingerprint, a[:32]},
			"baseline": {l.Baseline.SHA256, b}, "configuration": {l.Config, c}, "new database": {l.NewDatabase, a},
			"accepted": {l.Accepted, accepted}, "database": {l.Database, kept.Database},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
			}
		}
		if err := f.MarkAccepted(l, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"", "{}\n", "garbage", `{"status": "drift"}`, "{\n \"status\": \"drift\"\n}\n"} {
		if err := write(f.last(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		if l, err := f.ReadLast(); !errors.Is(err, ErrNotAsWritten) {
			t.Errorf("%q: %+v, %v", text, l, err)
		}
	}
}
