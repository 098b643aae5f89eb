// Package cli is the orchestrator's command line: one file per command, and
// this one, which turns what they return into an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// Version is set when the program is built.
var Version = "dev"

// Exit codes, a contract for scripts; docs/operations.md has them for people.
const (
	exitClean       = 0
	exitError       = 1
	exitUsage       = 2
	exitDrift       = 3 // or suspect hosts
	exitIncomplete  = 4 // some hosts failed or did not report; wins over drift
	exitNoMatch     = 5
	exitInterrupted = 130
)

// Main runs one command line and returns its exit code. The context ends when
// the program is asked to.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	app.Metadata = map[string]any{argumentsKey: args}
	err := app.RunContext(ctx, args)
	code := exitCode(err)
	if text := explain(err, code); text != "" {
		fmt.Fprintf(stderr, "orchestrator: %s\n", text)
	}
	return code
}

func newApp(stdout, stderr io.Writer) *cli.App {
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"V"}, Usage: "print the version", DisableDefaultText: true}
	app := &cli.App{
		Name:      "orchestrator",
		Usage:     "file-integrity monitoring for a fleet, with AIDE and SSM",
		UsageText: "orchestrator COMMAND [options]\n\nExample: orchestrator sweep --tag env=prod",
		Version:   Version,
		Writer:    stdout, ErrWriter: stderr,
		Commands: []*cli.Command{sweepCommand(), collectCommand(), initCommand(), installCommand(), configureCommand(), targetsCommand(), acceptCommand(), trustCommand(), holdCommand(), showCommand(), historyCommand(), evidenceCommand(), ledgerCommand(), doctorCommand(), documentsCommand(), dashboardCommand(), alarmsCommand(), deployCommand(), completionCommand(), versionCommand()},
		// A tag holds commas of its own: --tag role=web,db.
		DisableSliceFlagSeparator: true,
		EnableBashCompletion:      true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              onUsageError,
		Action:                    unknownCommand,
	}
	strict(app.Commands)
	logged(slices.DeleteFunc(slices.Clone(app.Commands), func(c *cli.Command) bool {
		return slices.Contains([]string{"deploy", "completion", "version"}, c.Name) // they call no AWS
	}))
	return app
}

// verdict is the exit code of a sweep that was done.
type verdict int

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", int(v)) }

// judge is the exit code of a report. What is expected of held hosts does not count, but
// suspects always do.
func judge(r report.Report) error {
	code := exitClean
	for _, h := range r.Hosts {
		switch {
		case h.Held == nil && (h.Status == report.Failed || h.Status == report.Missing):
			return verdict(exitIncomplete)
		case len(h.Suspect) > 0, h.Held == nil && h.Status == report.Drift:
			code = exitDrift
		}
	}
	if code != exitClean {
		return verdict(code)
	}
	return nil
}

func exitCode(err error) int {
	var v verdict
	var usage usageError
	var topic cli.ExitCoder // help for a command that there is not
	var interrupted *sweep.InterruptedError
	var abandoned *sweep.AbandonedError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &v):
		return int(v)
	case errors.As(err, &usage), errors.As(err, &topic):
		return exitUsage
	case errors.Is(err, fleet.ErrNoMatch), errors.Is(err, sweep.ErrNotShown), errors.Is(err, sweep.ErrUnexplained):
		return exitNoMatch
	case errors.As(err, &interrupted), errors.As(err, &abandoned), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, sweep.ErrUnfinished), isHostError(err):
		return exitIncomplete
	}
	return exitError
}

// commandOf is the command that an error is of.
func commandOf(err error) string {
	var of commandError
	if errors.As(err, &of) {
		return of.command
	}
	return "orchestrator"
}

// explain is the text of an error for the operator: one line, with what to do.
func explain(err error, code int) string {
	var v verdict
	var interrupted *sweep.InterruptedError
	var abandoned *sweep.AbandonedError
	var partial *sweep.PartialError
	switch {
	case err == nil, errors.As(err, &v):
		return ""
	case code == exitUsage:
		return report.Escape(strings.TrimSpace(err.Error())) + "; see " + commandOf(err) + " --help"
	case errors.Is(err, sweep.ErrNotShown), errors.Is(err, sweep.ErrUnexplained):
		return report.Escape(err.Error()) + "; sweep again, and review what it finds"
	case code == exitNoMatch:
		return report.Escape(err.Error()) + "; check the tag, --region and the account"
	case errors.As(err, &partial):
		return fmt.Sprintf("%d of %d accounts and regions failed; all that is known is reported", partial.Failed, partial.Regions)
	case errors.As(err, &interrupted) && interrupted.Commands > 1:
		return interrupted.Error() + "; orchestrator collect --command-id ID publishes what came in of each; the report has the ids"
	case errors.As(err, &interrupted):
		return interrupted.Error() + "; orchestrator collect --command-id " + interrupted.CommandID + " publishes what came in"
	case errors.As(err, &abandoned):
		return report.Escape(abandoned.Error())
	case code == exitInterrupted:
		return "interrupted; no command was sent"
	case errors.Is(err, sweep.ErrUnfinished):
		return err.Error()
	case isHostError(err):
		return report.Escape(err.Error())
	case errors.Is(err, runcommand.ErrNotFound):
		return report.Escape(err.Error()) + "; check the id and --region; commands are remembered for 30 days"
	}
	return report.Escape(aws.Explain(err))
}
