package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/page"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// htmlFlag lets a user have the result as a page.
func htmlFlag() cli.Flag {
	return &cli.StringFlag{Name: "html", EnvVars: env("HTML"), TakesFile: true, Usage: "write it as a page to this `FILE`, too"}
}

// reportPage writes the page of a sweep, if one is asked for.
func reportPage(c *cli.Context, out output, l *ledger.Ledger) func(report.Report) error {
	if c.String("html") == "" {
		return nil
	}
	return func(r report.Report) error {
		return writePage(c, out, sweep.PageOf(c.Context, l, &r, out.style.Accept, clockOf(c.Context).Time()))
	}
}

// fleetPage is the page of a history: of one fleet with what its newest sweeps found.
func fleetPage(ctx context.Context, l *ledger.Ledger, q evidence.Query, sweeps []evidence.Sweep, done []evidence.Action) (page.Page, error) {
	p := page.Page{Title: "File integrity of every fleet", Sweeps: sweeps, Actions: done}
	var fleets []string
	for _, s := range sweeps {
		if !slices.Contains(fleets, s.Fleet) {
			fleets = append(fleets, s.Fleet)
		}
	}
	if len(fleets) != 1 {
		return p, nil
	}
	q.Fleet = fleets[0]
	r, lacking, err := evidence.Newest(ctx, l, q, nil)
	if err != nil {
		return p, err
	}
	p = sweep.PageOf(ctx, l, &r, "", q.To)
	if lacking != "" {
		p.Note = lacking
	}
	p.Sweeps, p.Actions = sweeps, done
	return p, nil
}

// lifePage is the page of one host.
func lifePage(l evidence.Life) page.Page {
	p := page.Page{Title: "File integrity of " + report.Host{Name: l.Name, Instance: l.Instance}.Label(), Tables: l.Tables()}
	if len(l.Checks) > 0 {
		p.Hosts, p.Last = []report.Host{l.Host()}, l.Checks[len(l.Checks)-1].Started
	}
	return p
}

// evidencePage is what an auditor gets.
func evidencePage(e evidence.Evidence) page.Page {
	p := page.Page{
		Title: fmt.Sprintf("File integrity from %s to %s", e.From.UTC().Format("2006-01-02"), e.To.UTC().Format("2006-01-02 15:04 UTC")),
		Note:  fmt.Sprintf("Each %s has a complete sweep.", e.Every), Tables: e.Tables(), Last: e.To,
	}
	if !e.Complete() {
		p.Note = fmt.Sprintf("Not each %s has a complete sweep.", e.Every)
	}
	var all report.Report
	for _, f := range e.Fleets {
		all.Hosts = append(all.Hosts, f.Lives...)
	}
	all.Sort()
	p.Hosts = all.Hosts
	return p
}

// writePage writes a page into the file that is asked for, if one is.
func writePage(c *cli.Context, out output, p page.Page) error {
	name := c.String("html")
	if name == "" {
		return nil
	}
	if err := writeFile(name, func(w io.Writer) error { return page.Write(w, p) }); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	out.note("the page is %s", report.Escape(name))
	return nil
}

// writeFile writes a file whole, or leaves what is there.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return withoutName(err)
	}
	err = errors.Join(write(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
