package evidence

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
)

// reader makes the evidence of one fleet, sweep by sweep.
type reader struct {
	fleet   Fleet
	every   Every
	done    map[string][]done
	hosts   map[string]*host
	places  map[string]time.Time // account and region, by the first sweep
	counts  map[string]looked    // by place, of the last sweep in the period at hand
	periods map[time.Time]*Period
	swept   map[time.Time]map[string]bool // places, by period
}

// looked is how many hosts of an account and region there are, and were looked at.
type looked struct{ hosts, checked int }

// host is the state of one host of the fleet.
type host struct {
	place   string
	gap     *Gap
	drift   *Drift
	suspect *Suspect
	// The last sweep that had the drift or the findings.
	drifted, suspected time.Time
	baseline           string // that the drift is from
	seen               time.Time
	life               lifetime
}

func newReader(fleet string, every Every, done map[string][]done) *reader {
	return &reader{
		fleet: Fleet{Name: fleet, Gaps: []Gap{}, Drifts: []Drift{}, Suspects: []Suspect{}}, every: every, done: done,
		hosts: map[string]*host{}, places: map[string]time.Time{}, counts: map[string]looked{}, periods: map[time.Time]*Period{}, swept: map[time.Time]map[string]bool{},
	}
}

// read takes over one sweep. The hosts of an account and region that it no longer has have
// left the fleet.
func (r *reader) read(ctx context.Context, l *ledger.Ledger, s sweep, unread *Unread) error {
	start := r.every.start(s.at)
	p := r.periods[start]
	if p == nil {
		p = &Period{Start: start}
		r.periods[start], r.swept[start] = p, map[string]bool{}
		clear(r.counts)
	}
	p.Sweeps++
	before := len(*unread)
	here := map[string]looked{} // by place
	err := s.rows(ctx, l, unread, func(part ledger.SweepID, row ledger.HostRow) {
		place := part.Account + " " + part.Region
		n := here[place]
		n.hosts++
		if row.Status == "clean" || row.Status == "drift" {
			n.checked++
		}
		here[place] = n
		r.see(row, place, s.at)
	})
	maps.Copy(r.counts, here)
	p.Hosts, p.Checked = 0, 0
	for _, n := range r.counts {
		p.Hosts, p.Checked = p.Hosts+n.hosts, p.Checked+n.checked
	}
	if err != nil || len(*unread) > before {
		return err // what is there was seen; that a host is not says nothing
	}
	for place := range here {
		r.swept[start][place] = true
		if _, known := r.places[place]; !known {
			r.places[place] = s.at
		}
	}
	for id, h := range r.hosts {
		if _, swept := here[h.place]; swept && h.seen.Before(s.at) {
			r.leave(h, s.at)
			delete(r.hosts, id)
		}
	}
	return nil
}

// see takes over what a sweep found on a host.
func (r *reader) see(row ledger.HostRow, place string, at time.Time) {
	h := r.hosts[row.Instance]
	if h == nil {
		h = &host{}
		r.hosts[row.Instance] = h
		r.fleet.Hosts++
	}
	h.place, h.seen = place, at
	h.life.see(row, at)
	r.seeGap(h, row, at)
	r.seeDrift(h, row, at)
	r.seeSuspect(h, row, at)
}

func (r *reader) seeGap(h *host, row ledger.HostRow, at time.Time) {
	if row.Status == "clean" || row.Status == "drift" {
		if h.gap != nil {
			h.gap.To = at
			r.fleet.Gaps = append(r.fleet.Gaps, *h.gap)
			h.gap = nil
		}
		return
	}
	if h.gap == nil {
		h.gap = &Gap{Instance: row.Instance, Name: row.Name, From: at}
	}
	h.gap.Sweeps++
	h.gap.Reason, h.gap.Held = cmp.Or(row.Reason, row.Status), row.Held != ""
}

// seeDrift opens, follows or ends a drift. A host that was not looked at says nothing of it.
func (r *reader) seeDrift(h *host, row ledger.HostRow, at time.Time) {
	if row.Status != "clean" && row.Status != "drift" {
		return
	}
	if h.drift != nil && (row.Status == "clean" || row.Baseline != h.baseline) {
		r.endDrift(h, at, row)
	}
	if row.Status == "clean" {
		return
	}
	if h.drift == nil {
		h.drift = &Drift{Instance: row.Instance, Name: row.Name, From: at}
		h.baseline = row.Baseline
	}
	h.drifted, h.drift.Fingerprint = at, row.Fingerprint
	for _, n := range []struct{ to, from *int }{{&h.drift.Added, row.Added}, {&h.drift.Removed, row.Removed}, {&h.drift.Changed, row.Changed}} {
		*n.to = 0
		if n.from != nil {
			*n.to = *n.from
		}
	}
}

// endDrift says what ended a drift: an action, or else what the baseline tells.
func (r *reader) endDrift(h *host, at time.Time, row ledger.HostRow) {
	d := h.drift
	d.To, d.End = at, Reverted
	if row.Baseline != h.baseline {
		d.End = Replaced
		for _, a := range r.between(d.Instance, h.drifted, at) {
			if changesBaseline(a.kind) && madeBaseline(a, row.Baseline) {
				d.End, d.Action, d.Who, d.Why, d.To = Accepted, a.kind, a.who, a.why, a.when
			}
		}
	}
	d.close(d.To)
	r.fleet.Drifts = append(r.fleet.Drifts, *d)
	h.drift = nil
}

func (d *Drift) close(at time.Time) {
	d.Open = max(at.Sub(d.From), 0)
	d.OpenSeconds = int64(d.Open / time.Second)
}

func (r *reader) seeSuspect(h *host, row ledger.HostRow, at time.Time) {
	if len(row.Suspect) == 0 {
		if h.suspect != nil && row.Status != "missing" {
			r.endSuspect(h, at)
		}
		return
	}
	if h.suspect == nil {
		h.suspect = &Suspect{Instance: row.Instance, Name: row.Name, From: at}
	}
	h.suspected = at
	for _, kind := range row.Suspect {
		if !slices.Contains(h.suspect.Findings, kind) {
			h.suspect.Findings = append(h.suspect.Findings, kind)
		}
	}
}

func (r *reader) endSuspect(h *host, at time.Time) {
	s := h.suspect
	s.To, s.End = at, Unknown
	for _, a := range r.between(s.Instance, h.suspected, at) {
		if a.kind == ledger.Trust {
			s.End, s.Who, s.Why, s.To = Trusted, a.who, a.why, a.when
		}
	}
	r.fleet.Suspects = append(r.fleet.Suspects, *s)
	h.suspect = nil
}

// between are the actions on a host from one sweep to another.
func (r *reader) between(instance string, from, to time.Time) (list []done) {
	for _, a := range r.done[instance] {
		if a.when.After(from.Add(-tolerance)) && a.when.Before(to.Add(tolerance)) {
			list = append(list, a)
		}
	}
	return list
}

// leave ends what is open on a host that is not in the fleet any more.
func (r *reader) leave(h *host, at time.Time) {
	if h.gap != nil {
		h.gap.To, h.gap.Gone = at, true
		r.fleet.Gaps = append(r.fleet.Gaps, *h.gap)
	}
	if h.drift != nil {
		h.drift.To, h.drift.End = at, Gone
		h.drift.close(at)
		r.fleet.Drifts = append(r.fleet.Drifts, *h.drift)
	}
	if h.suspect != nil {
		h.suspect.To, h.suspect.End = at, Gone
		r.fleet.Suspects = append(r.fleet.Suspects, *h.suspect)
	}
}

// first is when the periods of the fleet begin: with the query, or with its first sweep.
func (r *reader) first(from time.Time) time.Time {
	at := slices.AppendSeq(slices.Collect(maps.Values(r.places)), maps.Keys(r.periods))
	if first := slices.MinFunc(at, time.Time.Compare); first.After(from) {
		return first
	}
	return from
}

// end is the evidence once all sweeps are read.
func (r *reader) end(first, to time.Time) Fleet {
	for _, h := range r.hosts {
		if h.gap != nil {
			r.fleet.Gaps = append(r.fleet.Gaps, *h.gap)
		}
		if h.drift != nil {
			h.drift.End = Open
			h.drift.close(to)
			r.fleet.Drifts = append(r.fleet.Drifts, *h.drift)
		}
		if h.suspect != nil {
			h.suspect.End = Open
			r.fleet.Suspects = append(r.fleet.Suspects, *h.suspect)
		}
	}
	f := &r.fleet
	for _, id := range slices.Sorted(maps.Keys(r.hosts)) {
		f.Lives = append(f.Lives, r.hosts[id].life.until(to))
	}
	slices.SortFunc(f.Gaps, func(a, b Gap) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Instance, b.Instance)) })
	slices.SortFunc(f.Drifts, func(a, b Drift) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Instance, b.Instance)) })
	slices.SortFunc(f.Suspects, func(a, b Suspect) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Instance, b.Instance)) })
	for start := first; start.Before(to); start = r.every.next(start) {
		p := r.period(start)
		if over := !r.every.next(start).After(to); over || p.Complete {
			f.Periods = append(f.Periods, p)
		}
	}
	return *f
}

// period judges one period: each account and region that the fleet had by its end was swept.
func (r *reader) period(start time.Time) Period {
	p := Period{Start: start}
	if known := r.periods[start]; known != nil {
		p = *known
	}
	end := r.every.next(start)
	p.Complete = p.Sweeps > 0
	for _, place := range slices.Sorted(maps.Keys(r.places)) {
		if r.places[place].Before(end) && !r.swept[start][place] {
			p.Absent, p.Complete = append(p.Absent, place), false
		}
	}
	p.Complete = p.Complete && len(r.swept[start]) > 0
	return p
}
