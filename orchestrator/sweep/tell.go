package sweep

import (
	"context"

	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/report"
)

// tell is the last stage: it sends an event that names the suspects of a sweep that was
// published.
func (r *run) tell(ctx context.Context) {
	if !r.published || r.report.Summary.Suspect == 0 || r.Events.PutEvents == nil {
		return
	}
	n := notify.Notice{Fleet: r.report.Fleet, Account: r.account(), Region: r.Name, Started: r.report.Started}
	for _, h := range r.report.Hosts {
		if len(h.Suspect) > 0 {
			n.Suspects = append(n.Suspects, suspectOf(h))
		}
	}
	if err := notify.Send(ctx, r.Events, n); err != nil {
		r.errs = append(r.errs, err)
	}
}

func suspectOf(h report.Host) notify.Suspect {
	s := notify.Suspect{Instance: h.Instance, Name: report.Escape(h.Name)}
	for _, f := range h.Suspect {
		s.Findings = append(s.Findings, notify.Finding{Finding: string(f.Kind), Message: f.Message})
	}
	for _, p := range h.Paths {
		s.Paths = append(s.Paths, report.Escape(p))
	}
	return s
}
