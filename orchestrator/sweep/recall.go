package sweep

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// recall is the stage before record: it says of each host what the sweep before found, and
// what was found on each day. If that cannot be read the sweep goes on, and says so.
func (r *run) recall(ctx context.Context) {
	if r.ledger == nil || r.down != nil || r.request.Document != documents.Check || !r.publishable() {
		return
	}
	before, known, err := r.ledger.Before(ctx, r.report.Fleet, r.account(), r.Name, r.report.Started)
	was := map[string]ledger.HostRow{}
	if err == nil && known {
		err = r.ledger.Hosts(ctx, before, func(h ledger.HostRow) { was[h.Instance] = h })
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("what the sweep before found is not known: %w", err))
		known = false
	}
	r.report.Left = nil
	for i := range r.report.Hosts {
		h := &r.report.Hosts[i]
		found := report.DayOf(h.Status, h.Held != nil)
		last, there := was[h.Instance]
		switch {
		case !known:
			h.Was, h.Days = "", report.Days("").Add(time.Time{}, r.report.Started, found)
			continue
		case !there:
			h.Was = report.Absent
		default:
			h.Was = report.Status(last.Status)
		}
		h.Days = report.Days(last.Days).Safe().Add(before.Time, r.report.Started, found)
		delete(was, h.Instance)
	}
	if known {
		for _, id := range slices.Sorted(maps.Keys(was)) {
			r.report.Left = append(r.report.Left, report.Left{Instance: id, Name: was[id].Name})
		}
	}
}
