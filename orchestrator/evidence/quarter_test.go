package evidence

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/ledger"
)

// What the quarter is made of.
const (
	quarterDays  = 90
	quarterHosts = 1000
	quarterFleet = "env=prod"
)

var quarterBegin = time.Date(2026, 8, 28, 0, 0, 0, 0, time.UTC)

// story is what happens to one host: from one day to another, in one way.
type story struct {
	kind     string // "drift", "gap", "suspect"; empty is an uneventful quarter
	from, to int    // days; to is the first day after
	end      string // Accepted, Reverted, Trusted or Open
}

// quarter is a fleet's quarter, and what is true of it.
type quarter struct {
	stories []story
	unswept []int // days without a sweep
}

func newQuarter(seed uint64) quarter {
	random := rand.New(rand.NewPCG(seed, 0))
	q := quarter{stories: make([]story, quarterHosts), unswept: []int{17, 44, 45}}
	for i := range q.stories {
		s := story{from: 1 + random.IntN(60)}
		s.to = s.from + 1 + random.IntN(20)
		switch random.IntN(6) {
		case 0:
			s.kind, s.end = "drift", Accepted
		case 1:
			s.kind, s.end = "drift", Reverted
		case 2:
			s.kind, s.end, s.to = "drift", Open, quarterDays
		case 3:
			s.kind = "gap"
		case 4:
			s.kind, s.end = "suspect", Trusted
		}
		q.stories[i] = s
	}
	return q
}

func (q quarter) swept(day int) bool { return !slices.Contains(q.unswept, day) }

// sweepAt is when the sweep of a day is, and actAt when people act on that day, before it.
func sweepAt(day int) time.Time { return quarterBegin.AddDate(0, 0, day).Add(5 * time.Hour) }
func actAt(day int) time.Time   { return quarterBegin.AddDate(0, 0, day).Add(3 * time.Hour) }

// on is the first day from this one on that has a sweep.
func (q quarter) on(day int) int {
	for !q.swept(day) {
		day++
	}
	return day
}

func instance(i int) string { return fmt.Sprintf("i-%08x", i+1) }

// row is what the sweep of a day says of a host.
func (q quarter) row(i, day int) ledger.HostRow {
	s := q.stories[i]
	zero, three := 0, 3
	h := ledger.HostRow{
		Account: "123456789012", Region: "eu-central-1", Instance: instance(i), Name: fmt.Sprintf("host-%d", i), Status: "clean",
		Added: &zero, Removed: &zero, Changed: &zero, Baseline: fmt.Sprintf("%064x", i),
	}
	during := s.kind != "" && day >= s.from && day < s.to
	switch {
	case s.kind == "drift" && during:
		h.Status, h.Changed, h.Fingerprint = "drift", &three, fmt.Sprintf("%032x", i)
	case s.kind == "drift" && s.end == Accepted && day >= s.to:
		h.Baseline = fmt.Sprintf("%064x", i+quarterHosts)
	case s.kind == "gap" && during:
		h.Status, h.Reason, h.Added, h.Removed, h.Changed = "missing", "agent_lost", nil, nil, nil
	case s.kind == "suspect" && during:
		h.Suspect = []string{"baseline_unexpected"}
	}
	return h
}

// write writes the quarter into a ledger.
func (q quarter) write(tb testing.TB, l *ledger.Ledger) {
	tb.Helper()
	ctx := context.Background()
	for day := range quarterDays {
		acts := map[ledger.Kind][]ledger.Change{}
		for i, s := range q.stories {
			if s.to != day || s.kind == "" {
				continue
			}
			c := ledger.Change{Instance: instance(i), Done: true}
			switch s.end {
			case Accepted:
				acts[ledger.Accept] = append(acts[ledger.Accept], c)
			case Trusted:
				acts[ledger.Trust] = append(acts[ledger.Trust], c)
			}
		}
		for kind, hosts := range acts {
			require.NoError(tb, l.WriteAction(ctx, ledger.Action{
				Kind: kind, ID: fmt.Sprintf("%s-%d", kind, day), Who: "arn:aws:iam::123456789012:user/anna", Why: fmt.Sprintf("ticket %d", day),
				When: actAt(day), Completed: actAt(day), Account: "123456789012", Region: "eu-central-1", Hosts: hosts,
			}))
		}
		if !q.swept(day) {
			continue
		}
		run := ledger.Run{Account: "123456789012", Region: "eu-central-1", ID: fmt.Sprintf("run-%d", day), Started: sweepAt(day)}
		_, err := l.WriteSweep(ctx, quarterFleet, run, func(w io.Writer) error { _, err := io.WriteString(w, "{}"); return err })
		require.NoError(tb, err)
		require.NoError(tb, l.WriteHosts(ctx, quarterFleet, run, func(put func(ledger.HostRow) error) error {
			for i := range q.stories {
				if err := put(q.row(i, day)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

// truth is what the evidence has to say of the hosts.
func (q quarter) truth() (gaps []Gap, drifts []Drift, suspects []Suspect) {
	const who = "arn:aws:iam::123456789012:user/anna"
	to := quarterBegin.AddDate(0, 0, quarterDays)
	for i, s := range q.stories {
		from, ended := sweepAt(q.on(s.from)), sweepAt(q.on(min(s.to, quarterDays-1)))
		if s.kind == "" || q.on(s.from) >= s.to && s.end != Open {
			continue // it began and ended between two sweeps
		}
		name, why := fmt.Sprintf("host-%d", i), fmt.Sprintf("ticket %d", s.to)
		switch s.kind {
		case "gap":
			n := 0
			for day := s.from; day < s.to; day++ {
				if q.swept(day) {
					n++
				}
			}
			gaps = append(gaps, Gap{Instance: instance(i), Name: name, From: from, To: ended, Sweeps: n, Reason: "agent_lost"})
		case "suspect":
			suspects = append(suspects, Suspect{Instance: instance(i), Name: name, Findings: []string{"baseline_unexpected"}, From: from, To: actAt(s.to), End: Trusted, Who: who, Why: why})
		case "drift":
			d := Drift{Instance: instance(i), Name: name, From: from, To: ended, Fingerprint: fmt.Sprintf("%032x", i), Changed: 3, End: s.end}
			switch s.end {
			case Accepted:
				d.To, d.Action, d.Who, d.Why = actAt(s.to), ledger.Accept, who, why
				d.Open = d.To.Sub(from)
			case Open:
				d.To, d.Open = time.Time{}, to.Sub(from)
			default:
				d.Open = d.To.Sub(from)
			}
			d.OpenSeconds = int64(d.Open / time.Second)
			drifts = append(drifts, d)
		}
	}
	return gaps, drifts, suspects
}

// TestQuarter holds the evidence of a quarter of 1,000 hosts against the truth.
func TestQuarter(t *testing.T) {
	q := newQuarter(1)
	l, err := ledger.Open(t.TempDir(), "", ledger.S3API{})
	require.NoError(t, err)
	q.write(t, l)
	e, err := Collect(t.Context(), l, Query{From: quarterBegin, To: quarterBegin.AddDate(0, 0, quarterDays)}, Day, func(ledger.Hold) string { return "" })
	require.NoError(t, err)
	require.Len(t, e.Fleets, 1)
	f := e.Fleets[0]
	assert.Equal(t, quarterFleet, f.Name)
	assert.Equal(t, quarterHosts, f.Hosts)

	require.Len(t, f.Periods, quarterDays)
	for day, p := range f.Periods {
		assert.Equal(t, quarterBegin.AddDate(0, 0, day), p.Start)
		assert.Equal(t, q.swept(day), p.Complete, "day %d", day)
	}
	assert.False(t, e.Complete())

	gaps, drifts, suspects := q.truth()
	slices.SortFunc(f.Gaps, func(a, b Gap) int { return strings.Compare(a.Instance, b.Instance) })
	slices.SortFunc(f.Drifts, func(a, b Drift) int { return strings.Compare(a.Instance, b.Instance) })
	slices.SortFunc(f.Suspects, func(a, b Suspect) int { return strings.Compare(a.Instance, b.Instance) })
	assert.NotEmpty(t, gaps)
	assert.Equal(t, gaps, f.Gaps)
	assert.NotEmpty(t, drifts)
	assert.Equal(t, drifts, f.Drifts)
	assert.NotEmpty(t, suspects)
	assert.Equal(t, suspects, f.Suspects)

	weekly, err := Collect(t.Context(), l, Query{From: quarterBegin, To: quarterBegin.AddDate(0, 0, quarterDays)}, Week, func(ledger.Hold) string { return "" })
	require.NoError(t, err)
	assert.True(t, weekly.Complete(), "%+v", weekly.Fleets[0].Periods)
	assert.Equal(t, time.Monday, weekly.Fleets[0].Periods[0].Start.Weekday())
}

// BenchmarkQuarter is the time and the memory of the evidence of a quarter.
func BenchmarkQuarter(b *testing.B) {
	l, err := ledger.Open(b.TempDir(), "", ledger.S3API{})
	require.NoError(b, err)
	newQuarter(1).write(b, l)
	b.ReportAllocs()
	for b.Loop() {
		_, err := Collect(b.Context(), l, Query{From: quarterBegin, To: quarterBegin.AddDate(0, 0, quarterDays)}, Day, func(ledger.Hold) string { return "" })
		require.NoError(b, err)
	}
}
