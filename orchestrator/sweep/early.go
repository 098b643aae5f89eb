package sweep

import (
	"context"
	"slices"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/suspect"
)

// TellEarly tells of the hosts that have answered commands which are not over, without
// waiting for the others. It writes neither the report nor metrics, and remembers only what
// was told. What can only be said of a whole sweep waits for its end: that no other host
// has a change, and that a host is missing.
func TellEarly(ctx context.Context, region Region, ids []string, o CollectOptions) error {
	r := collecting(region, o)
	if r.ledger == nil || r.Events.PutEvents == nil {
		return nil
	}
	if err := r.takeOver(ctx, ids); err != nil {
		return err
	}
	for _, c := range r.sent() {
		if err := runcommand.Invocations(ctx, r.Commands, c.ID, r.learn(c)); err != nil {
			return err
		}
	}
	sideBySide(r.sent(), atOnce, func(c *command) { r.readCut(ctx, c) })
	r.judge()
	answered := slices.DeleteFunc(r.report.Hosts, func(h report.Host) bool { return h.Status == report.Missing })
	if len(answered) == 0 {
		return nil
	}
	r.report.SetHosts(answered)
	r.hold(ctx)
	if err := r.markEarly(ctx); err != nil {
		return err
	}
	if len(r.errs) > 0 {
		return r.errs[0]
	}
	return r.tellNew(ctx, true)
}

// markEarly compares the hosts that have answered with their pins, and writes none.
func (r *run) markEarly(ctx context.Context) error {
	pins, err := r.ledger.Pins(ctx, r.account(), r.Name)
	if err != nil {
		return err
	}
	c := suspect.New(r.report.Hosts, r.answers())
	since, err := c.Read(pins)
	if err != nil {
		return err
	}
	if !since.IsZero() {
		actions, _, err := r.actionsSince(ctx, since)
		if err != nil {
			return err
		}
		c.Explain(actions)
	}
	c.Mark()
	for i := range r.report.Hosts {
		h := &r.report.Hosts[i]
		h.Suspect = slices.DeleteFunc(h.Suspect, func(f report.Finding) bool { return f.Kind == report.LoneChange || f.Kind == report.LoneProgram })
	}
	return nil
}
