package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"aidefleet/node/result"
)

// Diagnosis is all findings, in the order of a check.
type Diagnosis []*Finding

// Failed names the findings that would make a check fail.
func (d Diagnosis) Failed() (names []string) {
	for _, f := range d {
		if f.Status == Failed {
			names = append(names, f.Name)
		}
	}
	return names
}

// output is the diagnosis as programs read it.
type output struct {
	V        int       `json:"v"`
	Status   Status    `json:"status"`
	Failed   int       `json:"failed"`
	Warnings int       `json:"warnings"`
	Checks   Diagnosis `json:"checks"`
}

func (d Diagnosis) output() output {
	doc := output{V: result.Version, Status: OK, Failed: len(d.Failed()), Checks: append(Diagnosis{}, d...)}
	for _, f := range d {
		if f.Status == Warning {
			doc.Warnings++
		}
	}
	if doc.Failed > 0 {
		doc.Status = Failed
	}
	return doc
}

// Line is the diagnosis as one line of JSON without a newline, of at most result.MaxBytes
// so that no step on the way cuts it. If it is too long, it loses first the messages of
// good findings, then the ends of the others.
func (d Diagnosis) Line() ([]byte, error) {
	line, err := result.Marshal(d.output())
	for most := 400; len(line) > result.MaxBytes && most >= 0; most -= 20 {
		line, err = result.Marshal(d.shortened(most).output())
	}
	if err != nil {
		return nil, fmt.Errorf("encode the diagnosis: %w", err)
	}
	if len(line) > result.MaxBytes {
		return nil, fmt.Errorf("encode the diagnosis: %d bytes, at most %d are allowed", len(line), result.MaxBytes)
	}
	return line, nil
}

// shortened drops the messages of good findings, and keeps at most that many bytes of the
// others.
func (d Diagnosis) shortened(most int) Diagnosis {
	short := make(Diagnosis, len(d))
	for i, f := range d {
		s := *f
		if s.Status == OK {
			s.Message = ""
		}
		s.Message, s.Next = clip(s.Message, most), clip(s.Next, most)
		short[i] = &s
	}
	return short
}

// clip returns at most n bytes of s, with a mark if s is longer; with 0, nothing.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	if n == 0 {
		return ""
	}
	return s[:n] + "…"
}

// JSON is all of the diagnosis, one member a line, with a newline at the end.
func (d Diagnosis) JSON() ([]byte, error) { return result.MarshalLines(d.output()) }

// Text is for people: a line for each finding, then what to do.
func (d Diagnosis) Text() string {
	var b, next strings.Builder
	for _, f := range d {
		fmt.Fprintf(&b, "%-7s  %-8s  %s\n", f.Status, f.Name, f.Message)
		if f.Next != "" {
			fmt.Fprintf(&next, "  %-8s  %s\n", f.Name, f.Next)
		}
	}
	if next.Len() > 0 {
		fmt.Fprintf(&b, "\nWhat to do:\n%s", next.String())
	}
	return b.String()
}
