package evidence

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// Evidence is what an auditor asks: was everything looked at, what was found, and what
// became of it.
type Evidence struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Every   Every     `json:"period"`
	Fleets  []Fleet   `json:"fleets"`
	Actions []Action  `json:"actions"`
	Holds   []Hold    `json:"holds"`
}

// Every is how long a period is.
type Every string

// The lengths of a period. Weeks begin on Monday. All are in UTC.
const (
	Day  Every = "day"
	Week Every = "week"
)

// Fleet is the evidence about one fleet.
type Fleet struct {
	Name     string    `json:"fleet"`
	Hosts    int       `json:"hosts"` // that were in it at any time
	Periods  []Period  `json:"periods"`
	Gaps     []Gap     `json:"gaps"`
	Drifts   []Drift   `json:"drifts"`
	Suspects []Suspect `json:"suspects"`
	// Lives are its hosts as they were seen last, with their days up to the end.
	Lives []report.Host `json:"-"`
}

// Period is a day or a week, and whether the fleet was swept in it.
type Period struct {
	Start    time.Time `json:"start"`
	Sweeps   int       `json:"sweeps"`
	Complete bool      `json:"complete"` // a sweep of every account and region of the fleet is recorded
	// Absent are accounts and regions that the fleet had before, and of which there is no
	// sweep.
	Absent []string `json:"absent,omitempty"`
	// Hosts and Checked are those of the last sweep of each account and region, and those of
	// them that were looked at.
	Hosts   int `json:"hosts"`
	Checked int `json:"checked"`
}

// Gap is a time in which a host was in the fleet and was not looked at.
type Gap struct {
	Instance string    `json:"instance"`
	Name     string    `json:"name,omitempty"`
	From     time.Time `json:"from"`           // first sweep without it
	To       time.Time `json:"to,omitzero"`    // first sweep with it, or that no longer has it; zero if that is still to come
	Gone     bool      `json:"gone,omitempty"` // it left the fleet
	Sweeps   int       `json:"sweeps"`
	Reason   string    `json:"reason"` // of the last of them
	Held     bool      `json:"held,omitempty"`
}

// How a drift or a suspicion ended.
const (
	Open     = "open"     // it has not
	Accepted = "accepted" // it was made the baseline, by an action of ours
	Reverted = "reverted" // the files are again as the baseline has them
	Replaced = "replaced" // another baseline is there, and no action of ours explains it
	Trusted  = "trusted"  // it was acknowledged
	Gone     = "gone"     // the host left the fleet
	Unknown  = "unknown"  // it is not there any more, and the ledger does not say why
)

// Drift is a time in which a host's files differed from its baseline.
type Drift struct {
	Instance    string        `json:"instance"`
	Name        string        `json:"name,omitempty"`
	From        time.Time     `json:"from"`        // first sweep that found it
	To          time.Time     `json:"to,omitzero"` // when it ended; zero if it is open
	Open        time.Duration `json:"-"`           // how long it was open, until now if it is
	OpenSeconds int64         `json:"open_seconds"`
	Fingerprint string        `json:"fingerprint,omitempty"` // of its last state
	Added       int           `json:"added"`
	Removed     int           `json:"removed"`
	Changed     int           `json:"changed"`
	End         string        `json:"end"`
	Action      ledger.Kind   `json:"action,omitempty"` // that ended it
	Who         string        `json:"who,omitempty"`
	Why         string        `json:"why,omitempty"`
}

// Suspect is a time in which a host was suspect.
type Suspect struct {
	Instance string    `json:"instance"`
	Name     string    `json:"name,omitempty"`
	Findings []string  `json:"findings"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to,omitzero"`
	End      string    `json:"end"`
	Who      string    `json:"who,omitempty"`
	Why      string    `json:"why,omitempty"`
}

// Hold is a hold that was in force in the time of the query.
type Hold struct {
	ID    string    `json:"id"`
	Hosts string    `json:"hosts"` // the selector as text
	Who   string    `json:"who"`
	Why   string    `json:"why"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
}

// Complete says that each period of each fleet has a complete sweep, and there is one.
func (e Evidence) Complete() bool {
	periods := 0
	for _, f := range e.Fleets {
		for _, p := range f.Periods {
			if periods++; !p.Complete {
				return false
			}
		}
	}
	return periods > 0
}

// single is the name of what is no fleet: hosts that were swept by their ids.
var single = regexp.MustCompile(`^m?i-[0-9a-f]+( m?i-[0-9a-f]+)*$`)

// Collect reads the evidence of the query's fleets, period by period. Hosts that were swept
// by their ids make no fleet, unless it is the one that is asked for. The period that is
// not over yet only counts if it has a complete sweep. The error is Unread if some objects
// could not be read; what could be read is returned.
func Collect(ctx context.Context, l *ledger.Ledger, q Query, every Every, holdText func(ledger.Hold) string) (Evidence, error) {
	q.From = every.start(q.From)
	e := Evidence{From: q.From, To: q.To, Every: every, Fleets: []Fleet{}, Actions: []Action{}, Holds: []Hold{}}
	all, err := sweeps(ctx, l, q)
	if err != nil {
		return e, err
	}
	var unread Unread
	acts, err := actions(ctx, l, q, &unread)
	if err != nil {
		return e, err
	}
	e.Actions = append(e.Actions, summaries(acts)...)
	done := byInstance(acts)
	reading := map[string]*reader{}
	for _, s := range all {
		if q.Fleet == "" && single.MatchString(s.fleet) {
			continue
		}
		r := reading[s.fleet]
		if r == nil {
			r = newReader(s.fleet, every, done)
			reading[s.fleet] = r
		}
		if err := r.read(ctx, l, s, &unread); err != nil {
			return e, err
		}
	}
	if err := expect(ctx, l, q, func(before ledger.SweepID) {
		r := reading[before.Fleet]
		if r == nil {
			r = newReader(before.Fleet, every, done)
			reading[before.Fleet] = r
		}
		r.places[before.Account+" "+before.Region] = before.Time
	}); err != nil {
		return e, err
	}
	for _, r := range reading {
		e.Fleets = append(e.Fleets, r.end(every.start(r.first(q.From)), q.To))
	}
	slices.SortFunc(e.Fleets, func(a, b Fleet) int { return strings.Compare(a.Name, b.Name) })
	e.Holds, err = holdsOf(ctx, l, q, holdText)
	if err != nil {
		unread = append(unread, err)
	}
	return e, unread.or()
}

// lookBack is how long before the query a fleet, or an account and region of it, was swept
// at last if it is still expected to be swept.
const lookBack = 31 * 24 * time.Hour

// expect calls with the sweeps shortly before the query: what they swept is missed if the
// query has no sweep of it.
func expect(ctx context.Context, l *ledger.Ledger, q Query, see func(ledger.SweepID)) error {
	list, err := l.Sweeps(ctx, q.Fleet, q.From.Add(-lookBack), q.From.Add(-time.Nanosecond))
	for _, s := range list {
		if q.Fleet != "" || !single.MatchString(s.Fleet) {
			see(s)
		}
	}
	return err
}

func holdsOf(ctx context.Context, l *ledger.Ledger, q Query, text func(ledger.Hold) string) ([]Hold, error) {
	list := []Hold{}
	holds, err := l.Holds(ctx)
	for _, h := range holds {
		end := h.Until
		if !h.Ended.IsZero() && h.Ended.Before(end) {
			end = h.Ended
		}
		if h.From.Before(q.To) && end.After(q.From) {
			list = append(list, Hold{ID: h.ID, Hosts: text(h), Who: h.Who, Why: h.Why, From: h.From, To: end})
		}
	}
	slices.SortFunc(list, func(a, b Hold) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.ID, b.ID)) })
	return list, err
}

// start is the beginning of the period that a time is in.
func (e Every) start(t time.Time) time.Time {
	day := t.UTC().Truncate(24 * time.Hour)
	if e == Week {
		return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	}
	return day
}

// next is the beginning of the next period.
func (e Every) next(start time.Time) time.Time {
	if e == Week {
		return start.AddDate(0, 0, 7)
	}
	return start.AddDate(0, 0, 1)
}
