package cli

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/dashboard"
)

func alarmsCommand() *cli.Command {
	d := dashboard.Default
	fleet := []cli.Flag{
		fleetNameFlag(), namespaceFlag(),
		&cli.StringFlag{Name: "topic", EnvVars: env("TOPIC"), Usage: "`ARN` of the SNS topic that they mail; without it they mail nobody"},
		&cli.IntFlag{Name: "alarm-window", EnvVars: env("ALARM_WINDOW"), Value: d.AlarmWindow, Usage: "`HOURS` in which one sweep has to be complete, 2 to 168"},
		&cli.IntFlag{Name: "failed-hosts", EnvVars: env("FAILED_HOSTS"), Value: d.FailedHosts, Usage: "`HOSTS` that failed, from which on it is mailed"},
		&cli.IntFlag{Name: "missing-hosts", EnvVars: env("MISSING_HOSTS"), Value: d.MissingHosts, Usage: "`HOSTS` that are missing, from which on it is mailed"},
		&cli.IntFlag{Name: "extreme-changes", EnvVars: env("EXTREME_CHANGES"), Value: d.ExtremeChanges, Usage: "`CHANGES` on one host, from which on it is mailed"},
		&cli.BoolFlag{Name: "unexplained-only", EnvVars: env("UNEXPLAINED_ONLY"), Usage: "of those changes count only the ones that no package explains"},
		regionFlag(), roleFlag(),
	}
	return &cli.Command{
		Name:  "alarms",
		Usage: "the CloudWatch alarms of a fleet, for accounts without the stack",
		Subcommands: []*cli.Command{
			{Name: "print", Usage: "print them, without a call of AWS", Flags: fleet, Action: printAlarms},
			{Name: "put", Usage: "make or replace them", Flags: fleet, Action: putAlarms},
			{Name: "diff", Usage: "say what put would change; exit code 3 if that is something", Flags: fleet, Action: diffAlarms},
			{Name: "delete", Usage: "remove them", Flags: fleet, Action: deleteAlarms},
		},
	}
}

// alarmsOf are the alarms by the flags, and where they look and send.
func alarmsOf(c *cli.Context) (list []dashboard.Alarm, p dashboard.Place, err error) {
	p = dashboard.Place{Namespace: c.String("namespace"), Topic: c.String("topic")}
	if err := noArguments(c); err != nil {
		return nil, p, err
	}
	if p.Fleet, err = fleetNamed(c); err != nil {
		return nil, p, err
	}
	t := dashboard.Thresholds{
		AlarmWindow: c.Int("alarm-window"), FailedHosts: c.Int("failed-hosts"), MissingHosts: c.Int("missing-hosts"),
		ExtremeChanges: c.Int("extreme-changes"), Unexplained: c.Bool("unexplained-only"),
	}
	for name, n := range map[string]int{"failed-hosts": t.FailedHosts, "missing-hosts": t.MissingHosts, "extreme-changes": t.ExtremeChanges} {
		if n < 1 {
			return nil, p, usageError{fmt.Errorf("--%s %d: want a number from 1", name, n)}
		}
	}
	switch _, err := arn.Parse(p.Topic); {
	case t.AlarmWindow < 2 || t.AlarmWindow > 168:
		return nil, p, usageError{fmt.Errorf("--alarm-window %d: want 2 to 168 hours: CloudWatch looks back 7 days", t.AlarmWindow)}
	case p.Topic != "" && err != nil:
		return nil, p, usageError{fmt.Errorf("--topic %.100q: want an ARN such as arn:aws:sns:eu-central-1:123456789012:alarms", p.Topic)}
	}
	if err := validatePlace(c.String("role-arn"), c.String("region")); err != nil {
		return nil, p, usageError{err}
	}
	return dashboard.Alarms(p.Fleet, t), p, validatePublish(c, p.Fleet)
}

func printAlarms(c *cli.Context) error {
	list, p, err := alarmsOf(c)
	if err != nil {
		return err
	}
	for _, a := range list {
		if _, err := fmt.Fprint(c.App.Writer, a.Text(p.Namespace, a.Actions(p.Topic))); err != nil {
			return err
		}
	}
	return nil
}

// alarmsThere are the alarms with the operations of their region.
func alarmsThere(c *cli.Context) (list []dashboard.Alarm, p dashboard.Place, api dashboard.API, err error) {
	if list, p, err = alarmsOf(c); err != nil {
		return nil, p, api, err
	}
	o, err := loadOne(c)
	return list, p, dashboardAPI(o), err
}

func putAlarms(c *cli.Context) error {
	list, p, api, err := alarmsThere(c)
	if err != nil {
		return err
	}
	if err := dashboard.PutAlarms(c.Context, api, p, list); err != nil {
		return err
	}
	for _, a := range list {
		fmt.Fprintf(c.App.Writer, "%s\tput\n", a.Name)
	}
	return nil
}

func diffAlarms(c *cli.Context) error {
	list, p, api, err := alarmsThere(c)
	if err != nil {
		return err
	}
	there, err := dashboard.AppliedAlarms(c.Context, api, list)
	if err != nil {
		return err
	}
	var result error
	for _, a := range list {
		if err := writeDiff(c, a.Name, there[a.Name], a.Text(p.Namespace, a.Actions(p.Topic))); err != nil {
			result = err
		}
	}
	return result
}

func deleteAlarms(c *cli.Context) error {
	list, _, api, err := alarmsThere(c)
	if err != nil {
		return err
	}
	deleted, err := dashboard.DeleteAlarms(c.Context, api, list)
	for _, name := range deleted {
		fmt.Fprintf(c.App.Writer, "%s\tdeleted\n", name)
	}
	if err == nil && len(deleted) == 0 {
		_, err = fmt.Fprintln(c.App.Writer, "there are none")
	}
	return err
}
