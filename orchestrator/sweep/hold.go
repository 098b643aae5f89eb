package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// hold says after judge which hosts are held: by a hold that was in force when the sweep
// was requested, or is now. If that cannot be read no host is held, and the sweep says so.
func (r *run) hold(ctx context.Context) {
	if r.ledger == nil || r.request.Document != documents.Check || len(r.report.Hosts) == 0 {
		return
	}
	holds, err := r.ledger.Holds(ctx)
	if r.isDown(err) {
		return
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("not all holds are known: %w", err))
	}
	holds = slices.DeleteFunc(holds, func(h ledger.Hold) bool { return !h.Holds(r.report.Started) && !h.Holds(r.now()) })
	// The one that lasts longest comes last, and is said.
	slices.SortFunc(holds, func(a, b ledger.Hold) int { return a.Until.Compare(b.Until) })
	for _, h := range holds {
		held, err := r.heldBy(ctx, h)
		if err != nil {
			r.errs = append(r.errs, fmt.Errorf("hold %s: its hosts are not known, and none of them is held: %w", h.ID, err))
		}
		for i := range r.report.Hosts {
			if one := &r.report.Hosts[i]; held[one.Instance] {
				one.Held = &report.Held{ID: h.ID, Who: h.Who, Why: h.Why, Until: h.Until}
			}
		}
	}
	r.report.Count()
}

// heldBy are the hosts here that a hold holds now.
func (r *run) heldBy(ctx context.Context, h ledger.Hold) (map[string]bool, error) {
	found, err := fleet.Find(ctx, r.Fleet, HeldBy(h))
	if err != nil && !errors.Is(err, fleet.ErrNoMatch) {
		return nil, err
	}
	return idsOf(found), nil
}

// HeldBy are the hosts of a hold.
func HeldBy(h ledger.Hold) fleet.Selector {
	s := fleet.Selector{Instances: h.Instances, All: h.All}
	for _, key := range slices.Sorted(maps.Keys(h.Tags)) {
		s.Tags = append(s.Tags, fleet.Tag{Key: key, Values: h.Tags[key]})
	}
	return s
}

// HoldsAll says that a hold holds all hosts with these tags, whichever they are.
func HoldsAll(h ledger.Hold, tags []fleet.Tag) bool {
	if h.All {
		return true
	}
	if len(h.Tags) == 0 || len(h.Instances) > 0 {
		return false
	}
	for key, values := range h.Tags {
		covered := slices.ContainsFunc(tags, func(t fleet.Tag) bool {
			return t.Key == key && !slices.ContainsFunc(t.Values, func(v string) bool { return !slices.Contains(values, v) })
		})
		if !covered {
			return false
		}
	}
	return true
}
