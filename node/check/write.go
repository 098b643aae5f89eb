package check

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"aidefleet/node/result"
)

// Write prints the result line and the text for people. A failed run is also told on
// stderr, which is empty otherwise.
func (a Answer) Write(stdout, stderr io.Writer) error {
	line, err := a.Encode()
	if err != nil {
		a = Answer{Line: result.Failure(result.Internal, err.Error())}
		if line, err = a.Encode(); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(stdout, "%s\n%s", line, a.forPeople()); err != nil {
		return err
	}
	if a.Status == result.Failed {
		_, err = fmt.Fprintf(stderr, "aide-node: %s: %s\n", a.Reason, printable(a.Message))
	}
	return err
}

// shownGroups bounds the groups in the text for people.
const shownGroups = 100

// forPeople is the text for the SSM console and an operator's terminal.
func (a Answer) forPeople() string {
	var b strings.Builder
	switch {
	case a.Status == result.Failed:
		fmt.Fprintf(&b, "Failed (%s): %s\n", a.Reason, printable(a.Message))
	case a.headline != "":
		fmt.Fprintln(&b, printable(a.headline))
	case a.Status == result.Clean:
		fmt.Fprintf(&b, "No changes in %d entries.\n", a.Total)
	default:
		fmt.Fprintf(&b, "%d added, %d changed and %d removed in %d entries:\n", a.Added, a.Changed, a.Removed, a.Total)
		shown := a.Paths[:min(len(a.Paths), 20)]
		for _, p := range shown {
			fmt.Fprintf(&b, "  %c %s\n", p[0], printable(p[1:]))
		}
		if more := a.Sum() - len(shown); more > 0 {
			fmt.Fprintf(&b, "  and %d more\n", more)
		}
	}
	if len(a.groups) > 0 && a.Status == result.Drift {
		fmt.Fprintln(&b, "By group; aide-node accept takes the fingerprint of one, or of all:")
		for _, g := range a.groups[:min(len(a.groups), shownGroups)] {
			fmt.Fprintf(&b, "  %s  %d  %s\n", g.Fingerprint, g.N, printable(g.At))
		}
		if more := len(a.groups) - shownGroups; more > 0 {
			fmt.Fprintf(&b, "  and %d more groups\n", more)
		}
	}
	if a.Since != "" && a.Sum() > 0 {
		fmt.Fprintf(&b, "%d of them new since the check before, %s.\n", a.New, a.Since)
	}
	if a.Unread > 0 {
		fmt.Fprintf(&b, "AIDE could not look at %s%s.\n", entries(a.Unread), printable(firstOf(a.UnreadPath)))
	}
	if a.Message != "" && a.Status != result.Failed {
		fmt.Fprintf(&b, "%s.\n", printable(a.Message))
	}
	for _, n := range a.Notes {
		fmt.Fprintln(&b, printable(n))
	}
	if a.Baseline != nil && !a.Baseline.Created.IsZero() {
		fmt.Fprintf(&b, "Baseline of %s. ", a.Baseline.Created.UTC().Format("2006-01-02 15:04 MST"))
	}
	if a.AIDE != "" {
		fmt.Fprintf(&b, "AIDE %s took %.1f s.\n", a.AIDE, a.Seconds)
	}
	if a.Report != "" {
		fmt.Fprintf(&b, "The report is kept on the host as %s.\n", a.Report)
	}
	return b.String()
}

// entries counts them in words.
func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return strconv.Itoa(n) + " entries"
}

// firstOf names the first path, unless it is empty.
func firstOf(path string) string {
	if path == "" {
		return ""
	}
	return "; the first: " + path
}

// printable escapes what could drive a terminal or break a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, result.EscapeInvalid(s))
}
