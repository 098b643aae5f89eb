package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Style is how a table is drawn.
type Style struct {
	Width int  // columns of the terminal
	Color bool // ANSI colours
}

// minDetail is the least width of the last column, in characters, however
// narrow the terminal is.
const minDetail = 24

var headers = []string{"STATUS", "HOST", "INSTANCE", "ADDED", "REMOVED", "CHANGED", "WHAT"}

// WriteTable draws the report for people: cohorts where there are any, a row
// per host with what to do about it, and the sum.
func WriteTable(w io.Writer, r Report, s Style) error {
	t := table{w: w, style: s}
	t.line("")
	t.line("%s  %s  %s", Escape(r.Fleet), count(r.Summary.Targeted, "host"), r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	t.cohorts(r.Cohorts())
	t.line("")
	rows := make([][]string, 0, len(r.Hosts))
	for _, h := range r.Hosts {
		rows = append(rows, append(row(h), what(h)))
	}
	widths := t.widths(rows)
	t.row(headers, widths, "")
	for i, h := range r.Hosts {
		t.row(rows[i], widths, h.Status)
		if h.Message != "" {
			t.line("%*s%s", widths[0]+2, "", Escape(h.Message))
		}
		if h.Next != "" {
			t.line("%*s→ %s", widths[0]+2, "", Escape(h.Next))
		}
	}
	t.line("")
	t.line("%s", Sum(r))
	return t.err
}

// WriteRows writes one line a host for other programs, its fields separated by
// tabs: status, name, instance, added, removed, changed, what.
func WriteRows(w io.Writer, r Report) error {
	for _, h := range r.Hosts {
		cells := append(row(h), what(h))
		if h.Message != "" {
			cells[len(cells)-1] += ": " + Escape(h.Message)
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// Sum is the whole report in one line.
func Sum(r Report) string {
	s := r.Summary
	return fmt.Sprintf("%s: %d clean, %d changed, %d failed, %d missing, in %s", count(s.Targeted, "host"),
		s.Clean, s.Changed, s.Failed, s.Missing, r.Finished.Sub(r.Started).Round(100*time.Millisecond))
}

func row(h Host) []string {
	added, removed, changed := "-", "-", "-"
	if h.Counts != nil {
		added, removed, changed = strconv.Itoa(h.Added), strconv.Itoa(h.Removed), strconv.Itoa(h.Changed)
	}
	return []string{string(h.Status), Escape(h.Name), Escape(h.Instance), added, removed, changed}
}

// what is the last column: the changes, or why there are no counts.
func what(h Host) string {
	if h.Reason != "" {
		return Escape(h.Reason)
	}
	parts := make([]string, 0, len(h.Paths)+1)
	for _, p := range h.Paths {
		parts = append(parts, Escape(p))
	}
	if h.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", h.More))
	}
	return strings.Join(parts, " ")
}

// table keeps the first error of many writes.
type table struct {
	w     io.Writer
	style Style
	err   error
}

func (t *table) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
}

// cohorts says which hosts changed alike; with a single host there is nothing
// to compare.
func (t *table) cohorts(cohorts []Cohort) {
	if len(cohorts) < 2 && (len(cohorts) == 0 || len(cohorts[0].Hosts) < 2) {
		return
	}
	t.line("")
	for _, c := range cohorts {
		names := make([]string, 0, len(c.Hosts))
		for _, h := range c.Hosts {
			names = append(names, Escape(h.label()))
		}
		verb := "the same change"
		if len(c.Hosts) == 1 {
			verb = "a change of its own"
		}
		fingerprint := c.Fingerprint
		if fingerprint == "" {
			fingerprint = "unknown"
		}
		t.line("%s", t.clip(fmt.Sprintf("%-8.8s  %s, %s: %s", fingerprint, count(len(c.Hosts), "host"), verb, strings.Join(names, " ")), t.style.Width))
	}
}

func (t *table) row(cells []string, widths []int, status Status) {
	var b strings.Builder
	for i, c := range cells {
		pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(c)))
		switch {
		case i == len(cells)-1:
			b.WriteString(t.clip(c, widths[i]))
		case i >= 3: // numbers
			b.WriteString(pad + c + "  ")
		case i == 0:
			b.WriteString(t.paint(c, status) + pad + "  ")
		default:
			b.WriteString(c + pad + "  ")
		}
	}
	t.line("%s", b.String())
}

// widths gives every column what it needs, and the last one what is left.
func (t *table) widths(rows [][]string) []int {
	widths := make([]int, len(headers))
	used := 0
	for i := range headers {
		widths[i] = len(headers[i])
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		if i < len(headers)-1 {
			used += widths[i] + 2
		}
	}
	widths[len(headers)-1] = max(minDetail, t.style.Width-used)
	return widths
}

// clip cuts text to n characters and marks it as cut.
func (t *table) clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:max(0, n-1)]) + "…"
}

var colors = map[Status]string{Clean: "32", Drift: "33", Failed: "31", Missing: "31"}

func (t *table) paint(s string, status Status) string {
	if !t.style.Color || colors[status] == "" {
		return s
	}
	return "\x1b[" + colors[status] + "m" + s + "\x1b[0m"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
