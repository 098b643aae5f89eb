package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/page"
	"aidefleet/orchestrator/report"
)

// Of how long a time pages have actions and links to other pages.
const (
	actionsBack = 30 * 24 * time.Hour
	pagesBack   = 90 * 24 * time.Hour
)

// PageOf is the page of a report, with what the ledger knows beside it; nil knows nothing.
// accept is the command that accepts changes of the hosts, without the fingerprint; empty
// is that of the report's target.
func PageOf(ctx context.Context, l *ledger.Ledger, r *report.Report, accept string, now time.Time) page.Page {
	if accept == "" {
		accept = acceptFor(r.Target)
	}
	p := page.Page{Title: "File integrity of " + r.Fleet, Report: r, Accept: accept}
	if l == nil {
		p.Note = "There is no ledger: nothing is known of other days, of actions and of held hosts."
		return p
	}
	var actionsErr, holdsErr error
	p.Actions, actionsErr = evidence.Actions(ctx, l, evidence.Query{From: now.Add(-actionsBack), To: now})
	p.Holds, holdsErr = evidence.HeldAt(ctx, l, now, func(h ledger.Hold) string { return HeldBy(h).String() })
	if err := errors.Join(actionsErr, holdsErr); err != nil {
		p.Note = "Not all of the ledger could be read: " + err.Error()
	}
	return p
}

// writePage writes the page of the run beside its report.
func (r *run) writePage(ctx context.Context) error {
	p := PageOf(ctx, r.ledger, &r.report, "", r.now())
	_, err := r.ledger.WritePage(ctx, r.report.Fleet, r.ledgerRun(), func(w io.Writer) error { return page.Write(w, p) })
	return err
}

// index writes the page of the fleet after a run is recorded. If that fails the report says
// so, and the error does.
func index(ctx context.Context, runs []*run, r report.Report, err error) (report.Report, error) {
	at := slices.IndexFunc(runs, func(one *run) bool { return one.recorded != "" })
	if at < 0 || ctx.Err() != nil {
		return r, err
	}
	if failed := writeIndex(ctx, runs[at].ledger, r, runs[at].now()); failed != nil {
		r.Errors = append(r.Errors, runs[at].problem(failed))
		err = errors.Join(err, failed)
	}
	return r, err
}

// indexAttempts is how often the page of a fleet is made again if another account or region
// has recorded a sweep meanwhile.
const indexAttempts = 5

// writeIndex writes the page of a fleet: what this report says, and the newest sweeps of the
// accounts and regions that it is not about. If one of its own has a newer sweep, the page
// has that already.
func writeIndex(ctx context.Context, l *ledger.Ledger, r report.Report, now time.Time) error {
	own := map[string]bool{}
	for i := range r.Hosts {
		own[r.Hosts[i].Account+" "+r.Hosts[i].Region] = true
	}
	q := evidence.Query{Fleet: r.Fleet, From: now.Add(-pagesBack), To: now}
	var before []ledger.SweepID
	for range indexAttempts {
		list, err := l.Sweeps(ctx, q.Fleet, q.From, q.To)
		switch {
		case err != nil:
			return fmt.Errorf("the page of the fleet is not in the ledger: %w", err)
		case before != nil && slices.Equal(list, before), hasNewer(list, r, own):
			return nil
		}
		before = list
		if err := l.WriteIndex(ctx, r.Fleet, func(w io.Writer) error { return makeIndex(ctx, w, l, r, own, q, list) }); err != nil {
			return fmt.Errorf("the page of the fleet is not in the ledger: %w", err)
		}
	}
	return nil
}

// hasNewer says that an account and region of a report has a newer sweep.
func hasNewer(list []ledger.SweepID, r report.Report, own map[string]bool) bool {
	return slices.ContainsFunc(list, func(s ledger.SweepID) bool { return own[s.Account+" "+s.Region] && s.Time.After(r.Started) })
}

func makeIndex(ctx context.Context, w io.Writer, l *ledger.Ledger, r report.Report, own map[string]bool, q evidence.Query, list []ledger.SweepID) error {
	var links []page.Link
	for _, s := range slices.Backward(list) {
		if s.HasPage {
			links = append(links, page.Link{Text: s.Time.UTC().Format("2006-01-02 15:04:05 UTC, ") + s.Account + " " + s.Region, At: s.Page()})
		}
	}
	others, lacking, err := evidence.Newest(ctx, l, q, func(account, region string) bool { return own[account+" "+region] })
	if err != nil {
		return err
	}
	if len(others.Hosts) > 0 {
		r = report.Merge([]report.Report{r, others})
	}
	p := PageOf(ctx, l, &r, "", q.To)
	p.Pages = links
	p.Note = strings.TrimSpace(p.Note + " " + lacking)
	return page.Write(w, p)
}

// What a shell takes as it is, of the target of a report: a tag, an instance.
var (
	tagWord      = regexp.MustCompile(`^[0-9A-Za-z_.:/@+-]+=[0-9A-Za-z_.,:/=@+-]+$`)
	instanceWord = regexp.MustCompile(`^m?i-[0-9a-f]+$`)
)

// acceptFor is the command that accepts changes of a report's target. It is empty if the
// target does not say which hosts it is, or a shell would take it for something else.
func acceptFor(target string) string {
	command := "orchestrator accept"
	if target == "all" {
		return command + " --all"
	}
	for word := range strings.SplitSeq(target, " ") {
		switch {
		case tagWord.MatchString(word):
			command += " --tag " + word
		case instanceWord.MatchString(word):
			command += " --instance " + word
		default:
			return ""
		}
	}
	return command
}
