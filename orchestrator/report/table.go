package report

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Style is how a table is drawn.
type Style struct {
	Width int  // columns of the terminal
	Color bool // ANSI colours
	// Accept is the command that accepts changes of these hosts, to which only the
	// fingerprint is missing. Without it none is printed.
	Accept string
	// AllHosts gives each host a row of its own, whatever it shares with others.
	AllHosts bool
	// Lines are those of the terminal. If the table has more, clean hosts have no rows; without
	// a terminal it is 0, and they have none in a fleet of more than fewHosts.
	Lines int
	// Did says what was done on a host on which an action succeeded. Without it the hosts were
	// checked, and have counts.
	Did func(Host) string
}

const (
	// minDetail is the least width of the last column. With less room it goes below the
	// row.
	minDetail = 24
	// minHost is the least width to which a long name is cut.
	minHost = 16
	// fewHosts is the size up to which a fleet has a row for each host, without a terminal.
	// In a larger one nobody reads the rows of the clean hosts, and they hide the others.
	fewHosts = 50
	// fewCohorts is how many cohorts are named; the rows have the others.
	fewCohorts = 20
)

var headers = []string{"STATUS", "HOST", "INSTANCE", "ADDED", "REMOVED", "CHANGED", "WHAT"}

// The columns of a row.
const (
	statusColumn = iota
	hostColumn
	instanceColumn
	addedColumn
	removedColumn
	changedColumn
	whatColumn
)

// WriteTable draws the report for people: the groups of changes with the hosts that share
// them, a row per host with what to do about it, and the sum. Hosts with the same changes
// share a row. In a large fleet, or if there are not the lines, clean hosts with nothing to
// say are only counted. Messages and next steps may be longer than a line: the terminal
// wraps them, so that a command can still be copied.
func WriteTable(w io.Writer, r Report, s Style) error {
	if s.AllHosts || s.Lines == 0 || len(r.Hosts) > s.Lines {
		return draw(w, r, s, !s.AllHosts && len(r.Hosts) > cmp.Or(s.Lines, fewHosts))
	}
	var whole bytes.Buffer
	if err := draw(&whole, r, s, false); err != nil {
		return err
	}
	if bytes.Count(whole.Bytes(), []byte("\n")) >= s.Lines {
		return draw(w, r, s, true)
	}
	_, err := w.Write(whole.Bytes())
	return err
}

// draw draws the table. If it is to fold, clean hosts with nothing to say are only counted.
func draw(w io.Writer, r Report, s Style, fold bool) error {
	t := table{out: bufio.NewWriter(w), style: s}
	t.line("")
	t.line("%s  %s  %s", Escape(r.Fleet), count(r.Summary.Targeted, "host"), r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	if slices.ContainsFunc(r.Hosts, func(h Host) bool { return h.Status == Drift && len(h.Groups) == 0 }) {
		t.cohorts(r.Cohorts()) // older nodes tell no groups
	}
	t.groups(r.Hosts)
	t.line("")
	if !fold {
		t.hosts(r.Hosts)
	} else {
		shown := slices.DeleteFunc(slices.Clone(r.Hosts), func(h Host) bool { return h.Status == Clean && h.Message == "" && h.Unread == 0 && len(h.Suspect) == 0 })
		t.hosts(shown)
		if n := len(r.Hosts) - len(shown); n > 0 {
			t.line("%s  %s; --all-hosts lists them", t.status(Clean, len(Missing)), count(n, "host"))
		}
	}
	t.line("")
	t.line("%s", Sum(r, s.Did != nil))
	return t.out.Flush()
}

// table keeps the first error of many writes until it is flushed.
type table struct {
	out   *bufio.Writer
	style Style
}

func (t *table) line(format string, args ...any) {
	fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// cohorts says which hosts changed alike. With a single host there is nothing to compare.
func (t *table) cohorts(cohorts []Cohort) {
	if len(cohorts) < 2 && (len(cohorts) == 0 || len(cohorts[0].Hosts) < 2) {
		return
	}
	t.line("")
	for i, c := range cohorts {
		if i == fewCohorts {
			t.line("and %s", count(len(cohorts)-i, "other change"))
			break
		}
		verb := "the same change"
		if len(c.Hosts) == 1 {
			verb = "a change of its own"
		}
		fingerprint := c.Fingerprint
		if fingerprint == "" {
			fingerprint = "unknown"
		}
		text := fmt.Sprintf("%-8.8s  %s, %s:", Escape(fingerprint), count(len(c.Hosts), "host"), verb)
		t.lineOfHosts(text, len(c.Hosts), func(i int) *Host { return &c.Hosts[i] })
	}
}

// lineOfHosts writes a line with as many of n hosts behind the text as it has room for.
func (t *table) lineOfHosts(text string, n int, host func(i int) *Host) {
	for i := 0; i < n && terminal.StringWidth(text) <= t.style.Width; i++ {
		text += " " + Escape(host(i).Label())
	}
	t.line("%s", clip(text, t.style.Width))
}

// hosts draws a row for each host; hosts that have the same to say share one. On a narrow
// terminal the last column stands below the row. On a still narrower one only the status has
// a column.
func (t *table) hosts(hosts []Host) {
	if len(hosts) == 0 {
		return
	}
	blocks := blocksOf(hosts, t.style.AllHosts)
	rows := make([][]string, 0, len(blocks))
	for _, b := range blocks {
		rows = append(rows, b.cells(t.style.Did))
	}
	widths := t.widths(rows)
	used := 0
	for _, n := range widths[:whatColumn] {
		if n > 0 {
			used += n + 2
		}
	}
	widths[whatColumn] = t.style.Width - used
	below := widths[whatColumn] < minDetail
	stacked := used-2 > t.style.Width
	indent := widths[statusColumn] + 2
	if !stacked {
		t.row(headers, widths, "", below)
	}
	for i, b := range blocks {
		h, cells := b.hosts[0], rows[i]
		if stacked {
			t.line("%s  %s", t.status(h.Status, widths[statusColumn]), clip(cmp.Or(cells[hostColumn], cells[instanceColumn]), t.style.Width-indent))
			if h.Name != "" || h.Counts != nil {
				t.line("%*s%s", indent, "", short(h, cells))
			}
		} else {
			t.row(cells, widths, h.Status, below)
		}
		if below && cells[whatColumn] != "" {
			t.line("%*s%s", indent, "", clip(cells[whatColumn], t.style.Width-indent))
		}
		for _, f := range h.Suspect {
			t.line("%*s! %s", indent, "", Escape(f.Message))
		}
		if len(h.Suspect) > 0 {
			t.line("%*s→ find out why; if it is well: orchestrator trust --instance %s --why TEXT", indent, "", Escape(h.Instance))
		}
		if h.Held != nil {
			t.line("%*sheld until %s by %s: %s", indent, "", h.Held.Until.UTC().Format("2006-01-02 15:04 UTC"), Escape(h.Held.by()), Escape(h.Held.Why))
		}
		t.rest(b, indent)
	}
}

// rest is what stands below a row: the names of hosts that failed alike, what they say, and
// what to do.
func (t *table) rest(b block, indent int) {
	if h := b.hosts[0]; len(b.hosts) > 1 && h.Counts == nil {
		for _, line := range wrap(b.names(), t.style.Width-indent, fewLines) {
			t.line("%*s%s", indent, "", line)
		}
	}
	said := b.said()
	for _, text := range said[:min(len(said), fewMessages)] {
		t.line("%*s%s", indent, "", text)
	}
	if more := len(said) - fewMessages; more > 0 {
		t.line("%*sand %s; --all-hosts has them", indent, "", count(more, "other message"))
	}
	if next := b.next(); next != "" {
		t.line("%*s→ %s", indent, "", next)
	}
}

// short is the instance and the counts with the signs of paths.
func short(h Host, cells []string) string {
	text := cells[instanceColumn]
	if h.Counts != nil && cells[addedColumn] != "-" {
		text += fmt.Sprintf("  +%s -%s ~%s", cells[addedColumn], cells[removedColumn], cells[changedColumn])
	}
	return text
}

func (t *table) row(cells []string, widths []int, status Status, below bool) {
	var b strings.Builder
	for i, c := range cells {
		switch {
		case i == statusColumn && status != "":
			b.WriteString(t.status(status, widths[i]) + "  ")
		case i == whatColumn && !below:
			b.WriteString(clip(c, widths[i]))
		case i == whatColumn, widths[i] == 0:
		case i >= addedColumn:
			fmt.Fprintf(&b, "%*s  ", widths[i], c)
		default:
			b.WriteString(pad(clip(c, widths[i]), widths[i]) + "  ")
		}
	}
	t.line("%s", b.String())
}

// widths gives every column but the last the width that it needs. A very long name does not
// push the other columns out of sight.
func (t *table) widths(rows [][]string) []int {
	widths := make([]int, len(headers))
	others := -2
	for i, h := range headers[:whatColumn] {
		if t.style.Did != nil && i >= addedColumn {
			continue // there are no counts
		}
		widths[i] = len(h)
		for _, r := range rows {
			widths[i] = max(widths[i], terminal.StringWidth(r[i]))
		}
		if others += 2; i != hostColumn {
			others += widths[i]
		}
	}
	widths[hostColumn] = min(widths[hostColumn], max(minHost, min(t.style.Width/3, t.style.Width-others)))
	return widths
}

var colors = map[Status]string{Clean: "32", Drift: "33", Failed: "31", Missing: "31"}

// done is the status of a host on which an action succeeded.
const done = "done"

// word is a status as the table has it.
func (t *table) word(s Status) string {
	if t.style.Did != nil && (s == Clean || s == Drift) {
		return done
	}
	return string(s)
}

// status is a status in its colour, filled up to n columns.
func (t *table) status(s Status, n int) string {
	return t.paint(t.word(s), s) + strings.Repeat(" ", max(0, n-len(t.word(s))))
}

func (t *table) paint(s string, status Status) string {
	if !t.style.Color || colors[status] == "" {
		return s
	}
	return "\x1b[" + colors[status] + "m" + s + "\x1b[0m"
}
