package cli

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/sweep"
)

func evidenceCommand() *cli.Command {
	return &cli.Command{
		Name:  "evidence",
		Usage: "show an auditor that files were watched, and what became of changes",
		UsageText: "orchestrator evidence --since 90d [--html FILE] [options]\n\n" +
			"Exit code 3 says that a period has no complete sweep.",
		Flags: flags(sinceFlag(), fleetFlag(),
			&cli.StringFlag{Name: "period", EnvVars: env("PERIOD"), Value: string(evidence.Day), Usage: "`PERIOD` that needs a complete sweep: day or week"},
			htmlFlag(), regionFlag(), ledgerFlags(), outputFlag()),
		Action: showEvidence,
	}
}

func showEvidence(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	every := evidence.Every(c.String("period"))
	if every != evidence.Day && every != evidence.Week {
		return usageError{fmt.Errorf("--period %.40q: want day or week", every)}
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	l, q, err := lookBack(c)
	if err != nil {
		return err
	}
	e, err := evidence.Collect(c.Context, l, q, every, func(h ledger.Hold) string { return sweep.HeldBy(h).String() })
	var unread evidence.Unread
	if err != nil && !errors.As(err, &unread) {
		return err
	}
	if err := writePage(c, out, evidencePage(e)); err != nil {
		return errors.Join(err, unread)
	}
	if err := writeEvidence(out, c, e); err != nil || len(unread) > 0 {
		return errors.Join(err, unread)
	}
	if !e.Complete() {
		out.note("not each %s has a complete sweep", every)
		return verdict(exitDrift)
	}
	return nil
}

// writeEvidence writes it to stdout; beside a page only if a format is asked for.
func writeEvidence(out output, c *cli.Context, e evidence.Evidence) error {
	switch {
	case out.format == "json":
		return evidence.WriteJSON(out.stdout, e)
	case out.format == "csv":
		return evidence.WriteCSV(out.stdout, e)
	case c.String("html") != "" && c.String("output") == "":
		return nil
	}
	return evidence.WriteText(out.stdout, out.form(), e)
}
