package cli

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "check every host for changed files, publish the counts and report",
		UsageText: "orchestrator sweep --tag env=prod [options]",
		Flags: flags(targetFlags(), placeFlags(), commandFlags(), publishFlags(), ledgerFlags(), outputFlag(),
			allHostsFlag(), htmlFlag(), dryRunFlag("say which hosts would be checked, and send nothing")),
		Action: func(c *cli.Context) error {
			return runDocuments(c, step{document: documents.Check, parameters: parameters(c)})
		},
	}
}

// step is a document whose hosts answer with a result line, and its parameters.
type step struct {
	document   string
	kind       ledger.Kind // of the action; empty for a check
	parameters map[string]string
	preview    string // what a dry run prints before the hosts
	// refuse says why a step is not done on hosts; nil refuses none.
	refuse func(c *cli.Context, out output, regions []sweep.Region, s fleet.Selector, l *ledger.Ledger) error
	after  string // what remains to be done after it succeeded
}

// runDocuments runs a document on the targeted hosts, and the next one on the hosts on
// which it succeeded.
func runDocuments(c *cli.Context, steps ...step) error {
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	o := sweep.Options{Wait: c.Duration("wait"), Explain: explainError, Clock: clockOf(c.Context)}
	name := s.String()
	if hasNames(s) {
		name = documents.Check // ids take the place of names, and can be that of a fleet
	}
	if o.Metrics, err = publication(c, name); err != nil {
		return err
	}
	verb := c.Command.Name
	if steps[0].document == documents.Check && o.Metrics.Namespace == "" {
		verb = sweep.VerbUnpublished // nor does a collect publish it
	}
	if err := cmp.Or(validateCommand(c), validateLedger(c), validateWhy(c)); err != nil {
		return err
	}
	if len(steps) > 1 && (c.String("document-version") != "" || c.String("document-hash") != "") {
		return usageError{errors.New("--document-version and --document-hash are of one document: configure first, and init without --profile")}
	}
	out, err := newOutput(c)
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
	o.Selector = s
	if c.Bool("dry-run") {
		return previewSteps(c, out, regions, s, steps)
	}
	o.Sent, o.Progress, o.Ledger = out.sent(s.String()), out.progress, ledgerOf(c, regions[0].Name)
	out.page = reportPage(c, out, o.Ledger)
	if steps[0].document == documents.Check {
		o.Found = out.found()
	}
	for _, one := range steps {
		if one.refuse != nil {
			if err := one.refuse(c, out, regions, s, o.Ledger); err != nil {
				return err
			}
		}
	}
	runs := make([]sweep.Options, len(steps))
	for i, one := range steps {
		runs[i] = one.options(c, o, verb, regions[0].Name)
	}
	succeeded := 0
	err = writeReportOf(out, func() (report.Report, error) {
		r, err := sweep.Run(c.Context, regions, runs[0])
		for _, next := range runs[1:] {
			r, err = sweep.Then(c.Context, regions, r, err, next)
		}
		succeeded = r.Summary.Clean
		return r, err
	})
	for _, s := range steps {
		if s.after != "" && succeeded > 0 {
			out.note("%s", s.after)
		}
	}
	return err
}

// previewSteps says which hosts the steps would run on, and sends nothing.
func previewSteps(c *cli.Context, out output, regions []sweep.Region, s fleet.Selector, steps []step) error {
	var names []string
	for _, one := range steps {
		names = append(names, one.document)
		fmt.Fprint(out.beside(), one.preview)
	}
	return dryRun(c.Context, out, regions, s, strings.Join(names, ", then "))
}

// options are those of the run of a step: what all steps share, its request and its action.
func (s step) options(c *cli.Context, shared sweep.Options, verb, region string) sweep.Options {
	shared.Request = request(c, s.document, s.parameters)
	// A command of which the answer was lost is looked up by its name.
	shared.Name = newName(verb)
	if s.kind != "" {
		shared.Act = actOf(c, s.kind, region)
		shared.Act.Force = s.parameters["force"] == "true"
	}
	return shared
}

// publication says into which namespace and fleet the metrics go; it is empty for commands
// without metrics.
func publication(c *cli.Context, fleetName string) (sweep.Publication, error) {
	if c.String("namespace") == "" || c.Bool("no-publish") {
		return sweep.Publication{Fleet: c.String("fleet")}, nil // as the ledger has it
	}
	p := sweep.Publication{Namespace: c.String("namespace"), Fleet: c.String("fleet")}
	return p, validatePublish(c, cmp.Or(p.Fleet, fleetName))
}

// writeReportOf runs a sweep and writes its report, even if it comes with an error.
func writeReportOf(out output, run func() (report.Report, error)) error {
	r, err := run()
	out.meter.clear()
	if len(r.Hosts)+len(r.Errors) > 0 {
		if werr := out.write(r); werr != nil {
			return errors.Join(err, fmt.Errorf("write the report: %w", werr))
		}
		if out.page != nil {
			if perr := out.page(r); perr != nil {
				return errors.Join(err, perr)
			}
		}
	}
	var partial *sweep.PartialError
	if errors.As(err, &partial) {
		for _, e := range r.Errors {
			out.problem(e)
		}
	}
	if err != nil {
		return err
	}
	return judge(r)
}

// explainError is the text of an error in a report.
func explainError(err error) string { return explain(err, exitError) }

// newName names a run in the command history: what it is, when, and which of those.
func newName(verb string) sweep.Name {
	return sweep.Name{Verb: verb, ID: time.Now().UTC().Format("20060102T150405Z") + "-" + rand.Text()[:8]}
}

// flags joins groups of flags and single ones.
func flags(parts ...any) (all []cli.Flag) {
	for _, p := range parts {
		switch p := p.(type) {
		case []cli.Flag:
			all = append(all, p...)
		case cli.Flag:
			all = append(all, p)
		}
	}
	return all
}
