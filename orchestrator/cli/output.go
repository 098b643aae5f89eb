package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"aidefleet/orchestrator/report"
)

// pipeWidth is how wide a table is drawn where there is no terminal to ask.
const pipeWidth = 120

// output is where results go, and in which form.
type output struct {
	format   string
	stdout   io.Writer
	stderr   io.Writer
	style    report.Style
	terminal bool // stdout is one
	live     bool // stderr is one: progress may overwrite itself
}

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, EnvVars: env("OUTPUT"), Usage: "`FORMAT`: table or json; on a pipe, rows separated by tabs where it is not given"}
}

// newOutput decides, in one place, what a terminal gets and what a pipe gets.
func newOutput(c *cli.Context) (output, error) {
	o := output{format: c.String("output"), stdout: c.App.Writer, stderr: c.App.ErrWriter, style: report.Style{Width: pipeWidth}}
	if f, ok := o.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		o.terminal = true
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			o.style.Width = width
		}
		o.style.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	if f, ok := o.stderr.(*os.File); ok {
		o.live = term.IsTerminal(int(f.Fd()))
	}
	switch o.format {
	case "table", "json":
	case "":
		o.format = "rows"
		if o.terminal {
			o.format = "table"
		}
	default:
		return o, usageError{fmt.Errorf("--output %q: want table or json", o.format)}
	}
	return o, nil
}

func (o output) write(r report.Report) error {
	switch o.format {
	case "json":
		return report.WriteJSON(o.stdout, r)
	case "table":
		return report.WriteTable(o.stdout, r, o.style)
	}
	if err := report.WriteRows(o.stdout, r); err != nil {
		return err
	}
	o.note("%s", report.Sum(r))
	return nil
}

// note writes a line for people to stderr.
func (o output) note(format string, args ...any) {
	fmt.Fprintf(o.stderr, format+"\n", args...)
}

// progress shows how far a command is, on a terminal only.
func (o output) progress(completed, targeted int) {
	if o.live && targeted > 0 {
		fmt.Fprintf(o.stderr, "\r%d of %d hosts have ended\x1b[K", completed, targeted)
		if completed >= targeted {
			fmt.Fprint(o.stderr, "\r\x1b[K")
		}
	}
}

// newLogger logs for a process that nobody looks at but when something is wrong.
func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
