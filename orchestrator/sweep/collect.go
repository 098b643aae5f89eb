package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// CollectOptions are what Collect needs.
type CollectOptions struct {
	Document string // that the commands must have run
	// Metrics without a fleet go to the fleet that the comments of the commands name, if
	// that can be believed (FleetOf); otherwise to the one that their targets name.
	Metrics  Publication
	Ledger   *ledger.Ledger
	Wait     time.Duration
	Detached bool // the commands are left alone if the context ends
	Explain  func(error) string
	Progress func(completed, targeted int)
	Found    func([]report.Host) // see Options
	Clock    Clock
}

// Judged is the report on an account and region that is neither recorded nor published yet.
type Judged struct {
	Report report.Report

	run *run
}

// Collect reports on commands that someone else sent: the console, a schedule,
// an interrupted sweep. It compares with the ledger, and publishes nothing.
func Collect(ctx context.Context, region Region, ids []string, o CollectOptions) (Judged, error) {
	r := collecting(region, o)
	if err := r.takeOver(ctx, ids); err != nil {
		return Judged{}, err
	}
	r.watch(ctx)
	r.gather(ctx)
	if ctx.Err() != nil {
		r.cancel(ctx)
	}
	r.judge()
	r.hold(ctx)
	r.compare(ctx)
	rep, err := merge([]*run{r})
	return Judged{Report: rep, run: r}, err
}

// collecting is a run of commands that someone else sent.
func collecting(region Region, o CollectOptions) *run {
	return &run{Region: region, settings: settings{
		request: runcommand.Request{Document: o.Document}, metrics: o.Metrics, ledger: o.Ledger, wait: o.Wait, detached: o.Detached,
		explain: orText(o.Explain), observer: &observer{onProgress: o.Progress, onFound: o.Found}, pace: o.Clock.pace(), now: o.Clock.now(),
	}}
}

// takeOver looks up commands and the hosts that they are for, as select and send
// leave them.
func (r *run) takeOver(ctx context.Context, ids []string) error {
	var commands []runcommand.Command
	for _, id := range ids {
		now, err := runcommand.Get(ctx, r.Commands, id)
		if err != nil {
			return err
		}
		if now.Document != r.request.Document {
			return fmt.Errorf("command %s ran %s, not %s: it has no result lines to collect", id, now.Document, r.request.Document)
		}
		c := &command{Command: now, selector: selectorOf(now.Targets)}
		if c.selector.Validate() == nil {
			// No match: the hosts are gone since, their answers are not.
			if c.hosts, err = fleet.Find(ctx, r.Fleet, c.selector); err != nil && !errors.Is(err, fleet.ErrNoMatch) {
				return err
			}
		}
		r.commands, commands = append(r.commands, c), append(commands, now)
	}
	if r.metrics.Fleet == "" {
		r.metrics.Fleet = FleetOf(KnownFleets(ctx, r.ledger, r.now(), commands...), commands...)
	}
	return nil
}

// Published says whether the metrics of this sweep have been published by now, as far
// as that can be read: some minutes after they were.
func (j *Judged) Published(ctx context.Context, now time.Time) (bool, error) {
	return Published(ctx, j.run.Region, j.run.metrics, j.Report.Started, now)
}

// Whole says that what became of every host is known, so that the report can be recorded
// and published.
func (j *Judged) Whole() bool { return j.run != nil && j.run.publishable() }

// Record writes the report into the ledger and returns where it is; empty if there is no
// ledger.
func (j *Judged) Record(ctx context.Context) (at string, err error) {
	j.run.errs = nil
	j.run.recall(ctx)
	j.run.record(ctx)
	if j.run.recorded != "" {
		if err := writeIndex(ctx, j.run.ledger, j.run.report, j.run.now()); err != nil {
			j.run.errs = append(j.run.errs, err)
		}
	}
	return j.run.recorded, j.failed()
}

// Publish publishes the metrics, and tells of suspects.
func (j *Judged) Publish(ctx context.Context) error {
	j.run.errs = nil
	j.run.publish(ctx)
	j.run.tell(ctx)
	return j.failed()
}

// failed is what could not be done, which the report then says too.
func (j *Judged) failed() error {
	for _, err := range j.run.errs {
		j.Report.Errors = append(j.Report.Errors, j.run.problem(err))
	}
	return errors.Join(j.run.errs...)
}
