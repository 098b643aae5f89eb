package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"

	"aidefleet/node/check"
)

// runParse prints the result line for the report of another run: from another host, or from
// the log of a cron job.
func runParse(_ context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("parse", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	var run check.PastRun
	f.Func("exit", "AIDE's exit `status`, or minus the signal that ended it", func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < -64 || n > 255 {
			return errors.New("want a status from 0 to 255, or minus a signal")
		}
		if n > 128 { // as a shell tells it
			n = 128 - n
		}
		run.Exit = &n
		return nil
	})
	said := f.String("stderr", "", "`file` with what AIDE wrote to its stderr")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, "Usage: aide-node parse [options] REPORT\n")
		f.SetOutput(stdout)
		f.PrintDefaults()
		return 0
	case err != nil:
		return badArguments(err, stdout, stderr)
	case f.NArg() != 1:
		return badArguments(fmt.Errorf("want one report, there are %d arguments", f.NArg()), stdout, stderr)
	}
	if *said != "" {
		f, err := os.Open(*said)
		if err != nil {
			return badArguments(err, stdout, stderr)
		}
		defer func() { _ = f.Close() }()
		run.Stderr = f
	}
	report, err := os.Open(f.Arg(0))
	if err != nil {
		return badArguments(err, stdout, stderr)
	}
	defer func() { _ = report.Close() }()
	if info, err := report.Stat(); err != nil || !info.Mode().IsRegular() {
		return badArguments(fmt.Errorf("%s is not a regular file", f.Arg(0)), stdout, stderr)
	}
	run.Report = report
	return write(check.Parse(run, version), stdout, stderr)
}
