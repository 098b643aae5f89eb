package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "check every host for changed files, publish the counts and report",
		UsageText: "orchestrator sweep --tag env=prod [options]",
		Flags: flags(whoFlags(), placeFlags(), commandFlags(), publishFlags(), outputFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "say which hosts would be checked, and send nothing"}),
		Action: func(c *cli.Context) error { return runDocument(c, documents.Check) },
	}
}

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "take the baseline on hosts that have none",
		UsageText: "orchestrator init --tag env=prod [options]",
		Flags: flags(whoFlags(), placeFlags(), commandFlags(), outputFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "say which hosts would take one, and send nothing"}),
		Action: func(c *cli.Context) error { return runDocument(c, documents.Init) },
	}
}

// runDocument runs a document whose hosts answer with a result line.
func runDocument(c *cli.Context, document string) error {
	s, list, err := who(c)
	if err != nil {
		return err
	}
	o := sweep.Options{
		Selector: s, Document: document, Parameters: parameters(c), Run: newRun(c.Command.Name),
		DocumentVersion: c.String("document-version"), DocumentHash: c.String("document-hash"),
		DeliveryTimeout: c.Duration("delivery-timeout"), MaxConcurrency: c.String("max-concurrency"), MaxErrors: c.String("max-errors"),
		Wait: c.Duration("wait"), Explain: explainError,
	}
	if err := publishing(c, &o, s.String()); err != nil {
		return err
	}
	if document == documents.Check && o.Namespace == "" {
		o.Run.Verb = sweep.VerbUnpublished // not by anybody who collects it either
	}
	if err := validateCommand(c); err != nil {
		return err
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	regions, err := everywhere(c, list)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return dryRun(c.Context, out, regions, o)
	}
	o.Sent = func(cmd runcommand.Command, hosts, reachable int) {
		out.note("command %s sent to %d of %d hosts of %s; Ctrl-C cancels it", cmd.ID, reachable, hosts, report.Escape(o.Selector.String()))
	}
	o.Progress = out.progress
	return finish(out, func() (report.Report, error) { return sweep.Everywhere(c.Context, regions, o) })
}

// publishing sets where the metrics go, for commands that have any.
func publishing(c *cli.Context, o *sweep.Options, fleetName string) error {
	if c.String("namespace") == "" || c.Bool("no-publish") {
		return nil
	}
	o.FleetName, o.Namespace = c.String("fleet"), c.String("namespace")
	if o.FleetName != "" {
		fleetName = o.FleetName
	}
	return validatePublish(c, fleetName)
}

// finish runs a sweep and writes its report, also where it comes with an error.
func finish(out output, run func() (report.Report, error)) error {
	r, err := run()
	out.meter.clear()
	if len(r.Hosts)+len(r.Errors) > 0 {
		if werr := out.write(r); werr != nil {
			return errors.Join(err, fmt.Errorf("write the report: %w", werr))
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

// newRun names a run in the command history: what it is, when, and which of those.
func newRun(verb string) sweep.Name {
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
