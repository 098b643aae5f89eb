package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// clockSkew is how far the scheduler's clock may be ahead of Run Command's.
const clockSkew = 15 * time.Minute

// errPublished keeps a sweep from being published twice.
var errPublished = errors.New("it has been published")

// start sends the command of a sweep, unless an earlier delivery has.
func (f *function) start(ctx context.Context, s start) (*outcome, error) {
	o := f.options()
	o.Selector, o.FleetName, o.Parameters = s.selector, s.fleet, s.parameters
	o.DocumentVersion, o.DocumentHash = s.version, s.hash
	o.DeliveryTimeout, o.MaxConcurrency, o.MaxErrors = s.delivery, s.maxConcurrency, s.maxErrors
	o.Run = sweep.Name{Verb: sweep.VerbStart, ID: s.scheduled.UTC().Format("20060102T150405Z")}
	// Where nobody can be reached the report is of the time that was scheduled, in
	// every delivery.
	o.Requested = s.scheduled
	var kept string
	o.Keep = func(ctx context.Context, r report.Report) (err error) {
		if err := f.unpublished(ctx, f.starting.Metrics, r.Fleet, s.scheduled); err != nil {
			return err
		}
		kept, err = f.keep(ctx, r)
		return err
	}
	started, err := sweep.Start(ctx, f.starting, o, s.scheduled.Add(-clockSkew))
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
	case errors.Is(err, errPublished):
		log.Info("sweep was published before")
		return &outcome{Did: "nothing", Why: "an earlier delivery of this event published that nobody can be reached", Fleet: s.fleet}, nil
	case err != nil:
		return nil, fmt.Errorf("start the sweep of %s: %w", s.fleet, err)
	}
	f.published[run(s.fleet, s.scheduled)] = true
	f.summary(*started.Report, kept)
	return &outcome{Did: "published", Why: "no host can be reached, and no command was sent", Fleet: s.fleet, Report: kept}, nil
}

// run is what a published sweep is remembered by.
func run(fleet string, requested time.Time) string {
	return fleet + " " + requested.UTC().Format(time.RFC3339)
}

// unpublished is errPublished where a sweep has been published.
func (f *function) unpublished(ctx context.Context, api metrics.API, fleet string, requested time.Time) error {
	if f.published[run(fleet, requested)] {
		return errPublished
	}
	done, err := metrics.Completed(ctx, api, f.namespace, fleet, requested, f.now())
	if err == nil && done {
		err = errPublished
	}
	return err
}

// summary is the line of a sweep in the log.
func (f *function) summary(r report.Report, kept string) {
	ids := make([]string, 0, len(r.Commands))
	for _, c := range r.Commands {
		ids = append(ids, c.ID)
	}
	s := r.Summary
	f.log.Info("sweep published", "fleet", r.Fleet, "commands", ids, "requested", r.Started, "seconds", r.Finished.Sub(r.Started).Seconds(),
		"targeted", s.Targeted, "reported", s.Reported, "clean", s.Clean, "changed", s.Changed, "failed", s.Failed, "missing", s.Missing,
		"namespace", f.namespace, "report", kept)
}
