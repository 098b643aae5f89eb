package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func demoCommand() *cli.Command {
	return &cli.Command{Name: "demo", Usage: "start a lab, sweep it, show what was found, and end it", Action: demo,
		Flags: append(labFlags(), &cli.StringFlag{Name: "ledger", Usage: "keep what the fleet remembers in this `FOLDER`, which is not there yet"})}
}

// How sweeps end (docs/operations.md).
const (
	suspicious = 3 // hosts changed, or are suspect
	incomplete = 4 // some hosts failed or did not report
)

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
	if err := l.Await(c.Context); err != nil {
		return err
	}
	if err := l.Package(c.Context, out); err != nil {
		return err
	}
	if err := l.Prepare(c.Context, out); err != nil {
		return err
	}
	if err := patchDay(c, l); err != nil {
		return err
	}
	fmt.Fprintln(out, "\n# What CloudWatch holds now, read back:")
	rows, err := storedMetrics(c.Context, l)
	if err != nil {
		return err
	}
	for _, r := range rows {
		fmt.Fprintln(out, "  "+r)
	}
	if err := rewrite(c, l, dir); err != nil {
		return err
	}
	if folder := c.String("ledger"); folder != "" {
		if err := keepLedger(out, dir, folder); err != nil {
			return err
		}
	}
	self := programName()
	fmt.Fprintf(out, "\n# To go on by hand, start the lab in one terminal with\n\n  %s up\n\n# and in another:\n\n  eval \"$(%s env)\"\n", self, self)
	next(out, "")
	return nil
}

// keepLedger copies the ledger of a lab in dir to a folder, and names the pages in it.
func keepLedger(out io.Writer, dir, folder string) error {
	if err := os.CopyFS(folder, os.DirFS(lab.Ledger(dir))); err != nil {
		return fmt.Errorf("keep the ledger: %w", err)
	}
	fmt.Fprintf(out, "\n# What the fleet remembers of this is in %s; docs/ledger.md has queries.\n", folder)
	pages, err := filepath.Glob(filepath.Join(folder, "sweeps", "*", "index.html"))
	if err != nil {
		return err
	}
	for _, page := range pages {
		fmt.Fprintf(out, "# Its page, for a browser: %s\n", page)
	}
	return nil
}

// operate runs the orchestrator, wants it to end in one way, and returns what it printed.
func operate(c *cli.Context, l *lab.Lab, want int, args ...string) (printed string, err error) {
	out := c.App.Writer
	fmt.Fprintf(out, "\n$ orchestrator %s\n", strings.Join(args, " "))
	cmd := l.Orchestrator(c.Context, args...)
	var kept strings.Builder
	cmd.Stdout, cmd.Stderr = io.MultiWriter(out, &kept), out
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return "", err
	}
	fmt.Fprintf(out, "(exit status %d)\n", cmd.ProcessState.ExitCode())
	if got := cmd.ProcessState.ExitCode(); got != want {
		return "", fmt.Errorf("orchestrator %s ended with status %d, want %d", strings.Join(args, " "), got, want)
	}
	return kept.String(), nil
}

// patchDay updates a package on all hosts, deploys on three and intrudes on one. Three
// commands of the operator leave that one in drift.
func patchDay(c *cli.Context, l *lab.Lab) error {
	out := c.App.Writer
	fmt.Fprintln(out, "\n# A patch day: a package is updated on all hosts, and web-1 to web-3 get the same deploy.")
	fmt.Fprintln(out, "# On db-1 /etc/passwd is changed and a file is dropped.")
	if err := l.Patch(c.Context, out); err != nil {
		return err
	}
	if err := l.Deploy(); err != nil {
		return err
	}
	table, err := operate(c, l, incomplete, "sweep", "--tag", "env=prod", "--output", "table")
	if err != nil {
		return fmt.Errorf("cache-1 cannot check and api-1 cannot answer: %w", err)
	}
	fmt.Fprintln(out, "\n# The operator accepts what the package explains, then the deploy, and nothing else.")
	if _, err := operate(c, l, incomplete, "accept", "--explained", "--tag", "env=prod", "--why", "patch day", "--output", "table"); err != nil {
		return err
	}
	deploy, err := pasted(table, "/srv/app")
	if err != nil {
		return err
	}
	if _, err := operate(c, l, incomplete, "accept", "--tag", "env=prod", "--fingerprint", deploy, "--why", "release 1.1", "--output", "table"); err != nil {
		return err
	}
	_, err = operate(c, l, incomplete, "sweep", "--tag", "env=prod", "--output", "table")
	return err
}

// pasted is the fingerprint in the command that a table prints for a group.
func pasted(table, group string) (string, error) {
	found := regexp.MustCompile(`(?m)^[0-9a-f]{8}  ` + regexp.QuoteMeta(group) + `  .*\n  → .* --fingerprint ([0-9a-f]+)$`).FindStringSubmatch(table)
	if found == nil {
		return "", fmt.Errorf("the table has no command for the changes in %s", group)
	}
	return found[1], nil
}

// rewrite hides the changes on a host in a new baseline, as root there can, and lets the
// orchestrator find that out.
func rewrite(c *cli.Context, l *lab.Lab, dir string) error {
	const script = "sleep 1; aide --config /etc/aide.conf --init >/dev/null && mv /var/lib/aide/aide.db.new.gz /var/lib/aide/aide.db.gz"
	fmt.Fprintf(c.App.Writer, "\n# Somebody on web-3 hides the changes in a new baseline: %s\n", script)
	exit, err := lab.Exec(c.Context, dir, "web-3", []string{"sh", "-c", script}, nil, c.App.Writer, c.App.ErrWriter)
	if err != nil || exit != 0 {
		return errors.Join(err, fmt.Errorf("the new baseline on web-3: exit status %d", exit))
	}
	if _, err := operate(c, l, suspicious, "sweep", "--tag", "role=web", "--output", "table"); err != nil {
		return err
	}
	_, err = operate(c, l, 0, "history", "web-3", "--since", "1d", "--output", "table")
	return err
}
