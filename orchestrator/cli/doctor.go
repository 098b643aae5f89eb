package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/doctor"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:      "doctor",
		Usage:     "say what is missing before a sweep can work",
		UsageText: "orchestrator doctor [options]\norchestrator doctor --tag env=prod [options]\n\nWith a target the hosts are asked too.",
		Flags: flags(targetFlags(), placeFlags(),
			&cli.StringFlag{Name: "config", EnvVars: env("CONFIG"), Usage: "`PATH` of AIDE's configuration on the hosts, where it is not a usual one"},
			deliveryFlag(), ledgerFlags(), outputFlag(pageFormats...)),
		Action: examine,
	}
}

func examine(c *cli.Context) error {
	var s fleet.Selector
	var list []fleet.Target
	var err error
	if hasTarget(c) {
		if s, list, err = selectorOf(c); err != nil {
			return err
		}
	}
	if err := cmp.Or(validateReach(c), validateLedger(c)); err != nil {
		return err
	}
	out, err := newOutput(c, pageFormats...)
	if err != nil {
		return err
	}
	where, err := places(c, list)
	if err != nil {
		return err
	}
	all, err := aws.LoadAll(c.Context, where)
	if err != nil {
		return err
	}
	regions := connect(where, all)
	if s, err = resolveNames(c.Context, regions, s); err != nil {
		return err
	}
	q := sweep.Query{Name: newName("doctor"), Request: request(c, documents.Doctor, map[string]string{})}
	if path := c.String("config"); path != "" {
		q.Request.Parameters["config"] = path
	}
	var questions []doctor.Question
	for i, operations := range all {
		here := doctor.Account(operations)
		if hasTarget(c) {
			here = append(here, hostsQuestion(regions[i], s, q))
		}
		for _, one := range here {
			if len(all) > 1 {
				one.Name = place(where[i], operations.Region) + ": " + one.Name
			}
			questions = append(questions, one)
		}
	}
	questions = append(questions, ledgerQuestion(ledgerOf(c, regions[0].Name)))
	d := doctor.Examine(c.Context, questions)
	out.meter.clear()
	if err := c.Err(); err != nil {
		return err
	}
	if err := writeDiagnosis(out, d); err != nil {
		return fmt.Errorf("write the diagnosis: %w", err)
	}
	if d.Count(doctor.Failed) > 0 {
		return verdict(exitError)
	}
	return nil
}

// ledgerQuestion reads the ledger, and writes nothing.
func ledgerQuestion(l *ledger.Ledger) doctor.Question {
	return doctor.Question{Name: "ledger", Ask: func(ctx context.Context) []doctor.Finding {
		if l == nil {
			return doctor.Found(doctor.Warning, "there is none: nothing is remembered, and no host can be suspect", "give another --ledger than "+noLedger)
		}
		switch _, err := l.Holds(ctx); {
		case ledger.IsObjectError(err):
			return doctor.Found(doctor.Warning, err.Error(), "")
		case err != nil:
			return doctor.Found(doctor.Failed, explainError(err), "docs/ledger.md says where it is, docs/iam.md what it needs; or give another with --ledger")
		}
		return doctor.Found(doctor.OK, l.Store.String(), "")
	}}
}

// place names an account and region, to tell several apart.
func place(p aws.Place, region string) string {
	if p.Role == "" {
		return region
	}
	return account(p.Role) + " " + region
}

func writeDiagnosis(out output, d doctor.Diagnosis) error {
	if out.format != "json" {
		return d.WriteTable(out.stdout, report.Escape)
	}
	text, err := d.MarshalJSON()
	if err == nil {
		text, err = report.JSONLine(string(text))
	}
	if err == nil {
		_, err = fmt.Fprintf(out.stdout, "%s\n", text)
	}
	return err
}

// hostsQuestion runs aide-node doctor on the targeted hosts.
func hostsQuestion(region sweep.Region, s fleet.Selector, query sweep.Query) doctor.Question {
	return doctor.Question{Name: "hosts", Ask: func(ctx context.Context) []doctor.Finding {
		answers, err := sweep.Ask(ctx, region, s, query)
		if errors.Is(err, fleet.ErrNoMatch) {
			return doctor.Found(doctor.Failed, err.Error(), "check the tag, --region and the account")
		}
		if err != nil {
			return doctor.CallFailed(err)
		}
		hosts := make([]doctor.Host, 0, len(answers))
		for _, a := range answers {
			hosts = append(hosts, doctor.Host{ID: a.Instance, Name: a.Name, Output: a.Output, Reason: string(a.Reason), Next: a.Next})
		}
		return doctor.Hosts(hosts, func(reason, id string) string { return report.Reason(reason).Next(id, "") })
	}}
}
