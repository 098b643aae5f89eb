package sweep

import (
	"context"
	"fmt"
	"io"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// record is a stage: it writes the report of an account and region into the
// ledger, if it may be published. If that fails the sweep goes on, and says so.
func (r *run) record(ctx context.Context) {
	if r.ledger == nil || r.request.Document != documents.Check || !r.publishable() {
		return
	}
	r.report.Sort()
	err := r.down
	if err == nil {
		err = r.recordSweep(ctx)
	}
	if err != nil {
		r.errs = append(r.errs, r.unrecorded(err))
		return
	}
	if err := r.writePage(ctx); err != nil {
		r.errs = append(r.errs, fmt.Errorf("the page of the sweep is not in the ledger: %w", err))
	}
}

// ledgerRun names the run in the ledger.
func (r *run) ledgerRun() ledger.Run {
	return ledger.Run{Account: r.account(), Region: r.Name, ID: r.id(), Started: r.report.Started}
}

// recordSweep writes the hosts, and then the report: a sweep that is listed has both.
func (r *run) recordSweep(ctx context.Context) error {
	run := r.ledgerRun()
	err := r.ledger.WriteHosts(ctx, r.report.Fleet, run, func(put func(ledger.HostRow) error) error {
		for _, h := range r.report.Hosts {
			if err := put(row(h)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	at, err := r.ledger.WriteSweep(ctx, r.report.Fleet, run, func(w io.Writer) error { return report.WriteJSON(w, r.report) })
	if err == nil {
		r.recorded = at
	}
	return err
}

// id names the run in the ledger: as the command history does, whoever reads that.
func (r *run) id() string {
	sent := r.sent()
	if len(sent) == 0 {
		return r.name.ID
	}
	if n, ok := ParseName(sent[0].Comment); ok {
		return n.ID
	}
	return sent[0].ID
}

// unrecorded says how to record what was not.
func (r *run) unrecorded(err error) error {
	ids := r.commandIDs()
	if len(ids) == 0 {
		return fmt.Errorf("the sweep is not in the ledger: %w", err)
	}
	return fmt.Errorf("the sweep is not in the ledger; %s makes up for it: %w", r.collectLine(ids), err)
}

// row is a host as the ledger has it.
func row(h report.Host) ledger.HostRow {
	out := ledger.HostRow{
		Account: h.Account, Region: h.Region, Instance: h.Instance, Name: h.Name, Status: string(h.Status), Reason: string(h.Reason),
		New: h.New, Explained: h.Explained, Unread: h.Unread, Fingerprint: h.Fingerprint, Report: h.Report, Seconds: h.Seconds,
		AIDE: h.AIDE, AIDESHA256: h.AIDESHA256, Node: h.Node, NodeSHA256: h.NodeSHA256, Config: h.Config, FirstSeen: h.FirstSeen,
		Was: string(h.Was), Days: string(h.Days),
	}
	if h.Counts != nil {
		out.Added, out.Removed, out.Changed, out.Total = &h.Added, &h.Removed, &h.Changed, h.Total
	}
	if h.Baseline != nil {
		out.Baseline = h.Baseline.SHA256
	}
	for _, f := range h.Suspect {
		out.Suspect = append(out.Suspect, string(f.Kind))
	}
	if h.Held != nil {
		out.Held = h.Held.ID
	}
	return out
}

// publishable says that the report has hosts and is complete, and the run was not
// interrupted. A run whose commands were all refused is not publishable.
func (r *run) publishable() bool {
	return r.interrupted == nil && len(r.report.Hosts) > 0 && r.allKnown() && (len(r.commands) == 0 || len(r.sent()) > 0)
}
