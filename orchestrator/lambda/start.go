package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// clockSkew is how far the scheduler's clock may be ahead of Run Command's.
const clockSkew = 15 * time.Minute

// start sends the command of a sweep, unless an earlier delivery has.
func (f *function) start(ctx context.Context, s start) (*outcome, error) {
	started, err := sweep.Start(ctx, f.starting, sweep.StartOptions{
		Selector: s.selector, Request: s.request, Metrics: f.publication(s.fleet), Ledger: f.ledger,
		Name: sweep.Name{Verb: sweep.VerbStart, ID: s.scheduled.UTC().Format("20060102T150405Z")},
		// If no host can be reached, the report has the scheduled time, in every delivery.
		Requested: s.scheduled, Skew: clockSkew, Clock: sweep.Clock{Pace: f.pace, Now: f.now},
	})
	log := f.log.With(slog.String("fleet", s.fleet), slog.Time("scheduled", s.scheduled), slog.String("target", s.selector.String()))
	switch {
	case started.Command.ID != "" && started.Already:
		log.Info("sweep was started before", "command", started.Command.ID)
		return &outcome{Did: "nothing", Why: "an earlier delivery of this event sent the command", Fleet: s.fleet, Command: started.Command.ID}, nil
	case started.Command.ID != "":
		log.Info("sweep started", "command", started.Command.ID, "targeted", started.Hosts, "reachable", started.Reachable)
		if err != nil {
			log.Warn("the command cannot be found by its name yet; another delivery of this event would send it again", "command", started.Command.ID, "error", err.Error())
		}
		return &outcome{Did: "started", Fleet: s.fleet, Command: started.Command.ID}, nil
	case err != nil:
		return nil, fmt.Errorf("start the sweep of %s: %w", s.fleet, err)
	}
	o, err := f.publishSilence(ctx, s, started.Silent)
	if err != nil {
		return nil, fmt.Errorf("start the sweep of %s: %w", s.fleet, err)
	}
	return o, nil
}

// publishSilence publishes, once, a fleet of which no host can be reached.
func (f *function) publishSilence(ctx context.Context, s start, silent *sweep.Judged) (*outcome, error) {
	switch done, err := f.isPublished(ctx, f.starting, s.fleet, s.scheduled); {
	case err != nil:
		return nil, err
	case done:
		f.log.Info("sweep was published before", "fleet", s.fleet, "scheduled", s.scheduled)
		return &outcome{Did: "nothing", Why: "an earlier delivery of this event published that nobody can be reached", Fleet: s.fleet}, nil
	}
	kept, unrecorded := silent.Record(ctx)
	if err := silent.Publish(ctx); err != nil {
		return nil, errors.Join(unrecorded, err)
	}
	f.remember(silent.Report, f.now(), kept)
	return &outcome{Did: "published", Why: "no host can be reached, and no command was sent", Fleet: s.fleet, Report: kept}, unrecorded
}

// run is what a published sweep is remembered by.
func run(fleet string, requested time.Time) string {
	return fleet + " " + requested.UTC().Format(time.RFC3339)
}

// isPublished says whether a sweep has been published, by this process or another.
func (f *function) isPublished(ctx context.Context, region sweep.Region, fleet string, requested time.Time) (bool, error) {
	if f.published[run(fleet, requested)] {
		return true, nil
	}
	return sweep.Published(ctx, region, f.publication(fleet), requested, f.now())
}

// remember keeps in mind, and in the log, that a sweep was published.
func (f *function) remember(r report.Report, stamp time.Time, kept string) {
	f.published[run(r.Fleet, r.Started)] = true
	f.stamped[r.Fleet] = stamp
	f.summary(r, kept)
}

// summary is the line of a sweep in the log.
func (f *function) summary(r report.Report, kept string) {
	ids := make([]string, 0, len(r.Commands))
	for _, c := range r.Commands {
		ids = append(ids, c.ID)
	}
	s := r.Summary
	f.log.Info("sweep published", "fleet", r.Fleet, "commands", ids, "requested", r.Started, "seconds", r.Finished.Sub(r.Started).Seconds(),
		"targeted", s.Targeted, "reported", s.Reported, "clean", s.Clean, "changed", s.Changed, "failed", s.Failed, "missing", s.Missing, "suspect", s.Suspect,
		"namespace", f.namespace, "report", kept)
}
