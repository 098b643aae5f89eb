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
	"path/filepath"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/check"
	"aidefleet/node/result"
)

var version = "dev" // set by the linker

const usage = `aide-node checks this host's files with AIDE.

  aide-node check [options]   compare the files with the baseline
  aide-node init [options]    take a baseline if there is none
  aide-node version           print the version

The first line of check and init is JSON for programs; the rest is for people.
They exit with 0 if the check was done, with or without changes, and with 1 if it
could not be done.

Options:
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	var do func(context.Context, check.Options) check.Answer
	switch name {
	case "check":
		do = check.Check
	case "init":
		do = check.Init
	case "version", "--version":
		fmt.Fprintln(stdout, "aide-node", version)
		return 0
	case "help", "--help", "-h":
		help(stdout)
		return 0
	}
	o, err := options(args)
	if errors.Is(err, flag.ErrHelp) {
		help(stdout)
		return 0
	}
	if do == nil {
		err = fmt.Errorf("no command %q; the commands are check, init, version and help", name)
	}
	var answer check.Answer
	if err != nil {
		answer = check.Answer{Line: result.Failure(result.BadArguments, err.Error())}
		answer.Node = version
	} else {
		answer = do(ctx, o)
	}
	if err := answer.Write(stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "aide-node: write the answer:", err)
		return 1
	}
	if answer.Status == result.Failed {
		return 1
	}
	return 0
}

// flags declares the options of check and init.
func flags(o *check.Options) *flag.FlagSet {
	f := flag.NewFlagSet("aide-node", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.AIDE, "aide", "", "`path` of AIDE; empty to look for it")
	f.StringVar(&o.Config, "config", "", "`path` of AIDE's configuration; empty to look for it")
	f.StringVar(&o.State, "state", check.DefaultState, "`folder` of the node's own files")
	f.DurationVar(&o.Timeout, "timeout", 0, "`time` after which AIDE is ended; 0 for none")
	f.DurationVar(&o.Keep, "keep", 30*24*time.Hour, "`time` for which reports are kept; the newest always is")
	f.IntVar(&o.Weight.Nice, "nice", 19, "CPU `niceness` of AIDE, 0 to 19")
	f.BoolVar(&o.Weight.IdleIO, "idle-io", true, "let AIDE use the disk only when nobody else does")
	return f
}

func options(args []string) (check.Options, error) {
	o := check.Options{Version: version, Now: time.Now}
	f := flags(&o)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.Config != "" && !filepath.IsAbs(o.Config):
		return o, fmt.Errorf("--config %q: want an absolute path", o.Config)
	case o.AIDE != "" && !filepath.IsAbs(o.AIDE):
		return o, fmt.Errorf("--aide %q: want an absolute path", o.AIDE)
	case !filepath.IsAbs(o.State):
		return o, fmt.Errorf("--state %q: want an absolute path", o.State)
	case o.Timeout < 0:
		return o, fmt.Errorf("--timeout %s is negative", o.Timeout)
	case o.Keep < 0:
		return o, fmt.Errorf("--keep %s is negative", o.Keep)
	case o.Weight.Nice < 0 || o.Weight.Nice > 19:
		return o, fmt.Errorf("--nice %d: want 0 to 19", o.Weight.Nice)
	}
	o.State = filepath.Clean(o.State)
	return o, nil
}

func help(w io.Writer) {
	f := flags(&check.Options{Weight: aide.Weight{}})
	f.SetOutput(w)
	fmt.Fprint(w, usage)
	f.PrintDefaults()
}
