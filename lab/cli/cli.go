// Package cli is the lab's command line: one file per command, and this one,
// which turns what they return into an exit code.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// Version is set when the program is built.
var Version = "dev"

// Exit codes; lab exec has those of the program it runs.
const (
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs one command line and returns its exit code. The context ends when
// the program is asked to.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := newApp(stdout, stderr).RunContext(ctx, args)
	var status exitStatus
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "lab: %v; see lab COMMAND --help\n", err)
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "lab: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "lab: %v\n", err)
	return exitError
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:      "lab",
		Usage:     "a fleet in a box: local AWS endpoints, and sandboxed hosts with a real AIDE",
		UsageText: "lab COMMAND [options]\n\nExample: lab up",
		Version:   Version,
		Writer:    stdout, ErrWriter: stderr,
		Commands:        []*cli.Command{upCommand(), demoCommand(), execCommand(), envCommand(), downCommand(), agentCommand(), confinedCommand()},
		HideHelpCommand: true,
		ExitErrHandler:  func(*cli.Context, error) {},
		OnUsageError:    onUsageError,
		Action:          unknownCommand,
	}
	for _, c := range app.Commands {
		c.OnUsageError, c.HideHelpCommand = onUsageError, true
	}
	return app
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return usageError{err} }

// unknownCommand is what the program does without a command.
func unknownCommand(c *cli.Context) error {
	if c.Args().Present() {
		return usageError{fmt.Errorf("no command %q", c.Args().First())}
	}
	return cli.ShowAppHelp(c)
}

// usageError is a command line that cannot be run.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitStatus is that of a program that was run on a host.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return usageError{fmt.Errorf("unexpected %q", c.Args().First())}
	}
	return nil
}

// UntilInterrupted is a context that ends when the process is asked to. One
// interrupt may come as two, to the process and to its group; another one a
// second later ends the process at once.
func UntilInterrupted() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second)
		stop()
	})
	return ctx
}
