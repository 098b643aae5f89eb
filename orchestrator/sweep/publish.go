package sweep

import (
	"context"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
)

// Publication says where the metrics of a sweep go.
type Publication struct {
	Namespace string // empty publishes nothing
	Fleet     string // name of the fleet; if it is empty, the selector as text
}

// named has a name of the fleet: the selector as text, if there is no other.
func (p Publication) named(s fleet.Selector) Publication {
	if p.Fleet == "" {
		p.Fleet = s.String()
	}
	return p
}

// Published says whether the metrics of a fleet's sweep that was requested at a time
// have been published by now, as far as that can be read: some minutes after they were.
func Published(ctx context.Context, region Region, p Publication, requested, now time.Time) (bool, error) {
	return metrics.Completed(ctx, region.Metrics, p.Namespace, p.Fleet, requested, now)
}

// publish is a stage: it publishes an account and region of whose hosts all is
// known.
func (r *run) publish(ctx context.Context) {
	if r.metrics.Namespace == "" || !r.publishable() {
		return
	}
	err := metrics.Publish(ctx, r.Metrics, r.points())
	if r.published = err == nil; err != nil {
		r.errs = append(r.errs, r.unpublished(err))
	}
}

// unpublished says how to publish what was not.
func (r *run) unpublished(err error) error {
	ids := r.commandIDs()
	if len(ids) == 0 {
		return err
	}
	return fmt.Errorf("not everything was published; %s picks it up: %w", r.collectLine(ids), err)
}

// points are the metrics of the run.
func (r *run) points() metrics.Sweep {
	s := r.report.Summary
	m := metrics.Sweep{
		Namespace: r.metrics.Namespace,
		Time:      r.report.Started,
		Published: r.now().UTC(),
		Fleet: metrics.Fleet{
			Name: r.report.Fleet, Targeted: s.Targeted, Reported: s.Reported, Clean: s.Clean,
			Changed: s.Changed, Failed: s.Failed, Missing: s.Missing, Suspect: s.Suspect, Held: s.Held, NewChanges: s.New,
			Seconds: r.report.Finished.Sub(r.report.Started).Seconds(),
		},
	}
	for _, h := range r.report.Hosts {
		switch {
		case h.Counts != nil:
			m.Hosts = append(m.Hosts, metrics.Host{
				ID: h.Instance, Name: h.Name, Added: h.Added, Removed: h.Removed, Changed: h.Changed, Unread: h.Unread, Explained: h.Explained, Held: h.Held != nil,
			})
		case h.Held != nil:
		case h.Status == report.Failed:
			m.Fleet.FailedUnheld++
		case h.Status == report.Missing:
			m.Fleet.MissingUnheld++
		}
	}
	return m
}
