package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

func targetsCommand() *cli.Command {
	return &cli.Command{
		Name:      "targets",
		Usage:     "list the hosts that a sweep would take, and who of them can be reached",
		UsageText: "orchestrator targets --tag env=prod [options]\n\nThe list as JSON can be given back: orchestrator sweep --targets FILE.",
		Flags:     flags(targetFlags(), placeFlags(), outputFlag("table", "json")),
		Action:    listTargets,
	}
}

// targetFlags say which hosts to target.
func targetFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "tag", EnvVars: env("TAG"), Usage: "hosts with this tag, `KEY=VALUE[,VALUE]`; repeat it to narrow"},
		&cli.StringSliceFlag{Name: "instance", EnvVars: env("INSTANCE"), Usage: "this host, by `ID` or the Name that it alone has; repeat it to widen"},
		&cli.StringFlag{Name: "targets", TakesFile: true, EnvVars: env("TARGETS"), Usage: "the hosts of this `FILE`, an id a line or the JSON of orchestrator targets; - is stdin"},
		&cli.BoolFlag{Name: "all", EnvVars: env("ALL"), Usage: "every instance and every managed node there is"},
	}
}

// hasTarget says that the command line targets hosts, for commands that can do without.
func hasTarget(c *cli.Context) bool {
	return c.IsSet("tag") || c.IsSet("instance") || c.IsSet("targets") || c.Bool("all")
}

// selectorOf reads the targets from the flags of targetFlags, and what a list of targets
// says beside the ids. Instances may be Name tags: resolveNames puts ids in their place.
func selectorOf(c *cli.Context) (s fleet.Selector, targets []fleet.Target, err error) {
	if err := noArguments(c); err != nil {
		return s, nil, err
	}
	s.All = c.Bool("all")
	for _, text := range c.StringSlice("tag") {
		t, err := fleet.ParseTag(text)
		if err != nil {
			return s, nil, usageError{fmt.Errorf("--tag: %w", err)}
		}
		s.Tags = append(s.Tags, t)
	}
	seen := map[string]bool{}
	for _, id := range c.StringSlice("instance") {
		if !seen[id] {
			s.Instances = append(s.Instances, id)
		}
		seen[id] = true
	}
	if name := c.String("targets"); name != "" {
		if len(s.Instances) > 0 {
			return s, nil, usageError{errors.New("--targets and --instance cannot be combined: add the ids to the file")}
		}
		if targets, err = readTargets(name, c.App.Reader); err != nil {
			return s, nil, usageError{fmt.Errorf("--targets %s: %w", name, err)}
		}
		for _, t := range targets {
			s.Instances = append(s.Instances, t.Instance)
		}
	}
	if err := validateNames(s); err != nil {
		return s, nil, usageError{err}
	}
	return s, targets, nil
}

func readTargets(name string, stdin io.Reader) ([]fleet.Target, error) {
	if name == "-" {
		return fleet.ReadTargets(stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, withoutName(err)
	}
	defer func() { _ = f.Close() }()
	return fleet.ReadTargets(f)
}

func listTargets(c *cli.Context) error {
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	if err := noArguments(c); err != nil {
		return err
	}
	out, err := newOutput(c, "table", "json")
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
	found, err := sweep.Select(c.Context, regions, s)
	if err != nil {
		return err
	}
	reachable, all, err := out.targets(found)
	if err != nil {
		return err
	}
	out.note("%d of %d hosts of %s can be reached", reachable, all, report.Escape(s.String()))
	return out.failures(found)
}

// targets writes the hosts that were found, and counts those that can be reached.
func (o output) targets(found []sweep.Selection) (reachable, all int, err error) {
	var targets []fleet.Target
	for _, f := range found {
		for _, h := range f.Hosts {
			t := fleet.Target{Instance: h.ID, Name: h.Name, Account: h.Account, Region: f.Name, State: h.State, Reason: h.Unreachable()}
			if t.Account == "" {
				t.Account = f.Account
			}
			if t.Reachable = t.Reason == ""; t.Reachable {
				reachable++
			}
			targets = append(targets, t)
		}
	}
	if o.format == "json" {
		err = writeTargets(o.stdout, targets)
	} else {
		err = drawTargets(o, targets)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("write the targets: %w", err)
	}
	return reachable, len(targets), nil
}

// writeTargets writes a JSON array, a host a line.
func writeTargets(w io.Writer, targets []fleet.Target) error {
	open := "[\n"
	for _, t := range targets {
		text, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if text, err = report.JSONLine(string(text)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", open, text); err != nil {
			return err
		}
		open = ",\n"
	}
	if len(targets) == 0 {
		_, err := fmt.Fprintln(w, "[]")
		return err
	}
	_, err := fmt.Fprintln(w, "\n]")
	return err
}

// drawTargets writes a table, or on a pipe the same fields separated by tabs.
func drawTargets(out output, targets []fleet.Target) error {
	w := out.stdout
	if out.format == "table" {
		t := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
		defer func() { _ = t.Flush() }()
		w = t
		fmt.Fprintln(w, "INSTANCE\tNAME\tACCOUNT\tREGION\tSTATE\tREACHABLE")
	}
	for _, t := range targets {
		can := string(t.Reason)
		if t.Reachable {
			can = "yes"
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Instance, report.Escape(t.Name), t.Account, t.Region, t.State, can); err != nil {
			return err
		}
	}
	return nil
}

// dryRun lists the targeted hosts, and makes no call that changes anything. As JSON they are
// those of the command targets.
func dryRun(ctx context.Context, out output, regions []sweep.Region, s fleet.Selector, documents string) error {
	found, err := sweep.Select(ctx, regions, s)
	if err != nil {
		return err
	}
	reachable, all := 0, 0
	if out.format == "json" {
		if reachable, all, err = out.targets(found); err != nil {
			return err
		}
	} else {
		reachable, all = out.wouldRun(found, documents)
	}
	out.note("%d of %d hosts of %s would be sent %s; nothing was sent", reachable, all, report.Escape(s.String()), documents)
	return out.failures(found)
}

// wouldRun lists hosts with what they would run, or why not.
func (o output) wouldRun(found []sweep.Selection, documents string) (reachable, all int) {
	for _, f := range found {
		for _, h := range f.Hosts {
			reason := string(h.Unreachable())
			if reason == "" {
				reason = "would run " + documents
				reachable++
			}
			all++
			fmt.Fprintf(o.stdout, "%s\t%s\t%s\n", report.Escape(h.Name), h.ID, reason)
		}
	}
	return reachable, all
}

// failures names the accounts and regions in which the hosts could not be listed, a line
// each. It returns an error if there are any.
func (o output) failures(found []sweep.Selection) error {
	e := &sweep.PartialError{Regions: len(found)}
	for _, f := range found {
		if f.Err == nil {
			continue
		}
		o.problem(report.Error{Account: f.Account, Region: f.Name, Error: explain(f.Err, exitError)})
		e.Failed++
		if e.First == nil {
			e.First = f.Err
		}
	}
	if e.Failed == 0 {
		return nil
	}
	return e
}

// problem is the line about an account and region that failed.
func (o output) problem(e report.Error) {
	where := e.Region
	if e.Account != "" {
		where = e.Account + " " + e.Region
	}
	o.note("orchestrator: %s: %s", where, report.Escape(e.Error))
}
