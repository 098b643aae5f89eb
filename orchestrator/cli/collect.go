package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

func collectCommand() *cli.Command {
	return &cli.Command{
		Name:      "collect",
		Usage:     "publish and report a check that was started elsewhere",
		UsageText: "orchestrator collect --command-id ID [options]",
		Flags: flags(
			&cli.StringSliceFlag{Name: "command-id", EnvVars: env("COMMAND_ID"), Usage: "`ID` of the command, as send-command or the console gave it; repeat it for the commands of one sweep"},
			regionFlag(), roleFlag(),
			waitFlag(), publishFlags(), ledgerFlags(), outputFlag(), allHostsFlag(), htmlFlag()),
		Action: collect,
	}
}

func collect(c *cli.Context) error {
	ids, err := commandIDs(c)
	if err != nil {
		return err
	}
	role, name := c.String("role-arn"), c.String("region")
	if err := validatePlace(role, name); err != nil {
		return usageError{err}
	}
	switch {
	case c.Duration("wait") < 0:
		return usageError{fmt.Errorf("--wait %s is negative", c.Duration("wait"))}
	case c.Args().Present():
		return noArguments(c)
	}
	if err := validateLedger(c); err != nil {
		return err
	}
	o := sweep.CollectOptions{Document: documents.Check, Wait: c.Duration("wait"), Explain: explainError, Clock: clockOf(c.Context)}
	// The target is only known later, but it can always be the name of a fleet.
	if o.Metrics, err = publication(c, documents.Check); err != nil {
		return err
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	regions, err := connectAll(c.Context, []aws.Place{{Region: name, Role: role}})
	if err != nil {
		return err
	}
	o.Progress, o.Ledger = out.progress, ledgerOf(c, regions[0].Name)
	out.page, o.Found = reportPage(c, out, o.Ledger), out.found()
	return writeReportOf(out, func() (report.Report, error) {
		judged, err := sweep.Collect(c.Context, regions[0], ids, o)
		if !judged.Whole() {
			return judged.Report, err
		}
		_, recordErr := judged.Record(c.Context)
		if o.Metrics.Namespace != "" {
			err = errors.Join(err, publishOnce(c.Context, out, &judged, o.Clock.Time()))
		}
		return judged.Report, errors.Join(err, recordErr)
	})
}

// publishOnce publishes a sweep unless it has been published: CloudWatch adds up what is
// written twice.
func publishOnce(ctx context.Context, out output, judged *sweep.Judged, now time.Time) error {
	switch done, err := judged.Published(ctx, now); {
	case err != nil:
		return err
	case done:
		out.note("metrics of fleet %s had been published for this time: none were written", report.Escape(judged.Report.Fleet))
		return nil
	}
	return judged.Publish(ctx)
}

// commandIDs are the commands to collect, each once.
func commandIDs(c *cli.Context) (ids []string, err error) {
	given := c.StringSlice("command-id")
	if len(given) == 0 {
		given = []string{""}
	}
	for _, id := range given {
		if !runcommand.IsID(id) {
			return nil, usageError{fmt.Errorf("--command-id %q: want an id such as 12345678-90ab-cdef-1234-567890abcdef", id)}
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
