package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/lab"
	"aidefleet/orchestrator/lab/agent"
)

func labCommand() *cli.Command {
	return &cli.Command{
		Name:  "lab",
		Usage: "a fleet in a box: local AWS endpoints, and sandboxed hosts with a real AIDE",
		Subcommands: []*cli.Command{
			{Name: "up", Usage: "start the lab, until Ctrl-C", Flags: flags(labFlags(), dirFlag(), simulateFlags(),
				&cli.StringSliceFlag{Name: "layout", EnvVars: env("LAB_LAYOUT"), Usage: "a host of this `LAYOUT` in place of the seven, again for more: " + layoutNames()},
				&cli.StringFlag{Name: "aides", EnvVars: env("LAB_AIDES"), DefaultText: "this machine's AIDE on all hosts", Usage: "`FOLDER` with AIDEs of other releases, as .ci/aides makes it"},
				&cli.BoolFlag{Name: "bare", Usage: "publish no documents, install no node and take no baselines"}), Action: labUp},
			{Name: "demo", Usage: "start a lab, sweep it, show what was found, and end it", Flags: labFlags(), Action: labDemo},
			{Name: "exec", Usage: "run a program on a host", UsageText: "orchestrator lab exec [--dir DIR] HOST -- PROGRAM [ARGUMENTS]",
				Flags: []cli.Flag{dirFlag()}, Action: labExec},
			{Name: "env", Usage: "print the environment in which an SDK uses the lab", UsageText: `eval "$(orchestrator lab env)"`,
				Flags: []cli.Flag{dirFlag()}, Action: labEnv},
			{Name: "down", Usage: "end the lab and throw its folder away", Flags: []cli.Flag{dirFlag()}, Action: labDown},
			{Name: "agent", Hidden: true, Usage: "the stand-in agent, in a host's sandbox", Action: labAgent},
		},
	}
}

func labFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "addr", EnvVars: env("LAB_ADDR"), Value: lab.DefaultAddr, Usage: "`HOST:PORT` on the loopback interface"},
		&cli.StringFlag{Name: "node", EnvVars: env("LAB_NODE"), DefaultText: "beside this program", Usage: "`PATH` of the aide-node binary for the hosts"},
		&cli.StringFlag{Name: "agent", EnvVars: env("LAB_AGENT"), Usage: "`PATH` of a real amazon-ssm-agent, with its workers beside it, in place of the stand-in"},
	}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", EnvVars: env("LAB_DIR"), DefaultText: "$XDG_STATE_HOME/aidefleet/lab", Usage: "`FOLDER` of the lab"}
}

func labDir(c *cli.Context) (string, error) {
	if dir := c.String("dir"); dir != "" {
		return filepath.Abs(dir)
	}
	return lab.DefaultDir()
}

func labOptions(c *cli.Context, dir string) (o lab.Options, err error) {
	if c.Args().Present() {
		return o, usageError{fmt.Errorf("unexpected %q", c.Args().First())}
	}
	o = lab.Options{Dir: dir, Addr: c.String("addr"), Node: c.String("node"), Agent: c.String("agent")}
	if o.Node == "" {
		self, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("find aide-node: %w; give --node", err)
		}
		o.Node = filepath.Join(filepath.Dir(self), "aide-node")
	}
	return o, nil
}

func labUp(c *cli.Context) (err error) {
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
	self := programName()
	fmt.Fprintf(c.App.Writer, "The lab is up at %s, its folder is %s.\nIn another terminal:\n\n", l.URL(), dir)
	fmt.Fprintf(c.App.Writer, "  eval \"$(%s lab env%s)\"\n", self, dirArgument(c))
	if o.Simulate == nil {
		next(c.App.Writer, self, dirArgument(c))
	} else {
		fmt.Fprintf(c.App.Writer, "  %s sweep --tag env=prod\n  curl -s \"$AWS_ENDPOINT_URL\"/lab/stats\n", self)
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
func next(w io.Writer, self, dir string) {
	for _, line := range []string{
		self + " sweep --tag env=prod",
		self + " lab exec" + dir + " web-1 -- sh -c 'echo changed >>/etc/hosts'",
		self + " sweep --tag env=prod --output json | jq '.hosts[] | {name, status, changed, paths}'",
		self + " init --tag role=cache",
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

func labEnv(c *cli.Context) error {
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	s, up, err := lab.Read(dir)
	if err != nil {
		return err
	}
	if !up {
		return fmt.Errorf("the lab in %s is not up; orchestrator lab up starts it", dir)
	}
	if !s.Ready {
		return fmt.Errorf("the lab in %s is not ready: its baselines are being taken; try again", dir)
	}
	for _, v := range lab.Environment(s.URL) {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(c.App.Writer, "export %s=%s\n", name, shellQuote(value))
	}
	fmt.Fprintln(c.App.Writer, "unset AWS_PROFILE AWS_SESSION_TOKEN")
	return nil
}

func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func labExec(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	if len(args) < 2 {
		return usageError{errors.New("want HOST -- PROGRAM [ARGUMENTS]")}
	}
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	exit, err := lab.Exec(c.Context, dir, args[0], args[1:], os.Stdin, c.App.Writer, c.App.ErrWriter)
	if err != nil || exit == 0 {
		return err
	}
	return verdict(exit)
}

func labDown(c *cli.Context) error {
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	return lab.Down(dir)
}

// labAgent reads its configuration from stdin: arguments could be read by
// anybody.
func labAgent(c *cli.Context) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("read agent configuration: %w", err)
	}
	config, err := agent.ParseConfig(string(text))
	if err != nil {
		return err
	}
	config.Logger = newLogger(c.App.ErrWriter, "text")
	return agent.Run(c.Context, config)
}

// labDemo is a lab's life in one command. A sweep that finds what there is to
// find is its success.
func labDemo(c *cli.Context) (err error) {
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
	sweep, err := l.Orchestrator(c.Context, "sweep", "--tag", "env=prod", "--output", "table")
	if err != nil {
		return err
	}
	sweep.Stdout, sweep.Stderr = out, out
	if err := sweep.Run(); exitStatus(err) != exitIncomplete {
		return fmt.Errorf("the sweep ended with status %d, want %d: cache-1 cannot check and api-1 cannot answer: %w", exitStatus(err), exitIncomplete, err)
	}
	fmt.Fprintf(out, "(exit status %d: some hosts failed or did not report)\n", exitIncomplete)
	fmt.Fprintln(out, "\n# What CloudWatch holds now, read back:")
	if err := readBack(c.Context, out, l.URL()); err != nil {
		return err
	}
	self := programName()
	fmt.Fprintf(out, "\n# To go on by hand, start the lab in one terminal with\n\n  %s lab up\n\n# and in another:\n\n  eval \"$(%s lab env)\"\n", self, self)
	next(out, self, "")
	return nil
}

// exitStatus is that of a program that was run, or -1 if it could not be.
func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// readBack prints every metric in the lab's CloudWatch.
func readBack(ctx context.Context, out io.Writer, url string) error {
	for _, v := range lab.Environment(url) {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	rows, err := storedMetrics(ctx)
	for _, r := range rows {
		fmt.Fprintln(out, "  "+r)
	}
	return err
}
