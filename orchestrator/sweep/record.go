package sweep

import (
	"context"

	"aidefleet/orchestrator/report"
)

// Recorder keeps reports outside the hosts.
type Recorder interface {
	// Record keeps a report and returns where it is. The same report may be kept again.
	Record(ctx context.Context, r report.Report) (at string, err error)
}

// record is the sixth stage: it keeps the report of an account and region, if that may be
// published.
func (r *run) record(ctx context.Context) {
	if r.reports == nil || !r.publishable() {
		return
	}
	r.report.Sort()
	var err error
	if r.recorded, err = r.reports.Record(ctx, r.report); err != nil {
		r.errs = append(r.errs, err)
	}
}

// publishable says that the report has hosts and is complete, and the run was not
// interrupted. A run whose commands were all refused is not publishable.
func (r *run) publishable() bool {
	return r.interrupted == nil && len(r.report.Hosts) > 0 && r.complete() && (len(r.commands) == 0 || len(r.sent()) > 0)
}
