package evidence

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"aidefleet/orchestrator/report"
)

// Table is what both people and programs read: a header, and rows of text that is not
// escaped yet.
type Table struct {
	Name   string
	Header []string
	Rows   [][]string
}

// stamp is a time in UTC, to the second; empty if there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	case d >= time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dm", int(d.Minutes()))
}

// Tables are the evidence in the order in which it is asked for.
func (e Evidence) Tables() []Table {
	periods := Table{Name: "Sweeps by " + string(e.Every), Header: []string{"fleet", string(e.Every), "complete", "sweeps", "hosts", "checked", "absent"}}
	gaps := Table{Name: "Hosts that were not looked at", Header: []string{"fleet", "instance", "name", "from", "to", "sweeps", "reason", "held", "end"}}
	drifts := Table{Name: "Changes", Header: []string{"fleet", "instance", "name", "from", "to", "open", "end", "action", "who", "why", "added", "removed", "changed", "fingerprint"}}
	suspects := Table{Name: "Suspect hosts", Header: []string{"fleet", "instance", "name", "from", "to", "findings", "end", "who", "why"}}
	for _, f := range e.Fleets {
		for _, p := range f.Periods {
			periods.add(f.Name, p.Start.Format(time.DateOnly), yes(p.Complete), strconv.Itoa(p.Sweeps), strconv.Itoa(p.Hosts), strconv.Itoa(p.Checked), strings.Join(p.Absent, ", "))
		}
		for _, g := range f.Gaps {
			end := ""
			switch {
			case g.To.IsZero():
				end = Open
			case g.Gone:
				end = Gone
			}
			gaps.add(f.Name, g.Instance, g.Name, stamp(g.From), stamp(g.To), strconv.Itoa(g.Sweeps), g.Reason, yes(g.Held), end)
		}
		for _, d := range f.Drifts {
			drifts.add(f.Name, d.Instance, d.Name, stamp(d.From), stamp(d.To), span(d.Open), d.End, string(d.Action), d.Who, d.Why,
				strconv.Itoa(d.Added), strconv.Itoa(d.Removed), strconv.Itoa(d.Changed), d.Fingerprint)
		}
		for _, s := range f.Suspects {
			suspects.add(f.Name, s.Instance, s.Name, stamp(s.From), stamp(s.To), strings.Join(s.Findings, " "), s.End, s.Who, s.Why)
		}
	}
	holds := Table{Name: "Holds", Header: []string{"hold", "hosts", "from", "to", "who", "why"}}
	for _, h := range e.Holds {
		holds.add(h.ID, h.Hosts, stamp(h.From), stamp(h.To), h.Who, h.Why)
	}
	return []Table{periods, gaps, drifts, suspects, actionTable(e.Actions), holds}
}

func actionTable(actions []Action) Table {
	t := Table{Name: "Actions", Header: []string{"when", "action", "target", "hosts", "who", "why", "fingerprint", "findings", "reason"}}
	for _, a := range actions {
		t.add(stamp(a.When), string(a.Kind), a.Target, strconv.Itoa(a.Hosts), a.Who, a.Why, a.Fingerprint, strings.Join(a.Findings, " "), a.Reason)
	}
	return t
}

func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Rows is the format of a pipe: cells separated by tabs. Other formats than it, "json" and
// "csv" are tables for people.
const Rows = "rows"

// Form is how something is written: the format, and the columns that a table for people may
// take; 0 is any number.
type Form struct {
	Format string
	Width  int
}

// WriteText writes the evidence as tables, or as rows.
func WriteText(w io.Writer, f Form, e Evidence) error {
	_, err := fmt.Fprintf(w, "%s to %s\n", stamp(e.From), stamp(e.To))
	return errors.Join(err, drawTables(w, f, e.Tables()))
}

func drawTables(w io.Writer, f Form, tables []Table) error {
	for _, t := range tables {
		if _, err := fmt.Fprintf(w, "\n%s: %d\n", t.Name, len(t.Rows)); err != nil || len(t.Rows) == 0 {
			if err != nil {
				return err
			}
			continue
		}
		var err error
		if f.Format == Rows {
			err = t.writeRows(w)
		} else {
			err = t.draw(w, f.Width)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeRows writes a row a line.
func (t Table) writeRows(w io.Writer) error {
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			if cells[i] = report.Escape(c); c == "" {
				cells[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// writeCSV writes tables one below the other; the first cell of each record is the table's.
func writeCSV(w io.Writer, tables []Table) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	for _, t := range tables {
		_ = out.Write(append([]string{"table"}, t.Header...)) // Error tells
		for _, row := range t.Rows {
			cells := []string{t.Name}
			for _, c := range row {
				cells = append(cells, report.Cell(c))
			}
			_ = out.Write(cells)
		}
	}
	out.Flush()
	return out.Error()
}

// WriteCSV writes the evidence as RFC 4180 has it, a table below the other.
func WriteCSV(w io.Writer, e Evidence) error { return writeCSV(w, e.Tables()) }

// WriteJSON writes a value for programs.
func WriteJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", report.EscapeJSON(text))
	return err
}

// sweepTable is a history of sweeps.
func sweepTable(sweeps []Sweep) Table {
	t := Table{Name: "Sweeps", Header: []string{"started", "fleet", "hosts", "clean", "changed", "failed", "missing", "suspect", "held", "new", "run"}}
	for _, s := range sweeps {
		cells := []string{stamp(s.Started), s.Fleet}
		for _, n := range []int{s.Hosts, s.Clean, s.Changed, s.Failed, s.Missing, s.Suspect, s.Held, s.New} {
			cells = append(cells, strconv.Itoa(n))
		}
		t.add(append(cells, s.Run)...)
	}
	return t
}

// Tables are the life of a host.
func (l Life) Tables() []Table {
	checks := Table{Name: "Checks of " + strings.TrimSpace(l.Name+" "+l.Instance), Header: []string{"started", "fleet", "status", "reason", "added", "removed", "changed", "new", "suspect", "held", "fingerprint", "baseline"}}
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	for _, c := range l.Checks {
		checks.add(stamp(c.Started), c.Fleet, c.Status, c.Reason, number(c.Added), number(c.Removed), number(c.Changed), strconv.Itoa(c.New),
			strings.Join(c.Suspect, " "), c.Held, c.Fingerprint, c.Baseline[:min(12, len(c.Baseline))])
	}
	list := []Table{checks, actionTable(l.Actions)}
	if p := l.Pin; p != nil {
		pin := Table{Name: "What it claims", Header: []string{"seen", "baseline", "config", "aide", "aide_sha256", "node", "node_sha256", "first_seen"}}
		pin.add(stamp(p.Seen), p.Baseline, p.Config, p.AIDE, p.AIDESHA256, p.Node, p.NodeSHA256, stamp(p.FirstSeen))
		open := Table{Name: "Open findings", Header: []string{"finding", "since", "message"}}
		for _, f := range p.Open {
			open.add(f.Kind, stamp(f.Since), f.Message)
		}
		list = append(list, pin, open)
	}
	return list
}

// WriteSweeps writes a history of sweeps and actions.
func WriteSweeps(w io.Writer, f Form, sweeps []Sweep, done []Action) error {
	switch f.Format {
	case "json":
		return WriteJSON(w, struct {
			Sweeps  []Sweep  `json:"sweeps"`
			Actions []Action `json:"actions"`
		}{append([]Sweep{}, sweeps...), append([]Action{}, done...)})
	case "csv":
		return writeCSV(w, []Table{sweepTable(sweeps), actionTable(done)})
	}
	return drawTables(w, f, []Table{sweepTable(sweeps), actionTable(done)})
}

// WriteLife writes the life of a host.
func WriteLife(w io.Writer, f Form, l Life) error {
	switch f.Format {
	case "json":
		return WriteJSON(w, l)
	case "csv":
		return writeCSV(w, l.Tables())
	}
	return drawTables(w, f, l.Tables())
}
