package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteRows writes one line a host for other programs, its fields separated by
// tabs: status, name, instance, added, removed, changed, what. did is Style.Did.
func WriteRows(w io.Writer, r Report, did func(Host) string) error {
	out := bufio.NewWriter(w)
	for _, h := range r.Hosts {
		cells := row(h, did)
		if h.Message != "" {
			cells[whatColumn] = strings.TrimPrefix(cells[whatColumn]+": ", ": ") + Escape(h.Says())
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	return out.Flush()
}

func row(h Host, did func(Host) string) []string {
	added, removed, changed := "-", "-", "-"
	if h.Counts != nil && did != nil {
		return []string{done, Escape(h.Name), Escape(h.Instance), added, removed, changed, Escape(did(h))}
	}
	if h.Counts != nil {
		added, removed, changed = strconv.Itoa(h.Added), strconv.Itoa(h.Removed), strconv.Itoa(h.Changed)
	}
	return []string{string(h.Status), Escape(h.Name), Escape(h.Instance), added, removed, changed, detail(h)}
}

// Line is a host in a line of a width, for whoever watches a sweep: its status, what people
// call it, its counts or why there are none, and its first changes.
func Line(h Host, width int) string {
	text := fmt.Sprintf("%-7s  %s (%s)", h.Status, Escape(h.Label()), Escape(h.Instance))
	if h.Counts != nil && h.Status == Drift {
		text += fmt.Sprintf("  +%d -%d ~%d", h.Added, h.Removed, h.Changed)
	}
	if what := detail(h); what != "" {
		text += "  " + what
	}
	return clip(text, width)
}

// detail is the last column: what makes the host suspect; then the unread entries and the
// changes, or why there are no counts.
func detail(h Host) string {
	parts := make([]string, 0, len(h.Paths)+4)
	if len(h.Suspect) > 0 {
		parts = append(parts, "suspect: "+Escape(h.kinds())+";")
	}
	if h.Reason != "" {
		return strings.Join(append(parts, Escape(string(h.Reason))), " ")
	}
	if h.New > 0 && h.Since != "" {
		parts = append(parts, fmt.Sprintf("%d new:", h.New))
	}
	if h.Explained > 0 {
		parts = append(parts, fmt.Sprintf("%d explained;", h.Explained))
	}
	if h.Unread > 0 {
		parts = append(parts, unread(h))
	}
	for _, p := range h.Paths {
		parts = append(parts, Escape(p))
	}
	if h.More > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", h.More))
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ";")
}

// unread says how many entries were not looked at, and the first of them.
func unread(h Host) string {
	text := fmt.Sprintf("%d unread", h.Unread)
	if h.UnreadPath != "" {
		text += ": " + Escape(h.UnreadPath)
	}
	if len(h.Paths) > 0 {
		text += ";"
	}
	return text
}
