package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func demoCommand() *cli.Command {
	return &cli.Command{Name: "demo", Usage: "start a lab, sweep it, show what was found, and end it", Flags: labFlags(), Action: demo}
}

// incomplete is how a sweep ends of which some hosts failed or did not report
// (docs/operations.md).
const incomplete = 4

// demo is a lab's life in one command. A sweep that finds what there is to find is
// its success.
func demo(c *cli.Context) (err error) {
	dir, err := os.MkdirTemp("", "aidefleet-lab-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o, err := labOptions(c, dir)
	if err != nil {
		return err
	}
	if !c.IsSet("addr") {
		o.Addr = "127.0.0.1:0" // beside a lab that is up
	}
	out := c.App.Writer
	fmt.Fprintln(out, "# A fleet in a box: local AWS endpoints, and hosts in sandboxes.")
	l, err := lab.Up(c.Context, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	fmt.Fprintln(out, "# Publishing the documents and taking baselines; cache-1 gets none, the agent of api-1 is offline.")
	if err := l.Prepare(c.Context, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "\n# web-1 to web-3 get the same deploy. On db-1 /etc/passwd is changed and a file is dropped.")
	if err := l.Deploy(); err != nil {
		return err
	}
	fmt.Fprint(out, "\n$ orchestrator sweep --tag env=prod\n")
	sweep := l.Orchestrator(c.Context, "sweep", "--tag", "env=prod", "--output", "table")
	sweep.Stdout, sweep.Stderr = out, out
	err = sweep.Run()
	switch exit := (*exec.ExitError)(nil); {
	case err == nil:
		return errors.New("the sweep found nothing wrong, but cache-1 cannot check and api-1 cannot answer")
	case !errors.As(err, &exit) || exit.ExitCode() != incomplete:
		return fmt.Errorf("the sweep did not end with status %d: %w", incomplete, err)
	}
	fmt.Fprintf(out, "(exit status %d: some hosts failed or did not report)\n", incomplete)
	fmt.Fprintln(out, "\n# What CloudWatch holds now, read back:")
	rows, err := storedMetrics(c.Context, l)
	if err != nil {
		return err
	}
	for _, r := range rows {
		fmt.Fprintln(out, "  "+r)
	}
	self := programName()
	fmt.Fprintf(out, "\n# To go on by hand, start the lab in one terminal with\n\n  %s up\n\n# and in another:\n\n  eval \"$(%s env)\"\n", self, self)
	next(out, "")
	return nil
}
