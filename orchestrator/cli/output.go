package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// minWidth is the least width of a line that is cut to a terminal.
const minWidth = 40

// pipeWidth is the width of a table without a terminal, in columns.
const pipeWidth = 80

// output is the destination and the format of results.
type output struct {
	format   string
	stdout   io.Writer
	stderr   io.Writer
	style    report.Style
	terminal bool                        // stdout is one
	meter    *meter                      // how far it is, on stderr
	page     func(r report.Report) error // writes a report as a page; nil if none is asked for
}

// reportFormats are the formats of a report; other results have fewer.
var reportFormats = []string{"table", "json", "csv"}

// outputFlag lets a user choose among formats, or without any among reportFormats.
func outputFlag(formats ...string) cli.Flag {
	return &cli.StringFlag{
		Name: "output", Aliases: []string{"o"}, EnvVars: env("OUTPUT"),
		Usage: "`FORMAT`: " + choice(formats) + "; on a pipe, rows separated by tabs where it is not given",
	}
}

// allHostsFlag lets a user see each host in a table.
func allHostsFlag() cli.Flag {
	return &cli.BoolFlag{Name: "all-hosts", EnvVars: env("ALL_HOSTS"), Usage: "a row for each host in a table, also if hosts changed alike or are clean"}
}

func choice(formats []string) string {
	if len(formats) == 0 {
		formats = reportFormats
	}
	last := len(formats) - 1
	return strings.Join(formats[:last], ", ") + " or " + formats[last]
}

// newOutput decides, in one place, what a terminal gets and what a pipe gets. The formats
// are those of the command's outputFlag.
func newOutput(c *cli.Context, formats ...string) (output, error) {
	o := output{format: c.String("output"), stdout: c.App.Writer, stderr: c.App.ErrWriter, style: report.Style{Width: pipeWidth}}
	dumb := os.Getenv("TERM") == "dumb"
	if f, ok := o.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.terminal = true
		if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			o.style.Width, o.style.Lines = width, height
		}
		o.style.Color = os.Getenv("NO_COLOR") == "" && !dumb
	}
	if c.Bool("quiet") {
		o.stderr = io.Discard
	}
	o.meter = &meter{w: o.stderr, now: time.Now}
	if f, ok := o.stderr.(*os.File); ok {
		// The lines of a log would break the line that overwrites itself.
		o.meter.live = term.IsTerminal(int(f.Fd())) && !dumb && !c.Bool("verbose")
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			o.meter.width = width
		}
	}
	o.style.AllHosts = c.Bool("all-hosts")
	o.style.Did = did(c.Command.Name)
	if c.Command.Name == "sweep" {
		o.style.Accept = acceptOf(c)
	}
	if len(formats) == 0 {
		formats = reportFormats
	}
	switch {
	case slices.Contains(formats, o.format):
	case o.format != "" && onCommandLine(c, "output", "o"):
		return o, usageError{fmt.Errorf("--output %q: want %s", o.format, choice(formats))}
	default:
		if o.format != "" { // the variable is for all commands
			o.note("ORCHESTRATOR_OUTPUT=%s is no format of %s, which has %s", report.Escape(o.format), c.Command.HelpName, choice(formats))
		}
		if o.format = "rows"; o.terminal {
			o.format = "table"
		}
	}
	return o, nil
}

// argumentsKey is where an App keeps its command line.
const argumentsKey = "arguments"

// onCommandLine says that a flag is given there, and not by its variable alone.
func onCommandLine(c *cli.Context, names ...string) bool {
	arguments, _ := c.App.Metadata[argumentsKey].([]string)
	return slices.ContainsFunc(arguments, func(argument string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		return strings.HasPrefix(argument, "-") && slices.Contains(names, name)
	})
}

// dryRunFlag lets a user see what a command would do.
func dryRunFlag(usage string) cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", EnvVars: env("DRY_RUN"), Usage: usage}
}

func (o output) write(r report.Report) error {
	o.meter.clear()
	switch o.format {
	case "json":
		return report.WriteJSON(o.stdout, r)
	case "csv":
		return report.WriteCSV(o.stdout, r)
	case "table":
		return report.WriteTable(o.stdout, r, o.style)
	}
	if err := report.WriteRows(o.stdout, r, o.style.Did); err != nil {
		return err
	}
	o.note("%s", report.Sum(r, o.style.Did != nil))
	return nil
}

// form is how tables of the past are written.
func (o output) form() evidence.Form { return evidence.Form{Format: o.format, Width: o.style.Width} }

// beside is where text goes that stands before a result: not into JSON.
func (o output) beside() io.Writer {
	if o.format == "json" {
		return o.stderr
	}
	return o.stdout
}

// note writes a line for people to stderr.
func (o output) note(format string, args ...any) {
	o.meter.clear()
	fmt.Fprintf(o.stderr, format+"\n", args...)
}

// sent tells of a command that was sent, and of its hosts.
func (o output) sent(target string) func(c runcommand.Command, hosts, reachable int) {
	return func(c runcommand.Command, hosts, reachable int) {
		o.note("command %s sent to %d of %d hosts of %s; Ctrl-C cancels it", c.ID, reachable, hosts, report.Escape(target))
	}
}

// mostFound is how many hosts are shown at a time, as they answer.
const mostFound = 15

// found shows hosts as they answer, on a terminal; nil elsewhere: it costs calls.
func (o output) found() func([]report.Host) {
	if !o.meter.live {
		return nil
	}
	return func(hosts []report.Host) {
		for _, h := range hosts[:min(len(hosts), mostFound)] {
			o.note("%s", report.Line(h, max(o.meter.width, minWidth)))
		}
		if more := len(hosts) - mostFound; more > 0 {
			o.note("and %s more, which the report has", report.Number(more))
		}
	}
}

// progress shows how far a command is.
func (o output) progress(completed, targeted int) { o.meter.show(completed, targeted) }

// did says what a command did on a host on which it succeeded; nil if it checked the host.
func did(command string) func(h report.Host) string {
	switch command {
	case "init":
		return func(h report.Host) string { return "baseline of " + report.Number(h.Total) + " entries" }
	case "install":
		return func(h report.Host) string { return strings.TrimSpace("installed " + h.Node) }
	case "configure":
		return func(report.Host) string { return "configured" }
	}
	return nil
}

// acceptOf is the command that accepts changes of the hosts that a sweep targets, without
// the fingerprint.
func acceptOf(c *cli.Context) string {
	words := []string{"orchestrator", "accept"}
	for _, name := range []string{"tag", "instance", "region", "role-arn"} {
		for _, value := range c.StringSlice(name) {
			words = append(words, "--"+name, report.Quote(value))
		}
	}
	for _, name := range []string{"targets", "accounts"} {
		if value := c.String(name); value != "" {
			words = append(words, "--"+name, report.Quote(value))
		}
	}
	if c.Bool("all") {
		words = append(words, "--all")
	}
	return strings.Join(words, " ")
}
