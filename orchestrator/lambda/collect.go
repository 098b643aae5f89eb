package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

const (
	// lag is how long a command may still look unfinished after EventBridge announced its
	// end.
	lag = time.Minute
	// grace is how long an operator's own sweep may take to publish after its last
	// host has ended.
	grace = 15 * time.Minute
)

// collectEnded collects a command whose end EventBridge has announced.
func (f *function) collectEnded(ctx context.Context, id string) (*outcome, error) {
	c, err := runcommand.Get(ctx, f.collecting.Commands, id)
	if err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	switch name, _ := sweep.ParseName(c.Comment); {
	case name.Verb == sweep.VerbSweep:
		return f.leave(c, "its sender watches and publishes it; a reconcile does if that fails")
	case name.Verb == sweep.VerbUnpublished:
		return f.leave(c, "its sender wants no metrics of it")
	case name.Parts > 1:
		return f.leave(c, "it is one of several; a reconcile publishes them together")
	}
	if !c.Done() {
		if c, err = f.awaitEnd(ctx, c); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("collect: %w", err)
		}
		if !c.Done() {
			return f.leave(c, "it does not look over yet; the next reconcile looks again")
		}
	}
	return f.collect(ctx, []runcommand.Command{c})
}

// awaitEnd watches a command for a while, until it is over.
func (f *function) awaitEnd(ctx context.Context, c runcommand.Command) (runcommand.Command, error) {
	return runcommand.Watch(ctx, f.collecting.Commands, c, f.pace, 0, lag, runcommand.Command.Done)
}

// leave leaves a command alone, and says why.
func (f *function) leave(c runcommand.Command, why string) (*outcome, error) {
	fleet := sweep.FleetOf(nil, c)
	f.log.Info("command left alone", "command", c.ID, "fleet", fleet, "why", why)
	return &outcome{Did: "nothing", Why: why, Fleet: fleet, Command: c.ID}, nil
}

// collect gathers what the hosts said to the commands of one run, which are over, records
// the report, and publishes it unless that has been done. What the ledger refuses keeps
// nothing from being published: it is an error afterwards.
func (f *function) collect(ctx context.Context, commands []runcommand.Command) (*outcome, error) {
	first := slices.MinFunc(commands, byRequest)
	last := slices.MaxFunc(commands, func(a, b runcommand.Command) int { return a.Expires.Compare(b.Expires) }).Expires
	ids := make([]string, 0, len(commands))
	for _, c := range commands {
		ids = append(ids, c.ID)
	}
	fleet := f.fleetOf(ctx, commands)
	stamp := f.stamp(fleet)
	judged, err := sweep.Collect(ctx, f.collecting, ids, sweep.CollectOptions{
		Document: documents.Check, Metrics: f.publication(fleet), Ledger: f.ledger, Detached: true, Explain: aws.Explain,
		Clock: sweep.Clock{Pace: f.pace, Now: func() time.Time { return stamp }},
	})
	var o *outcome
	switch {
	case judged.Whole() && f.isEarly(first, last, judged.Report, stamp):
		return f.leave(first, "its sender may still publish it")
	case judged.Whole(): // even if it could not be compared with the ledger
		var publishErr error
		o, publishErr = f.publish(ctx, first, &judged, stamp)
		err = errors.Join(err, publishErr)
	case errors.Is(err, sweep.ErrUnfinished):
		return f.leave(first, "some hosts have not finished; the next reconcile looks again")
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return f.leave(first, "the function's time is over; the next reconcile looks again")
	case err != nil:
		return nil, fmt.Errorf("collect %s of fleet %s: %w", strings.Join(ids, ", "), fleet, err)
	}
	return o, nil
}

// fleetOf is the fleet of the commands of one run.
func (f *function) fleetOf(ctx context.Context, commands []runcommand.Command) string {
	remembered := sweep.KnownFleets(ctx, f.ledger, f.now(), commands...)
	return sweep.FleetOf(func(name string) (target string, hosts int, ok bool) {
		switch {
		case name == f.fleet && f.target != "":
			return f.target, 0, true
		case remembered == nil:
			return "", 0, false
		}
		return remembered(name)
	}, commands...)
}

// isEarly says that the operator who sent the command may still publish it.
func (f *function) isEarly(first runcommand.Command, expires time.Time, r report.Report, stamp time.Time) bool {
	ended := r.Finished
	if !ended.Before(stamp) {
		ended = expires // no host has ended: its sender waits for that long
	}
	name, _ := sweep.ParseName(first.Comment)
	return name.Verb == sweep.VerbSweep && f.now().Sub(ended) < grace
}

// publish records the report of a run, and publishes it unless that has been done.
func (f *function) publish(ctx context.Context, first runcommand.Command, judged *sweep.Judged, stamp time.Time) (*outcome, error) {
	kept, unrecorded := judged.Record(ctx)
	r := judged.Report
	switch done, err := f.isPublished(ctx, f.collecting, r.Fleet, r.Started); {
	case err != nil:
		return nil, errors.Join(unrecorded, err)
	case done:
		o, err := f.leave(first, "it has been published")
		return o, errors.Join(unrecorded, err)
	}
	if err := judged.Publish(ctx); err != nil {
		return nil, errors.Join(unrecorded, err)
	}
	f.remember(r, stamp, kept)
	return &outcome{Did: "published", Fleet: r.Fleet, Command: first.ID, Report: kept}, unrecorded
}

// byRequest is the order in which commands were requested.
func byRequest(a, b runcommand.Command) int { return a.Requested.Compare(b.Requested) }

// stamp is the time of a fleet's next mark: in one minute two of them could hide a
// third.
func (f *function) stamp(fleet string) time.Time {
	now := f.now()
	if next := f.stamped[fleet].Add(time.Minute); next.After(now) {
		return next
	}
	return now
}
