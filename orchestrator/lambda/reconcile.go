package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// overdue is how long after its time a command counts as hanging: the service
// itself ends one that expires.
const overdue = 10 * time.Minute

// reconcile collects what was not, the oldest first, and cancels what hangs. One
// sweep that cannot be collected does not keep the others from it.
func (f *function) reconcile(ctx context.Context, r reconcile) (*outcome, error) {
	commands, err := runcommand.Since(ctx, f.collecting.Commands, f.options().Document, f.now().Add(-r.back))
	if err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	o := &outcome{Did: "reconciled"}
	var failures []error
	for _, run := range runs(commands) {
		if ctx.Err() != nil {
			f.log.Warn("the function's time is over; the next reconcile goes on", "command", run[0].ID)
			break
		}
		one, err := f.settle(ctx, run)
		if err != nil {
			f.log.Error("sweep cannot be collected", "command", run[0].ID, "fleet", sweep.FleetOf(run...), "error", err.Error())
			failures = append(failures, err)
			continue
		}
		o.Sweeps = append(o.Sweeps, fmt.Sprintf("%s %s: %s %s", one.Command, one.Fleet, one.Did, one.Why))
	}
	return o, errors.Join(failures...)
}

// settle does what there is to do about one run.
func (f *function) settle(ctx context.Context, run []runcommand.Command) (*outcome, error) {
	name, _ := sweep.ParseName(run[0].Comment)
	if name.Verb == sweep.VerbUnpublished {
		return f.leave(run[0], "its sender wants no metrics of it")
	}
	for _, c := range run {
		switch {
		case c.Done():
		case !c.Expires.IsZero() && f.now().After(c.Expires.Add(overdue)):
			if err := runcommand.Cancel(ctx, f.collecting.Commands, c.ID); err != nil {
				return nil, err
			}
			f.log.Warn("command cancelled, which hung", "command", c.ID, "expired", c.Expires)
			return f.leave(c, "it hung and was cancelled; the next reconcile publishes it")
		default:
			return f.leave(c, "it is not over yet")
		}
	}
	if len(run) < name.Parts {
		return f.leave(run[0], fmt.Sprintf("of %d commands %d are known", name.Parts, len(run)))
	}
	return f.collect(ctx, run)
}

// runs puts the commands of each run together, the oldest run first.
func runs(commands []runcommand.Command) (list [][]runcommand.Command) {
	at := map[string]int{}
	for _, c := range slices.Backward(commands) { // they come the newest first
		key := c.ID
		if name, ok := sweep.ParseName(c.Comment); ok && name.Parts > 1 {
			key = name.Verb + " " + name.ID
		}
		i, known := at[key]
		if !known {
			i = len(list)
			at[key], list = i, append(list, nil)
		}
		list[i] = append(list[i], c)
	}
	return list
}
