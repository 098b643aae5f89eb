// Command aide-node checks one host with AIDE and prints the result as one line
// of JSON, followed by a few lines for people. It makes no network call.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

var version = "dev" // set by the linker

// command is one of the program's commands, each in a file of its own.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, stdout, stderr io.Writer) int // returns the exit status
}

func commands() []command {
	return []command{
		{"check", "compare the files with the baseline", runCheck},
		{"init", "take a baseline if there is none", runInit},
		{"accept", "make the changes that the last check found the baseline", runAccept},
		{"configure", "put what AIDE is to look at into its configuration", runConfigure},
		{"parse", "print the result line for a saved report", runParse},
		{"report", "print the changes that a check found, page by page", runReport},
		{"doctor", "say what would make a check fail", runDoctor},
		{"version", "print the version", runVersion},
		{"help", "print this", runHelp},
	}
}

// memory is the target of the garbage collector, in bytes, with what the runtime needs: a
// host has better uses for memory.
const memory = 16 << 20

func main() {
	debug.SetMemoryLimit(memory)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second) // an interrupt may come twice: to the process group and to the process
		stop()                  // a second one ends the program at once
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "--version":
		name = "version"
	case "-h", "--help":
		name = "help"
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, args, stdout, stderr)
		}
	}
	return badArguments(fmt.Errorf("no command %q; aide-node help names them", name), stdout, stderr)
}

func runVersion(_ context.Context, _ []string, stdout, _ io.Writer) int {
	fmt.Fprintln(stdout, "aide-node", version)
	return 0
}

func runHelp(_ context.Context, _ []string, stdout, _ io.Writer) int {
	fmt.Fprint(stdout, "aide-node checks this host's files with AIDE.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(stdout, "  aide-node %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(stdout, `
The first line of what a command prints is JSON for programs; the rest is for
people. The exit status is 0 if it was done, with or without changes found, and 1
if it could not be done. aide-node COMMAND --help names a command's options.
`)
	return 0
}

// parse reads a command's options. If it returns false, the command ends: the arguments
// were wrong, or help was all that was asked for.
func parse(f *flag.FlagSet, args []string, check func() error, stdout, stderr io.Writer) (exit int, ok bool) {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintf(stdout, "Usage: aide-node %s [options]\n", f.Name())
		f.SetOutput(stdout)
		f.PrintDefaults()
		return 0, false
	case err == nil && f.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	case err == nil:
		err = check()
	}
	if err != nil {
		return badArguments(err, stdout, stderr), false
	}
	return 0, true
}
