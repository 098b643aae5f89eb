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

// record is the sixth stage: it keeps the report of an account and region of whose
// hosts all is known.
func (r *run) record(ctx context.Context) {
	if r.reports == nil || !r.concluded() {
		return
	}
	r.report.Sort()
	var err error
	if r.recorded, err = r.reports.Record(ctx, r.report); err != nil {
		r.errs = append(r.errs, err)
	}
}

// concluded says that all is known of hosts that are meant. A run that could send
// nothing of what it had to send is not.
func (r *run) concluded() bool {
	return r.interrupted == nil && len(r.report.Hosts) > 0 && r.known() && (len(r.commands) == 0 || len(r.sent()) > 0)
}
