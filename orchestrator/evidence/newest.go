package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// mostPlaces is of how many accounts and regions a fleet's newest sweeps are read. An
// organisation with more of them asks Athena.
const mostPlaces = 50

// Newest is what the newest sweep of each account and region of a fleet found, as one
// report; but for those that skip names. lacking says what is not in it, and why. Without
// any sweep the report has no hosts.
func Newest(ctx context.Context, l *ledger.Ledger, q Query, skip func(account, region string) bool) (r report.Report, lacking string, err error) {
	list, err := l.Sweeps(ctx, q.Fleet, q.From, q.To)
	if err != nil {
		return r, "", err
	}
	newest := map[[2]string]ledger.SweepID{}
	var order [][2]string
	for _, s := range list {
		place := [2]string{s.Account, s.Region}
		if s.Fleet != q.Fleet || skip != nil && skip(s.Account, s.Region) {
			continue
		}
		if _, known := newest[place]; !known {
			order = append(order, place)
		}
		newest[place] = s // they come in the order of their time
	}
	if more := len(order) - mostPlaces; more > 0 {
		lacking = fmt.Sprintf("%d of %d accounts and regions are not in it: ask Athena (orchestrator ledger ddl)", more, len(order))
		order = order[:mostPlaces]
	}
	var unread Unread
	reports := make([]report.Report, 0, len(order))
	for _, place := range order {
		one, err := reportOf(ctx, l, newest[place])
		switch {
		case err == nil:
			reports = append(reports, one)
		case ctx.Err() != nil:
			return r, lacking, ctx.Err()
		default:
			unread = append(unread, err)
		}
	}
	if len(unread) > 0 {
		lacking = strings.TrimSpace(lacking + " " + unread.Error())
	}
	return report.Merge(reports), lacking, nil
}

// reportOf is the report of a sweep, with the days of its hosts.
func reportOf(ctx context.Context, l *ledger.Ledger, s ledger.SweepID) (r report.Report, err error) {
	data, err := l.Report(ctx, s)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, &ledger.BrokenError{Object: s.Key, Err: err}
	}
	r.Groups = nil // they are made of the hosts
	days := make(map[string]report.Days, len(r.Hosts))
	if err := l.Hosts(ctx, s, func(h ledger.HostRow) { days[h.Instance] = report.Days(h.Days).Safe() }); err != nil {
		return r, err
	}
	for i := range r.Hosts {
		r.Hosts[i].Days = days[r.Hosts[i].Instance]
	}
	return r, nil
}

// Actions are those of the query's time, the oldest first. The error is Unread if some could
// not be read.
func Actions(ctx context.Context, l *ledger.Ledger, q Query) (done []Action, err error) {
	var unread Unread
	acts, err := actions(ctx, l, q, &unread)
	if err != nil {
		return nil, err
	}
	return summaries(acts), unread.or()
}

// HeldAt are the holds that are in force at a time.
func HeldAt(ctx context.Context, l *ledger.Ledger, at time.Time, text func(ledger.Hold) string) ([]Hold, error) {
	return holdsOf(ctx, l, Query{From: at, To: at.Add(time.Nanosecond)}, text)
}
