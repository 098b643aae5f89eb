package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/dashboard"
	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

func dashboardCommand() *cli.Command {
	fleet := []cli.Flag{fleetNameFlag(), namespaceFlag(), regionFlag(), roleFlag()}
	return &cli.Command{
		Name:  "dashboard",
		Usage: "the CloudWatch dashboard of a fleet, for accounts without the stack",
		Subcommands: []*cli.Command{
			{Name: "print", Usage: "print its body, without a call of AWS", Flags: fleet, Action: printDashboard},
			{Name: "put", Usage: "make or replace it, with the last suspects that the ledger knows", Flags: flags(fleet, ledgerFlags()), Action: putDashboard},
			{Name: "diff", Usage: "say what put would change; exit code 3 if that is something", Flags: flags(fleet, ledgerFlags()), Action: diffDashboard},
			{Name: "delete", Usage: "remove it", Flags: fleet, Action: deleteDashboard},
		},
	}
}

// fleetNameFlag names the fleet of a dashboard or of alarms.
func fleetNameFlag() cli.Flag {
	return &cli.StringFlag{Name: "fleet", EnvVars: env("FLEET"), DefaultText: "env=prod for print", Usage: "`NAME` of the fleet in metrics"}
}

// fleetNamed is the name of the fleet. Only what is printed has a default.
func fleetNamed(c *cli.Context) (string, error) {
	name := c.String("fleet")
	if name == "" && c.Command.Name == "print" {
		name = "env=prod"
	}
	if name == "" {
		return "", usageError{errors.New("no fleet: give --fleet NAME, as sweeps name it in metrics")}
	}
	return name, nil
}

// roleFlag is for commands of one account.
func roleFlag() cli.Flag {
	return &cli.StringFlag{Name: "role-arn", EnvVars: env("ROLE_ARN"), Usage: "take this role, by its `ARN`, in its account"}
}

// loadOne loads the operations of the account and region that the flags name.
func loadOne(c *cli.Context) (aws.Operations, error) {
	all, err := aws.LoadAll(c.Context, []aws.Place{{Region: c.String("region"), Role: c.String("role-arn")}})
	if err != nil {
		return aws.Operations{}, err
	}
	return all[0], nil
}

// dashboardOf are the options of a dashboard by the flags.
func dashboardOf(c *cli.Context) (dashboard.Options, error) {
	o := dashboard.Options{Namespace: c.String("namespace"), Region: c.String("region")}
	if err := noArguments(c); err != nil {
		return o, err
	}
	var err error
	if o.Fleet, err = fleetNamed(c); err != nil {
		return o, err
	}
	if err := validatePlace(c.String("role-arn"), o.Region); err != nil {
		return o, usageError{err}
	}
	return o, validatePublish(c, o.Fleet)
}

func printDashboard(c *cli.Context) error {
	o, err := dashboardOf(c)
	if err != nil {
		return err
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	_, err = fmt.Fprint(c.App.Writer, dashboard.Body(o))
	return err
}

func dashboardAPI(o aws.Operations) dashboard.API {
	return dashboard.API{
		PutDashboard: o.PutDashboard, GetDashboard: o.GetDashboard, DeleteDashboards: o.DeleteDashboards,
		PutMetricAlarm: o.PutMetricAlarm, PutCompositeAlarm: o.PutCompositeAlarm, DescribeAlarms: o.DescribeAlarms, DeleteAlarms: o.DeleteAlarms,
	}
}

// wantedDashboard is the dashboard as put makes it, and where.
func wantedDashboard(c *cli.Context) (api dashboard.API, name string, o dashboard.Options, err error) {
	if o, err = dashboardOf(c); err != nil {
		return api, "", o, err
	}
	if err := validateLedger(c); err != nil {
		return api, "", o, err
	}
	operations, err := loadOne(c)
	if err != nil {
		return api, "", o, err
	}
	o.Region = operations.Region
	l, err := openLedger(c, func() (aws.Operations, error) { return operations, nil })
	if err == nil {
		o.Text, err = lastSuspects(c.Context, l, o.Fleet, clockOf(c.Context).Time())
	}
	return dashboardAPI(operations), dashboard.Name(o.Fleet, o.Region), o, err
}

func putDashboard(c *cli.Context) error {
	api, name, o, err := wantedDashboard(c)
	if err != nil {
		return err
	}
	if err := dashboard.Put(c.Context, api, name, dashboard.Body(o)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "dashboard %s\tput\n", name)
	return err
}

func diffDashboard(c *cli.Context) error {
	api, name, o, err := wantedDashboard(c)
	if err != nil {
		return err
	}
	is, err := dashboard.Applied(c.Context, api, name)
	if err != nil {
		return err
	}
	return writeDiff(c, "dashboard "+name, is, dashboard.Canonical(o))
}

// writeDiff says how what is applied differs from what is wanted.
func writeDiff(c *cli.Context, what, is, wanted string) error {
	switch is {
	case wanted:
		_, err := fmt.Fprintf(c.App.Writer, "%s\tthe same\n", what)
		return err
	case "":
		fmt.Fprintf(c.App.Writer, "%s\twould be made\n", what)
	default:
		fmt.Fprintf(c.App.Writer, "%s\twould be replaced\n", what)
		for _, line := range difference(is, wanted) {
			fmt.Fprintln(c.App.Writer, report.Escape(line))
		}
	}
	return verdict(exitDrift)
}

// difference are the lines that only one of two texts has, those of the first with - before
// them.
func difference(is, wanted string) (lines []string) {
	was, will := strings.Split(is, "\n"), strings.Split(wanted, "\n")
	for _, line := range was {
		if !slices.Contains(will, line) {
			lines = append(lines, "-"+line)
		}
	}
	for _, line := range will {
		if !slices.Contains(was, line) {
			lines = append(lines, "+"+line)
		}
	}
	if len(lines) == 0 {
		lines = append(lines, " the same lines in another order")
	}
	return lines
}

func deleteDashboard(c *cli.Context) error {
	o, err := dashboardOf(c)
	if err != nil {
		return err
	}
	operations, err := loadOne(c)
	if err != nil {
		return err
	}
	name := dashboard.Name(o.Fleet, operations.Region)
	done := "deleted"
	switch there, err := dashboard.Delete(c.Context, dashboardAPI(operations), name); {
	case err != nil:
		return err
	case !there:
		done = "there is none"
	}
	_, err = fmt.Fprintf(c.App.Writer, "dashboard %s\t%s\n", name, done)
	return err
}

// mostSuspects is how many suspects a dashboard names.
const mostSuspects = 10

// lastSuspects is what the ledger knows of a fleet's suspects, as Markdown.
func lastSuspects(ctx context.Context, l *ledger.Ledger, fleet string, now time.Time) (string, error) {
	if l == nil {
		return "", nil
	}
	r, _, err := evidence.Newest(ctx, l, evidence.Query{Fleet: fleet, From: now.Add(-90 * 24 * time.Hour), To: now}, nil)
	if err != nil {
		return "", err
	}
	if len(r.Hosts) == 0 {
		return "**Suspects**: no sweep of " + plainMarkdown(fleet) + " is in the ledger.", nil
	}
	text := fmt.Sprintf("**Suspects** of %s, sweep of %s: %d\n", plainMarkdown(fleet), r.Started.UTC().Format("2006-01-02 15:04 UTC"), r.Summary.Suspect)
	named := 0
	for _, h := range r.Hosts {
		if len(h.Suspect) == 0 || named == mostSuspects {
			continue
		}
		named++
		text += "\n- " + plainMarkdown(h.Label()) + " " + plainMarkdown(h.Instance)
		for _, f := range h.Suspect {
			text += ", " + plainMarkdown(string(f.Kind))
		}
	}
	if more := r.Summary.Suspect - named; more > 0 {
		text += fmt.Sprintf("\n- and %d more", more)
	}
	return text + "\n\nWhat is wrong: `orchestrator history HOST`\n", nil
}

// plainMarkdown is a text in which nothing is markup: a space of code.
func plainMarkdown(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "¦").Replace(report.Excerpt(text, 100)) + "`"
}
