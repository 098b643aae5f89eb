package lambda

import (
	"context"
	"slices"
	"strings"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/sweep"
)

// publishHeld writes that all of the fleet is held, if a hold says so.
func (f *function) publishHeld(ctx context.Context) error {
	key, values, isTag := strings.Cut(f.target, "=")
	if f.ledger == nil || f.fleet == "" || !isTag {
		return nil
	}
	holds, err := f.ledger.Holds(ctx)
	if err != nil && !ledger.IsObjectError(err) {
		return err
	}
	tags := []fleet.Tag{{Key: key, Values: strings.Split(values, ",")}}
	held := slices.ContainsFunc(holds, func(h ledger.Hold) bool { return h.Holds(f.now()) && sweep.HoldsAll(h, tags) })
	if !held {
		return err
	}
	f.log.Info("all of the fleet is held", "fleet", f.fleet)
	return metrics.PublishHeld(ctx, f.collecting.Metrics, f.namespace, f.fleet, f.now())
}
