package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"aidefleet/node/check"
	"aidefleet/node/doctor"
	"aidefleet/node/state"
)

// runDoctor says what would make a check fail, and changes nothing.
func runDoctor(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &check.Options{}
	f := flag.NewFlagSet("doctor", flag.ContinueOnError)
	f.StringVar(&o.AIDE, "aide", "", "`path` of AIDE; empty to look for it")
	f.StringVar(&o.Config, "config", "", "`path` of AIDE's configuration; empty to look for it")
	f.StringVar(&o.Database, "database", "", "`path` of the baseline; empty to take the configuration's")
	f.StringVar(&o.State, "state", state.Default, "`folder` of the node's own files")
	f.DurationVar(&o.Timeout, "timeout", time.Minute, "`time` for AIDE to read its configuration")
	format := f.String("format", "text", "what stands behind the first line: `text` or json")
	exit, ok := parse(f, args, func() error {
		switch {
		case *format != "text" && *format != "json":
			return fmt.Errorf("--format %q: want text or json", *format)
		case o.Timeout <= 0:
			return fmt.Errorf("--timeout %s is not positive", o.Timeout)
		}
		return validate(o)
	}, stdout, stderr)
	if !ok {
		return exit
	}
	d := doctor.Examine(ctx, doctor.Options{AIDE: o.AIDE, Config: o.Config, Database: o.Database, State: o.State, Timeout: o.Timeout, Now: time.Now})
	if err := writeDiagnosis(d, *format, stdout); err != nil {
		fmt.Fprintln(stderr, "aide-node: write the diagnosis:", err)
		return 1
	}
	if names := d.Failed(); len(names) > 0 {
		fmt.Fprintln(stderr, "aide-node: a check would fail:", strings.Join(names, ", "))
		return 1
	}
	return 0
}

func writeDiagnosis(d doctor.Diagnosis, format string, stdout io.Writer) error {
	line, err := d.Line()
	if err != nil {
		return err
	}
	rest := d.Text()
	if format == "json" {
		text, err := d.JSON()
		if err != nil {
			return fmt.Errorf("encode the diagnosis: %w", err)
		}
		rest = string(text)
	}
	_, err = fmt.Fprintf(stdout, "%s\n%s", line, rest)
	return err
}
