package ledger_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/ledger"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*ledger.Ledger, string) {
	dir := filepath.Join(t.TempDir(), "ledger")
	folder, err := ledger.OpenFolder(dir)
	require.NoError(t, err)
	return &ledger.Ledger{Store: folder}, dir
}

func put(t *testing.T, p *ledger.Pins, pins ...ledger.Pin) error {
	t.Helper()
	return p.Replace(context.Background(), func(put func(ledger.Pin) error) error {
		for _, pin := range pins {
			require.NoError(t, put(pin))
		}
		return nil
	})
}

func pinsOf(t *testing.T, p *ledger.Pins) (list []ledger.Pin) {
	t.Helper()
	require.NoError(t, p.Each(func(pin ledger.Pin) error { list = append(list, pin); return nil }))
	return list
}

func TestPinsAreReadAsTheyWereWritten(t *testing.T) {
	l, _ := open(t)
	want := []ledger.Pin{{Instance: "i-1", Status: "clean", Seen: noon, Digests: ledger.Digests{Baseline: "ab"}}, {Instance: "i-2", Status: "failed", Seen: noon}}
	p, err := l.Pins(t.Context(), "111122223333", "eu-central-1")
	require.NoError(t, err)
	require.NoError(t, put(t, p, want...))
	p, err = l.Pins(t.Context(), "111122223333", "eu-central-1")
	require.NoError(t, err)
	assert.Equal(t, want, pinsOf(t, p))
	assert.Equal(t, want, pinsOf(t, p), "once more")
}

func TestPinsOfTwoSweepsAtOnce(t *testing.T) {
	l, _ := open(t)
	first, err := l.Pins(t.Context(), "1", "r")
	require.NoError(t, err)
	second, err := l.Pins(t.Context(), "1", "r")
	require.NoError(t, err)
	require.NoError(t, put(t, first, ledger.Pin{Instance: "i-1"}))
	require.ErrorIs(t, put(t, second, ledger.Pin{Instance: "i-2"}), ledger.ErrChanged)
}

func TestBrokenObjects(t *testing.T) {
	l, dir := open(t)
	path := filepath.Join(dir, "pins/account=1/region=r.json.gz")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
	p, err := l.Pins(t.Context(), "1", "r")
	require.NoError(t, err)
	var broken *ledger.BrokenError
	require.ErrorAs(t, p.Each(func(ledger.Pin) error { return nil }), &broken)
	assert.Equal(t, path, broken.Object)
}

func TestAnotherVersion(t *testing.T) {
	l, dir := open(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "holds"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "holds/old.json"), []byte(`{"v":7}`), 0o600))
	require.NoError(t, l.WriteHold(t.Context(), ledger.Hold{ID: "new", From: noon, Until: noon.Add(time.Hour)}, ""))
	holds, err := l.Holds(t.Context())
	require.ErrorContains(t, err, "holds/old.json has version 7, this program reads version 1")
	require.Len(t, holds, 1)
	assert.True(t, holds[0].Holds(noon))
	assert.False(t, holds[0].Holds(noon.Add(time.Hour)))
}

func TestActionsOfSomeDays(t *testing.T) {
	l, _ := open(t)
	for _, when := range []time.Time{noon.AddDate(0, 0, -3), noon.AddDate(0, 0, -1), noon} {
		require.NoError(t, l.WriteAction(t.Context(), ledger.Action{Kind: ledger.Accept, ID: "run", When: when, Account: "1", Region: "r"}))
	}
	var seen []time.Time
	require.NoError(t, l.Actions(t.Context(), noon.AddDate(0, 0, -2), noon, func(a ledger.Action) { seen = append(seen, a.When) }))
	assert.Equal(t, []time.Time{noon.AddDate(0, 0, -1), noon}, seen)
}

func TestSweepsOfAFleet(t *testing.T) {
	l, _ := open(t)
	run := ledger.Run{Account: "1", Region: "eu-central-1", ID: "X", Started: noon}
	for _, fleet := range []string{"env=prod", "../up"} {
		_, err := l.WriteSweep(t.Context(), fleet, run, func(w io.Writer) error { _, err := io.WriteString(w, `{"v":1}`); return err })
		require.NoError(t, err)
		require.NoError(t, l.WriteHosts(t.Context(), fleet, run, func(put func(ledger.HostRow) error) error { return put(ledger.HostRow{Instance: "i-1"}) }))
	}
	sweeps, err := l.Sweeps(t.Context(), "../up", noon.Add(-time.Hour), noon)
	require.NoError(t, err)
	require.Len(t, sweeps, 1)
	assert.Equal(t, "sweeps/fleet=%2E%2E%2Fup/date=2026-11-20/20261120T120000Z-1-eu-central-1-X.json.gz", sweeps[0].Key)
	assert.Equal(t, "../up", sweeps[0].Fleet)
	data, err := l.Report(t.Context(), sweeps[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"v":1}`, string(data))
	var hosts []string
	require.NoError(t, l.Hosts(t.Context(), sweeps[0], func(h ledger.HostRow) { hosts = append(hosts, h.Instance) }))
	assert.Equal(t, []string{"i-1"}, hosts)
}
