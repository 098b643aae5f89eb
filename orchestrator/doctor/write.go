package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Diagnosis is all that was found.
type Diagnosis []Finding

// Count returns how many findings have the status.
func (d Diagnosis) Count(s Status) (n int) {
	for _, f := range d {
		if f.Status == s {
			n++
		}
	}
	return n
}

// WriteTable writes a line a finding, and what to do below it. escape makes text
// from hosts safe for a terminal.
func (d Diagnosis) WriteTable(w io.Writer, escape func(string) string) error {
	name := 0
	for _, f := range d {
		name = max(name, len(f.Name))
	}
	for _, f := range d {
		line := fmt.Sprintf("%-9s  %-*s  %s", f.Status, name, escape(f.Name), escape(f.Message))
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
		if f.Next != "" {
			if _, err := fmt.Fprintf(w, "%9s  → %s\n", "", escape(f.Next)); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n%d failed, %d warnings\n", d.Count(Failed), d.Count(Warning))
	return err
}

// MarshalJSON is the diagnosis with its sum.
func (d Diagnosis) MarshalJSON() ([]byte, error) {
	status := OK
	if d.Count(Failed) > 0 {
		status = Failed
	}
	return json.Marshal(struct {
		V        int       `json:"v"`
		Status   Status    `json:"status"`
		Failed   int       `json:"failed"`
		Warnings int       `json:"warnings"`
		Checks   []Finding `json:"checks"`
	}{1, status, d.Count(Failed), d.Count(Warning), d})
}
