package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

// refuseInit keeps a new baseline from hiding what nobody has reviewed: the changes on
// hosts that have one, if it is forced; and what was done to hosts that have lost theirs.
func refuseInit(c *cli.Context, out output, regions []sweep.Region, s fleet.Selector, l *ledger.Ledger) error {
	if !c.Bool("force") {
		return refuseRemoved(c, out, regions, s, l)
	}
	last, err := sweep.LastChecks(c.Context, regions, s, sweep.Checks{Document: documents.Check})
	if err != nil {
		return err
	}
	var sum, hosts, unknown int
	slices.SortStableFunc(last, func(a, b report.Host) int { return cmp.Compare(changesOf(b), changesOf(a)) })
	var lines []string
	for _, h := range last {
		n := changesOf(h)
		switch {
		case n > 0:
			sum, hosts = sum+n, hosts+1
			lines = append(lines, fmt.Sprintf("%s (%s): %d", report.Escape(cmp.Or(h.Name, "-")), h.Instance, n))
		case n < 0:
			unknown++
			lines = append(lines, fmt.Sprintf("%s (%s): not known, its last check did not say", report.Escape(cmp.Or(h.Name, "-")), h.Instance))
		}
	}
	text := fmt.Sprintf("--force would make changes the baseline that nobody has reviewed: %d, on hosts: %d", sum, hosts)
	if unknown > 0 {
		text += fmt.Sprintf("; hosts of which nobody knows how many: %d", unknown)
	}
	noteHosts(out, lines)
	return usageError{errors.New(text + "; review them: orchestrator show HOST; then accept them, or add --yes")}
}

// changesOf is how many changes the last check of a host found; -1 if it did not say.
func changesOf(h report.Host) int {
	if h.Counts == nil {
		return -1
	}
	return h.Sum()
}

// refuseRemoved refuses hosts whose baseline is gone, and nobody has said that this is well.
func refuseRemoved(c *cli.Context, out output, regions []sweep.Region, s fleet.Selector, l *ledger.Ledger) error {
	found, err := sweep.Suspects(c.Context, regions, s, l, report.RemovedBaseline)
	if err != nil || len(found) == 0 {
		return err
	}
	var lines []string
	for _, pin := range found {
		lines = append(lines, fmt.Sprintf("%s (%s)", report.Escape(cmp.Or(pin.Name, "-")), pin.Instance))
	}
	noteHosts(out, lines)
	return usageError{fmt.Errorf("hosts that had a baseline, and it is gone: %d; find out who removed it; then orchestrator trust, or add --force --yes", len(found))}
}

// mostNoted bounds how many hosts are named beside an error.
const mostNoted = 20

func noteHosts(out output, lines []string) {
	for _, line := range lines[:min(len(lines), mostNoted)] {
		out.note("%s", line)
	}
	if more := len(lines) - mostNoted; more > 0 {
		out.note("and %d more", more)
	}
}
