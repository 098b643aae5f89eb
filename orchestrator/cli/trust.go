package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

func trustCommand() *cli.Command {
	return &cli.Command{
		Name:  "trust",
		Usage: "acknowledge what made hosts suspect, after it was looked into",
		UsageText: "orchestrator trust --instance ID --why TEXT [options]\n\n" +
			"What the hosts say of themselves now is what they are compared with from then on.",
		Flags: flags(targetFlags(), placeFlags(),
			&cli.StringFlag{Name: "why", EnvVars: env("WHY"), Usage: "`TEXT` that the ledger keeps with it: what was found out"},
			&cli.StringFlag{Name: "finding", Usage: "acknowledge this `KIND` alone, such as " + string(report.UnexpectedBaseline) + "; all that are open where it is not given"},
			ledgerFlags(), outputFlag(pageFormats...)),
		Action: trust,
	}
}

func trust(c *cli.Context) error {
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	kind := report.Suspicion(c.String("finding"))
	switch {
	case c.Args().Present():
		return noArguments(c)
	case c.String("why") == "":
		return usageError{errors.New("--why is missing: say what was found out, for whoever reads it later")}
	case kind != "" && !slices.Contains(report.Suspicions(), kind):
		return usageError{fmt.Errorf("--finding %.40q: want one of %q", kind, report.Suspicions())}
	}
	if err := cmp.Or(validateLedger(c), validateWhy(c)); err != nil {
		return err
	}
	out, err := newOutput(c, pageFormats...)
	if err != nil {
		return err
	}
	regions, err := regionsOf(c, list)
	if err != nil {
		return err
	}
	if s, err = resolveNames(c.Context, regions, s); err != nil {
		return err
	}
	memory, err := needLedger(c, regions[0].Name)
	if err != nil {
		return err
	}
	t := sweep.Trusting{ID: newName("trust").ID, Kind: kind, Who: callerOf(c, regions[0].Name), Why: c.String("why"), Clock: clockOf(c.Context)}
	if caller, err := arn.Parse(t.Who); err == nil {
		t.Account = caller.AccountID
	}
	done, err := sweep.Trust(c.Context, regions, s, memory, t)
	return errors.Join(writeTrusted(out, done), err)
}

// writeTrusted says what was acknowledged on which host.
func writeTrusted(out output, done []ledger.Change) error {
	if out.format == "json" {
		text, err := json.MarshalIndent(append([]ledger.Change{}, done...), "", " ")
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "%s\n", text)
		}
		return err
	}
	findings := 0
	for _, h := range done {
		for _, f := range h.Findings {
			findings++
			_, err := fmt.Fprintf(out.stdout, "%s\t%s\t%s\t%s\n", report.Escape(cmp.Or(h.Name, "-")), h.Instance, report.Escape(f.Kind), report.Escape(f.Message))
			if err != nil {
				return err
			}
		}
	}
	out.note("%d findings acknowledged on %d hosts", findings, len(done))
	return nil
}
