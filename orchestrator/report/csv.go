package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var csvHeader = []string{
	"instance", "name", "account", "region", "status", "reason", "added", "removed", "changed", "total",
	"fingerprint", "message", "next", "paths", "unread", "unread_path",
	"suspect", "new", "held", "first_seen", "groups", "explained",
}

// WriteCSV writes the report as RFC 4180 has it: a header, then one record a host, with
// lines that end with CR LF. Only clean and drifted hosts have counts. No record holds a
// line break, and no cell is a formula (see Cell).
func WriteCSV(w io.Writer, r Report) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvHeader); err != nil {
		return fmt.Errorf("write report as CSV: %w", err)
	}
	for _, h := range r.Hosts {
		if err := out.Write(record(h)); err != nil {
			return fmt.Errorf("write report as CSV: host %s: %w", h.Instance, err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write report as CSV: %w", err)
	}
	return nil
}

func record(h Host) []string {
	var added, removed, changed, total, unread, fresh, held, first, explained string
	if h.Counts != nil {
		added, removed, changed = strconv.Itoa(h.Added), strconv.Itoa(h.Removed), strconv.Itoa(h.Changed)
		total, unread, fresh = strconv.Itoa(h.Total), strconv.Itoa(h.Unread), strconv.Itoa(h.New)
		explained = strconv.Itoa(h.Explained)
	}
	if h.Held != nil {
		held = h.Held.ID
	}
	if h.FirstSeen {
		first = "true"
	}
	return []string{
		Cell(h.Instance), Cell(h.Name), Cell(h.Account), Cell(h.Region), Cell(string(h.Status)), Cell(string(h.Reason)),
		added, removed, changed, total,
		Cell(h.Fingerprint), Cell(h.Says()), Cell(h.Next), Cell(samplePaths(h)),
		unread, Cell(h.UnreadPath),
		Cell(h.kinds()), fresh, Cell(held), first, Cell(groupsOf(h)), explained,
	}
}

// inList escapes a name in a list that semicolons join, so that no name can pass for two.
func inList(name string) string { return strings.ReplaceAll(Escape(name), ";", `\x3b`) }

// groupsOf joins the groups of the changes: name, number of changes, fingerprint.
func groupsOf(h Host) string {
	parts := make([]string, 0, len(h.Groups))
	for _, g := range h.Groups {
		parts = append(parts, fmt.Sprintf("%s %d %s", inList(g.At), g.N, Escape(g.Fingerprint)))
	}
	return strings.Join(parts, "; ")
}

// samplePaths joins the sample of changes by semicolons.
func samplePaths(h Host) string {
	parts := make([]string, 0, len(h.Paths)+1)
	for _, p := range h.Paths {
		parts = append(parts, inList(p))
	}
	if h.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", h.More))
	}
	return strings.Join(parts, "; ")
}

// formula are the characters with which a formula begins, except tab and CR, which Escape
// removes. The wide forms count in Japanese input (OWASP, CSV Injection).
const formula = "=+-@＝＋－＠"

// Cell makes text safe for a spreadsheet. It is escaped, and an apostrophe marks what would
// begin a formula as text. A cell also begins behind each semicolon, in countries that
// write a decimal comma.
func Cell(text string) string {
	parts := strings.Split(Escape(text), ";")
	for i, p := range parts {
		if begin := strings.TrimLeft(p, ` "`); begin != "" && strings.ContainsRune(formula, []rune(begin)[0]) {
			at := len(p) - len(strings.TrimLeft(p, " "))
			parts[i] = p[:at] + "'" + p[at:]
		}
	}
	return strings.Join(parts, ";")
}
