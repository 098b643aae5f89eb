package evidence

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small is a ledger of two days: a deploy on web-1 that was accepted, in one region, and in
// the other a host whose baseline was rewritten.
type small struct {
	*ledger.Ledger
	t   *testing.T
	dir string
}

func day(n int) time.Time { return time.Date(2026, 11, 23+n, 5, 0, 0, 0, time.UTC) }

func query() Query {
	return Query{From: day(0).Truncate(24 * time.Hour), To: day(2).Truncate(24 * time.Hour)}
}

func newSmall(t *testing.T) small {
	t.Helper()
	s := small{t: t, dir: t.TempDir()}
	var err error
	s.Ledger, err = ledger.Open(s.dir, "", ledger.S3API{})
	require.NoError(t, err)
	return s
}

func (s small) sweep(fleet, region string, at time.Time, hosts ...ledger.HostRow) {
	s.t.Helper()
	run := ledger.Run{Account: "123456789012", Region: region, ID: at.Truncate(time.Hour).Format("20060102T150405Z") + "-ABCD2345", Started: at}
	_, err := s.WriteSweep(s.t.Context(), fleet, run, func(w io.Writer) error { _, err := io.WriteString(w, "{}"); return err })
	require.NoError(s.t, err)
	require.NoError(s.t, s.WriteHosts(s.t.Context(), fleet, run, func(put func(ledger.HostRow) error) error {
		for _, h := range hosts {
			h.Account, h.Region = "123456789012", region
			if err := put(h); err != nil {
				return err
			}
		}
		return nil
	}))
}

func clean(instance, name, baseline string) ledger.HostRow {
	zero := 0
	return ledger.HostRow{Instance: instance, Name: name, Status: "clean", Added: &zero, Removed: &zero, Changed: &zero, Baseline: baseline}
}

func drifted(instance, name, baseline string) ledger.HostRow {
	h := clean(instance, name, baseline)
	two := 2
	h.Status, h.Changed, h.New, h.Fingerprint = "drift", &two, 2, strings.Repeat("0a", 16)
	return h
}

func filled(t *testing.T) small {
	t.Helper()
	s := newSmall(t)
	suspect := clean("i-02", "db-1", strings.Repeat("d", 64))
	suspect.Suspect = []string{"baseline_unexpected"}
	lost := ledger.HostRow{Instance: "i-03", Name: "db-2", Status: "missing", Reason: "agent_lost", Held: "h1"}
	s.sweep("env=prod", "eu-central-1", day(0), drifted("i-01", "web-1", strings.Repeat("a", 64)))
	s.sweep("env=prod", "us-east-1", day(0).Add(time.Second), clean("i-02", "db-1", strings.Repeat("c", 64)), lost)
	s.sweep("env=prod", "eu-central-1", day(1), clean("i-01", "web-1", strings.Repeat("b", 64)))
	s.sweep("env=prod", "us-east-1", day(1).Add(time.Second), suspect, lost)
	s.sweep("i-01", "eu-central-1", day(1).Add(time.Hour), clean("i-01", "web-1", strings.Repeat("b", 64)))
	require.NoError(t, s.WriteAction(t.Context(), ledger.Action{
		Kind: ledger.Accept, ID: "a1", Who: "arn:aws:iam::123456789012:user/anna", Why: "release 2.0", When: day(0).Add(4 * time.Hour), Account: "123456789012",
		Region: "eu-central-1", Target: "i-01", Fingerprint: strings.Repeat("0a", 16), Hosts: []ledger.Change{{Instance: "i-01", Name: "web-1", Done: true}},
	}))
	require.NoError(t, s.WriteHold(t.Context(), ledger.Hold{ID: "h1", Instances: []string{"i-03"}, Who: "bob", Why: "new disk", From: day(0), Until: day(1).Add(9 * time.Hour)}, ""))
	return s
}

// TestWrite holds what is written against files in testdata; -update writes them anew.
func TestWrite(t *testing.T) {
	s := filled(t)
	e, err := Collect(t.Context(), s.Ledger, query(), Day, func(h ledger.Hold) string { return strings.Join(h.Instances, " ") })
	require.NoError(t, err)
	assert.True(t, e.Complete())
	sweeps, done, err := Sweeps(t.Context(), s.Ledger, query())
	require.NoError(t, err)
	life, err := HostLife(t.Context(), s.Ledger, query(), "web-1")
	require.NoError(t, err)
	for name, write := range map[string]func(io.Writer) error{
		"evidence.txt":  func(w io.Writer) error { return WriteText(w, Form{"table", 80}, e) },
		"evidence.csv":  func(w io.Writer) error { return WriteCSV(w, e) },
		"evidence.json": func(w io.Writer) error { return WriteJSON(w, e) },
		"sweeps.txt":    func(w io.Writer) error { return WriteSweeps(w, Form{"table", 80}, sweeps, done) },
		"sweeps.csv":    func(w io.Writer) error { return WriteSweeps(w, Form{Format: "csv"}, sweeps, done) },
		"sweeps.json":   func(w io.Writer) error { return WriteSweeps(w, Form{Format: "json"}, sweeps, done) },
		"life.txt":      func(w io.Writer) error { return WriteLife(w, Form{"table", 80}, life) },
		"life.rows":     func(w io.Writer) error { return WriteLife(w, Form{Format: Rows}, life) },
		"life.csv":      func(w io.Writer) error { return WriteLife(w, Form{Format: "csv"}, life) },
		"life.json":     func(w io.Writer) error { return WriteLife(w, Form{Format: "json"}, life) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			require.NoError(t, write(&got))
			file := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}

// TestAbsentRegion: a period in which one region was not swept is not complete.
func TestAbsentRegion(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""))
	s.sweep("f", "us-east-1", day(0), clean("i-02", "b", ""))
	s.sweep("f", "eu-central-1", day(1), clean("i-01", "a", ""))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	require.Len(t, e.Fleets[0].Periods, 2)
	assert.True(t, e.Fleets[0].Periods[0].Complete)
	assert.False(t, e.Fleets[0].Periods[1].Complete)
	assert.Equal(t, []string{"123456789012 us-east-1"}, e.Fleets[0].Periods[1].Absent)
}

// TestPresentDay: the day that is not over is no gap before its sweep.
func TestPresentDay(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""))
	q := query()
	q.To = day(1).Add(-time.Hour)
	e, err := Collect(t.Context(), s.Ledger, q, Day, nil)
	require.NoError(t, err)
	assert.Len(t, e.Fleets[0].Periods, 1)
	assert.True(t, e.Complete())
}

// TestNothing is no evidence.
func TestNothing(t *testing.T) {
	e, err := Collect(t.Context(), newSmall(t).Ledger, query(), Day, nil)
	require.NoError(t, err)
	assert.False(t, e.Complete())
}

// TestHostLeaves: what is open on a host that is not in the fleet any more is over.
func TestHostLeaves(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""), drifted("i-02", "b", ""))
	s.sweep("f", "eu-central-1", day(1), clean("i-01", "a", ""))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	require.Len(t, e.Fleets[0].Drifts, 1)
	assert.Equal(t, Gone, e.Fleets[0].Drifts[0].End)
	assert.Equal(t, day(1), e.Fleets[0].Drifts[0].To)
}

// TestReplacedBaseline: a drift that a baseline of nobody's swallowed was not accepted.
func TestReplacedBaseline(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), drifted("i-01", "a", strings.Repeat("a", 64)))
	s.sweep("f", "eu-central-1", day(1), clean("i-01", "a", strings.Repeat("b", 64)))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	require.Len(t, e.Fleets[0].Drifts, 1)
	assert.Equal(t, Replaced, e.Fleets[0].Drifts[0].End)
}

// TestUnrelatedAcceptance: an acceptance made another baseline than the one that is there.
func TestUnrelatedAcceptance(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), drifted("i-01", "a", strings.Repeat("a", 64)))
	require.NoError(t, s.WriteAction(t.Context(), ledger.Action{
		Kind: ledger.Accept, ID: "a1", When: day(0).Add(time.Hour), Account: "123456789012", Region: "eu-central-1",
		Hosts: []ledger.Change{{Instance: "i-01", Done: true, After: ledger.Digests{Baseline: strings.Repeat("c", 64)}}},
	}))
	s.sweep("f", "eu-central-1", day(1), clean("i-01", "a", strings.Repeat("b", 64)))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	require.Len(t, e.Fleets[0].Drifts, 1)
	assert.Equal(t, Replaced, e.Fleets[0].Drifts[0].End)
}

// TestForgottenFleet: a fleet that was swept until shortly before the query, and is not
// swept any more, is missed.
func TestForgottenFleet(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""))
	s.sweep("forgotten", "eu-central-1", day(-1), clean("i-02", "b", ""))
	s.sweep("old", "eu-central-1", day(-60), clean("i-03", "c", ""))
	q := query()
	q.To = day(1).Truncate(24 * time.Hour)
	e, err := Collect(t.Context(), s.Ledger, q, Day, nil)
	require.NoError(t, err)
	require.Len(t, e.Fleets, 2)
	assert.Equal(t, "forgotten", e.Fleets[1].Name)
	assert.Equal(t, []string{"123456789012 eu-central-1"}, e.Fleets[1].Periods[0].Absent)
	assert.False(t, e.Complete())
}

// TestForgottenRegion: the same for a region of a fleet.
func TestForgottenRegion(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "us-east-1", day(-1), clean("i-02", "b", ""))
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"123456789012 us-east-1"}, e.Fleets[0].Periods[0].Absent)
}

// TestUnreadFirst: a fleet's first sweep begins its periods also if it cannot be read.
func TestUnreadFirst(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""))
	s.sweep("f", "eu-central-1", day(1), clean("i-01", "a", ""))
	files, err := filepath.Glob(filepath.Join(s.dir, "hosts/fleet=f/date=2026-11-23/*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], []byte("no gzip"), 0o600))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.Error(t, err)
	require.Len(t, e.Fleets[0].Periods, 2)
	assert.False(t, e.Complete())
}

// TestHostsOfAllRegions: a period's hosts are those of all regions, also if each is swept
// on its own.
func TestHostsOfAllRegions(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "a", ""), clean("i-02", "b", ""))
	s.sweep("f", "us-east-1", day(0).Add(2*time.Hour), clean("i-03", "c", ""))
	s.sweep("f", "eu-central-1", day(0).Add(4*time.Hour), clean("i-01", "a", ""))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, nil)
	require.NoError(t, err)
	assert.Equal(t, 2, e.Fleets[0].Periods[0].Hosts)
	assert.Equal(t, 2, e.Fleets[0].Periods[0].Checked)
}

// TestUnread: a broken object is named, its period is not complete, and all else is there.
func TestUnread(t *testing.T) {
	s := filled(t)
	files, err := filepath.Glob(filepath.Join(s.dir, "hosts/fleet=env%3Dprod/date=2026-11-24/*eu-central-1*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(files[0], []byte("no gzip"), 0o600))
	e, err := Collect(t.Context(), s.Ledger, query(), Day, func(ledger.Hold) string { return "" })
	var unread Unread
	require.ErrorAs(t, err, &unread)
	assert.ErrorContains(t, err, "2026-11-24")
	require.Len(t, e.Fleets, 1)
	assert.True(t, e.Fleets[0].Periods[0].Complete)
	assert.False(t, e.Fleets[0].Periods[1].Complete)
	sweeps, _, err := Sweeps(t.Context(), s.Ledger, query())
	require.ErrorAs(t, err, &unread)
	assert.Len(t, sweeps, 3)
}

func TestHostLifeNames(t *testing.T) {
	s := newSmall(t)
	s.sweep("f", "eu-central-1", day(0), clean("i-01", "web", ""), clean("i-02", "web", ""))
	_, err := HostLife(t.Context(), s.Ledger, query(), "web")
	assert.ErrorContains(t, err, `2 hosts have the Name "web": give one of the ids i-01, i-02`)
	_, err = HostLife(t.Context(), s.Ledger, query(), "nobody")
	assert.ErrorIs(t, err, ErrUnknownHost)
	life, err := HostLife(t.Context(), s.Ledger, query(), "i-02")
	require.NoError(t, err)
	assert.Equal(t, "web", life.Name)
}
