package sweep

import (
	"errors"
	"fmt"
	"strings"

	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// ErrUnfinished is returned with a report in which some hosts have not answered
// yet when Options.Wait ended the waiting. Nothing was published of their account
// and region.
var ErrUnfinished = errors.New("some hosts have not finished")

// UnfinishedError is ErrUnfinished with what picks the commands up.
type UnfinishedError struct {
	Collect  []string // command lines; empty if the commands are no checks
	Commands []string // ids
}

func (e *UnfinishedError) Error() string {
	if len(e.Collect) > 0 {
		return ErrUnfinished.Error() + ", and nothing was published of their region; their commands go on, and this picks them up: " + strings.Join(e.Collect, "; ")
	}
	return ErrUnfinished.Error() + "; their commands go on: " + strings.Join(e.Commands, ", ")
}

// Unwrap is ErrUnfinished.
func (e *UnfinishedError) Unwrap() error { return ErrUnfinished }

// unfinished are the commands of runs that were not waited for.
func unfinished(runs []*run) error {
	e := &UnfinishedError{}
	for _, r := range runs {
		ids := r.commandIDs()
		if r.allKnown() || len(ids) == 0 {
			continue
		}
		e.Commands = append(e.Commands, ids...)
		if r.request.Document == documents.Check {
			e.Collect = append(e.Collect, r.collectLine(ids))
		}
	}
	if len(e.Commands) == 0 {
		return ErrUnfinished
	}
	return e
}

// PartialError says that some accounts and regions could not be swept as a
// whole. The report beside it has their errors, and all that is known of the
// others, which were published.
type PartialError struct {
	Failed, Regions int
	First           error
}

func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d accounts and regions failed, the first: %v", e.Failed, e.Regions, e.First)
}

// merge makes one report of those of all runs, and the error beside it.
func merge(runs []*run) (report.Report, error) {
	reports := make([]report.Report, len(runs))
	for i, r := range runs {
		reports[i] = r.report
		for _, err := range r.errs {
			reports[i].Errors = append(reports[i].Errors, r.problem(err))
		}
	}
	merged := report.Merge(reports)
	return merged, outcome(runs, &merged)
}

// problem is an error of an account and region, as the report has it.
func (r *run) problem(err error) report.Error {
	return report.Error{Account: r.Account, Role: r.Role, Region: r.Name, Error: r.explain(err)}
}

// outcome is the error beside the report of all runs. A report of which nothing is
// known but that error is emptied.
func outcome(runs []*run, r *report.Report) error {
	if e := interruption(runs); e != nil {
		if len(r.Commands) > 0 && !runs[0].detached {
			return e
		}
		*r = report.Report{}
		return e.Why
	}
	var first error
	failed, known := 0, true
	for _, one := range runs {
		known = known && one.allKnown()
		if len(one.errs) == 0 {
			continue
		}
		if failed++; first == nil {
			first = one.errs[0]
		}
	}
	switch {
	case failed > 0 && len(runs) == 1:
		if len(runs[0].commands) > 0 && len(runs[0].sent()) == 0 {
			*r = report.Report{} // nothing was done, and nothing is known but that
		}
		return first
	case failed > 0:
		return &PartialError{Failed: failed, Regions: len(runs), First: first}
	case !known:
		return unfinished(runs)
	}
	return nil
}

// LostError says that not all that the hosts of an account and region said could
// be read. Nothing was published of them.
type LostError struct {
	Commands []string // the ids of those that the hosts were sent
	Collect  string   // the command line that reads them again; empty if none can
	Err      error
}

func (e *LostError) Error() string {
	text := "not all answers could be read, and nothing was published of them"
	if e.Collect != "" {
		text += "; " + e.Collect + " picks them up"
	}
	return text + ": " + e.Err.Error()
}

func (e *LostError) Unwrap() error { return e.Err }

// lost is a LostError if a command of the run was lost.
func (r *run) lost() error {
	e := LostError{Commands: r.commandIDs()}
	for _, c := range r.sent() {
		if e.Err == nil {
			e.Err = c.lost
		}
	}
	if e.Err == nil {
		return nil
	}
	if r.request.Document == documents.Check {
		e.Collect = r.collectLine(e.Commands)
	}
	return &e
}

// commandIDs are the ids of the commands that were sent.
func (r *run) commandIDs() (ids []string) {
	for _, c := range r.sent() {
		ids = append(ids, c.ID)
	}
	return ids
}

// collectLine is the command line that collects the commands of the run.
func (r *run) collectLine(ids []string) string {
	var b strings.Builder
	b.WriteString("orchestrator collect")
	if r.Name != "" {
		fmt.Fprintf(&b, " --region %s", r.Name)
	}
	if r.Role != "" {
		fmt.Fprintf(&b, " --role-arn %s", r.Role)
	}
	switch r.metrics.Namespace {
	case "":
		b.WriteString(" --no-publish")
	case metrics.DefaultNamespace:
	default:
		fmt.Fprintf(&b, " --namespace %s", r.metrics.Namespace)
	}
	for _, id := range ids {
		fmt.Fprintf(&b, " --command-id %s", id)
	}
	return b.String()
}
