package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

const (
	// overdue is how long after its time a command counts as hanging: the service ends
	// expired commands itself.
	overdue = 10 * time.Minute
	// earlyTime bounds how long the answers of a run that goes on are read: other runs wait.
	earlyTime = 3 * time.Minute
	// sending bounds the time between two commands of one run.
	sending = time.Hour
	// cancelled is the status of a command that somebody cancelled.
	cancelled = "Cancelled"
)

// reconcile records the actions that nobody has recorded, says whether all of the fleet is
// held, collects the runs that nobody has collected, the oldest first, and cancels commands
// that hang. What cannot be recorded or
// collected does not keep the others from it.
func (f *function) reconcile(ctx context.Context, r reconcile) (*outcome, error) {
	commands, err := runcommand.Since(ctx, f.collecting.Commands, documents.Check, f.now().Add(-r.back))
	if err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	o := &outcome{Did: "reconciled"}
	var failures []error
	if o.Actions, err = f.recordActions(ctx, f.now().Add(-r.back)); err != nil {
		f.log.Error("actions cannot be recorded", "error", aws.Explain(err))
		failures = append(failures, err)
	}
	if err := f.publishHeld(ctx); err != nil {
		f.log.Error("holds are not known", "error", aws.Explain(err))
		failures = append(failures, err)
	}
	for _, run := range runs(commands) {
		if ctx.Err() != nil {
			f.log.Warn("the function's time is over; the next reconcile goes on", "command", run[0].ID)
			break
		}
		one, err := f.reconcileRun(ctx, run)
		if err != nil {
			f.log.Error("sweep cannot be collected", "command", run[0].ID, "fleet", sweep.FleetOf(nil, run...), "error", err.Error())
			failures = append(failures, err)
			continue
		}
		o.Sweeps = append(o.Sweeps, fmt.Sprintf("%s %s: %s %s", one.Command, one.Fleet, one.Did, one.Why))
	}
	return o, errors.Join(failures...)
}

// reconcileRun does what one run needs.
func (f *function) reconcileRun(ctx context.Context, run []runcommand.Command) (*outcome, error) {
	name, _ := sweep.ParseName(run[0].Comment)
	if name.Verb == sweep.VerbUnpublished {
		return f.leave(run[0], "its sender wants no metrics of it")
	}
	for i, c := range run {
		switch {
		case c.Done() && c.Status == cancelled && name.Verb == sweep.VerbSweep:
			return f.leave(c, "its sender cancelled it; orchestrator collect --command-id "+c.ID+" publishes what came in")
		case c.Done():
		case !c.Expires.IsZero() && f.now().After(c.Expires.Add(overdue)):
			over, err := f.cancelAndWait(ctx, c)
			if err != nil {
				return nil, err
			}
			if !over.Done() {
				return f.leave(c, "it hung and is cancelled; the next reconcile publishes it")
			}
			run[i] = over
		default:
			if err := f.tellEarly(ctx, run, name); err != nil { // the next reconcile tries again
				f.log.Error("nobody was told of the hosts that have answered", "command", c.ID, "error", aws.Explain(err))
			}
			return f.leave(c, "it is not over yet")
		}
	}
	if len(run) < name.Parts && f.now().Sub(slices.MaxFunc(run, byRequest).Requested) < sending {
		return f.leave(run[0], fmt.Sprintf("of %d commands %d are known", name.Parts, len(run)))
	}
	switch done, err := f.isPublished(ctx, f.collecting, f.fleetOf(ctx, run), slices.MinFunc(run, byRequest).Requested); {
	case err != nil:
		return nil, err
	case done:
		return f.leave(run[0], "it has been published")
	}
	return f.collect(ctx, run)
}

// tellEarly tells of the hosts that have answered a run that is not over. Whoever sent it
// from a terminal watches them there.
func (f *function) tellEarly(ctx context.Context, run []runcommand.Command, name sweep.Name) error {
	if name.Verb == sweep.VerbSweep {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, earlyTime)
	defer stop()
	ids := make([]string, 0, len(run))
	for _, c := range run {
		ids = append(ids, c.ID)
	}
	err := sweep.TellEarly(ctx, f.collecting, ids, sweep.CollectOptions{
		Document: documents.Check, Metrics: f.publication(f.fleetOf(ctx, run)), Ledger: f.ledger, Detached: true, Explain: aws.Explain,
		Clock: sweep.Clock{Pace: f.pace, Now: f.now},
	})
	if err != nil {
		return fmt.Errorf("tell of the hosts that have answered %s: %w", ids[0], err)
	}
	return nil
}

// cancelAndWait cancels a command that hangs, and waits until it is over.
func (f *function) cancelAndWait(ctx context.Context, c runcommand.Command) (runcommand.Command, error) {
	if err := runcommand.Cancel(ctx, f.collecting.Commands, c.ID); err != nil {
		return c, err
	}
	f.log.Warn("command cancelled, which hung", "command", c.ID, "expired", c.Expires)
	return f.awaitEnd(ctx, c)
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
