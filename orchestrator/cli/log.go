package cli

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/report"
)

// logged gives each command that calls AWS the flags of its log, and obeys them before the
// command runs.
func logged(commands []*cli.Command) {
	for _, c := range commands {
		if len(c.Subcommands) > 0 {
			logged(c.Subcommands)
			continue
		}
		c.Flags = append(c.Flags,
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, EnvVars: env("VERBOSE"), Usage: "log each AWS call to stderr"},
			&cli.StringFlag{Name: "log-format", EnvVars: env("LOG_FORMAT"), Value: "text", Usage: "`FORMAT` of the log: text or json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, EnvVars: env("QUIET"), Usage: "write no progress and no notes, but the result and errors"})
		c.Before = startCalls
	}
}

// startCalls lets the calls of a command ask for an MFA code, and write a log if the flags
// ask for one.
func startCalls(c *cli.Context) error {
	format := c.String("log-format")
	if format != "text" && format != "json" {
		return commandError{c.Command.HelpName, usageError{fmt.Errorf("--log-format %q: want text or json", format)}}
	}
	c.Context = askMFA(c.Context, c.App.ErrWriter)
	if !c.Bool("quiet") {
		c.Context = aws.WithRetryNotice(c.Context, func(line string) { fmt.Fprintln(c.App.ErrWriter, "\r"+report.Escape(line)) })
	}
	if c.Bool("verbose") {
		c.Context = aws.WithLogger(c.Context, newLogger(c.App.ErrWriter, format))
	}
	return nil
}

// newLogger logs to w as text, or as json: one object a line.
func newLogger(w io.Writer, format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}
