package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name: "up", Usage: "start the lab, until Ctrl-C", Action: up,
		Flags: append(append(labFlags(), dirFlag(),
			&cli.StringSliceFlag{Name: "layout", EnvVars: []string{"LAB_LAYOUT"}, Usage: "a host of this `LAYOUT` in place of the seven, again for more: " + layoutNames()},
			&cli.StringFlag{Name: "aides", EnvVars: []string{"LAB_AIDES"}, DefaultText: "this machine's AIDE on all hosts", Usage: "`FOLDER` with AIDEs of other releases, as .ci/aides makes it"},
			&cli.BoolFlag{Name: "bare", Usage: "publish no documents, install no node and take no baselines"}), simulateFlags()...),
	}
}

func labFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "addr", EnvVars: []string{"LAB_ADDR"}, Value: lab.DefaultAddr, Usage: "`HOST:PORT` on the loopback interface"},
		&cli.StringFlag{Name: "node", EnvVars: []string{"LAB_NODE"}, DefaultText: "beside this program", Usage: "`PATH` of the aide-node binary for the hosts"},
		&cli.StringFlag{Name: "orchestrator", EnvVars: []string{"LAB_ORCHESTRATOR"}, DefaultText: "beside this program", Usage: "`PATH` of the orchestrator that brings documents, node and baselines to the hosts"},
		&cli.StringFlag{Name: "agent", EnvVars: []string{"LAB_AGENT"}, Usage: "`PATH` of a real amazon-ssm-agent, with its workers beside it, in place of the stand-in"},
	}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", EnvVars: []string{"LAB_DIR"}, DefaultText: "$XDG_STATE_HOME/aidefleet/lab", Usage: "`FOLDER` of the lab"}
}

func labDir(c *cli.Context) (string, error) {
	if dir := c.String("dir"); dir != "" {
		return filepath.Abs(dir)
	}
	return lab.DefaultDir()
}

func labOptions(c *cli.Context, dir string) (o lab.Options, err error) {
	if err := noArguments(c); err != nil {
		return o, err
	}
	o = lab.Options{Dir: dir, Addr: c.String("addr"), Node: c.String("node"), Orchestrator: c.String("orchestrator"), Agent: c.String("agent")}
	for name, path := range map[string]*string{"aide-node": &o.Node, "orchestrator": &o.Orchestrator} {
		if *path != "" {
			continue
		}
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find %s: %w; give --node and --orchestrator", name, err)
		}
		*path = filepath.Join(filepath.Dir(self), name)
	}
	return o, nil
}

func up(c *cli.Context) (err error) {
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	o, err := labOptions(c, dir)
	if err != nil {
		return err
	}
	if o.Simulate, err = simulation(c); err != nil {
		return err
	}
	if err := layoutOptions(c, &o); err != nil {
		return err
	}
	l, err := lab.Up(c.Context, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	switch {
	case o.Simulate != nil:
	case c.Bool("bare"):
		err = l.Await(c.Context)
	default:
		err = l.Prepare(c.Context, c.App.ErrWriter)
	}
	if err != nil {
		return err
	}
	if err := l.Ready(); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "The lab is up at %s, its folder is %s.\nIn another terminal:\n\n", l.URL(), dir)
	fmt.Fprintf(c.App.Writer, "  eval \"$(%s env%s)\"\n", programName(), dirArgument(c))
	if o.Simulate == nil {
		next(c.App.Writer, dirArgument(c))
	} else {
		fmt.Fprintf(c.App.Writer, "  %s sweep --tag env=prod\n  curl -s \"$AWS_ENDPOINT_URL\"/lab/stats\n", orchestratorName())
	}
	fmt.Fprintln(c.App.Writer, "\nCtrl-C ends it.")
	<-c.Done()
	return nil
}

// dirArgument repeats --dir where it was given.
func dirArgument(c *cli.Context) string {
	if dir := c.String("dir"); dir != "" {
		return " --dir " + shellQuote(dir)
	}
	return ""
}

// next prints what to try.
func next(w io.Writer, dir string) {
	orchestrator := orchestratorName()
	for _, line := range []string{
		orchestrator + " sweep --tag env=prod",
		programName() + " exec" + dir + " web-1 -- sh -c 'echo changed >>/etc/hosts'",
		orchestrator + " sweep --tag env=prod --output json | jq '.hosts[] | {name, status, changed, paths}'",
		orchestrator + " init --tag role=cache",
		`aws --endpoint-url "$AWS_ENDPOINT_URL" cloudwatch list-metrics --namespace AIDE --output table`,
		`aws --endpoint-url "$AWS_ENDPOINT_URL" ssm send-command --document-name AideFleet-Check --targets Key=tag:env,Values=prod`,
	} {
		fmt.Fprintln(w, "  "+line)
	}
}

// programName is how the program was called, for commands to copy.
func programName() string {
	if filepath.Base(os.Args[0]) == os.Args[0] {
		return os.Args[0]
	}
	if self, err := os.Executable(); err == nil {
		if wd, err := os.Getwd(); err == nil {
			if rel, err := filepath.Rel(wd, self); err == nil && !strings.HasPrefix(rel, "..") {
				return rel
			}
		}
		return self
	}
	return os.Args[0]
}

// orchestratorName is how the orchestrator beside the program is called.
func orchestratorName() string {
	return filepath.Join(filepath.Dir(programName()), "orchestrator")
}
