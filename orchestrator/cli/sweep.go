package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
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
		Flags: flags(targetFlags(), commandFlags(), publishFlags(), outputFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "say which hosts would be checked, and send nothing"}),
		Action: func(c *cli.Context) error { return runDocument(c, documents.Check) },
	}
}

func initCommand() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "take the baseline on hosts that have none",
		UsageText: "orchestrator init --tag env=prod [options]",
		Flags: flags(targetFlags(), commandFlags(), outputFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "say which hosts would take one, and send nothing"}),
		Action: func(c *cli.Context) error { return runDocument(c, documents.Init) },
	}
}

// runDocument runs a document whose hosts answer with a result line.
func runDocument(c *cli.Context, document string) error {
	s, err := selector(c)
	if err != nil {
		return err
	}
	o := sweep.Options{
		Selector: s, Document: document, Parameters: parameters(c), Comment: "aidefleet " + c.Command.Name + " " + runID(),
		DeliveryTimeout: c.Duration("delivery-timeout"), MaxConcurrency: c.String("max-concurrency"), MaxErrors: c.String("max-errors"),
		Wait: c.Duration("wait"),
	}
	if err := publishing(c, &o, s.String()); err != nil {
		return err
	}
	if err := validateCommand(c); err != nil {
		return err
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	region, err := connect(c.Context, c.String("region"))
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return dryRun(c.Context, out, region, o)
	}
	o.Sent = func(cmd runcommand.Command, hosts, reachable int) {
		out.note("command %s sent to %d of %d hosts of %s; Ctrl-C cancels it", cmd.ID, reachable, hosts, o.Selector)
	}
	o.Progress = out.progress
	return finish(out, func() (report.Report, error) { return sweep.Run(c.Context, region, o) })
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
	if len(r.Hosts) > 0 {
		if werr := out.write(r); werr != nil {
			return errors.Join(err, fmt.Errorf("write the report: %w", werr))
		}
	}
	if err != nil {
		return err
	}
	return judge(r)
}

// dryRun says who is meant, and makes no call that changes anything.
func dryRun(ctx context.Context, out output, region sweep.Region, o sweep.Options) error {
	hosts, err := fleet.Find(ctx, region.Fleet, o.Selector)
	if err != nil {
		return err
	}
	reachable := 0
	for _, h := range hosts {
		reason := string(h.Unreachable())
		if reason == "" {
			reason = "would run " + o.Document
			reachable++
		}
		fmt.Fprintf(out.stdout, "%s\t%s\t%s\n", report.Escape(h.Name), h.ID, reason)
	}
	out.note("%d of %d hosts of %s would be sent %s; nothing was sent", reachable, len(hosts), o.Selector, o.Document)
	return nil
}

// runID names a run in the command history: when, and which of those.
func runID() string {
	return time.Now().UTC().Format("20060102T150405Z") + "-" + rand.Text()[:8]
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
