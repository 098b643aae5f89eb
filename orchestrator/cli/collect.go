package cli

import (
	"fmt"
	"regexp"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

var commandPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func collectCommand() *cli.Command {
	return &cli.Command{
		Name:      "collect",
		Usage:     "publish and report a check that was started elsewhere",
		UsageText: "orchestrator collect --command-id ID [options]",
		Flags: flags(
			&cli.StringFlag{Name: "command-id", EnvVars: env("COMMAND_ID"), Usage: "`ID` of the command, as send-command or the console gave it"},
			regionFlag(),
			&cli.DurationFlag{Name: "wait", EnvVars: env("WAIT"), DefaultText: "no end", Usage: "give up waiting after this `TIME`; the command goes on"},
			publishFlags(), outputFlag()),
		Action: collect,
	}
}

func collect(c *cli.Context) error {
	id := c.String("command-id")
	switch {
	case !commandPattern.MatchString(id):
		return usageError{fmt.Errorf("--command-id %q: want an id such as 12345678-90ab-cdef-1234-567890abcdef", id)}
	case c.Duration("wait") < 0:
		return usageError{fmt.Errorf("--wait %s is negative", c.Duration("wait"))}
	case c.Args().Present():
		return usageError{fmt.Errorf("unexpected %q", c.Args().First())}
	}
	o := sweep.Options{Document: documents.Check, Wait: c.Duration("wait")}
	// The target is only known later; it is ASCII or the command has a fleet name.
	if err := publishing(c, &o, documents.Check); err != nil {
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
	o.Progress = out.progress
	return finish(out, func() (report.Report, error) { return sweep.Collect(c.Context, region, id, o) })
}
