package sweep

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// AmbiguousError says that a fingerprint begins like several that hosts show.
type AmbiguousError struct {
	Beginning  string
	Candidates []string // what each is, for people
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s begins more than one fingerprint that hosts show: %s", e.Beginning, strings.Join(e.Candidates, ", "))
}

// candidate is a fingerprint that hosts show, of all their changes or of a group.
type candidate struct {
	digits string // all 32, or the first of a group
	what   string // for people
	from   lastCheck
	region Region
}

// WholeFingerprint returns all digits of the one fingerprint with that beginning that
// targeted hosts show. Those of a group are in the text of a host that shows it. The errors
// are ErrNotShown and AmbiguousError.
func WholeFingerprint(ctx context.Context, regions []Region, s fleet.Selector, beginning string, checks Checks) (string, error) {
	var all []candidate
	err := eachLastCheck(ctx, regions, s, checks, func(r *run, _ fleet.Host, last lastCheck, _ bool) {
		all = addCandidates(all, last, r.Region, beginning)
	})
	if err != nil {
		return "", err
	}
	switch {
	case len(all) == 0:
		return "", fmt.Errorf("%w: %s", ErrNotShown, beginning)
	case len(all) > 1:
		e := &AmbiguousError{Beginning: beginning}
		for _, c := range all {
			e.Candidates = append(e.Candidates, c.digits+" ("+c.what+")")
		}
		slices.Sort(e.Candidates)
		return "", e
	}
	whole, err := all[0].whole(ctx)
	if err == nil && !strings.HasPrefix(whole, beginning) {
		return "", fmt.Errorf("%w: %s; %s is", ErrNotShown, beginning, whole)
	}
	return whole, err
}

// addCandidates adds the fingerprints of a host with that beginning that are not there yet.
func addCandidates(all []candidate, last lastCheck, r Region, beginning string) []candidate {
	all = addCandidate(all, candidate{last.Fingerprint, "all changes of " + report.Escape(last.Label()), last, r}, beginning)
	for _, g := range last.Groups {
		all = addCandidate(all, candidate{g.Fingerprint, report.Escape(g.At), last, r}, beginning)
	}
	return all
}

// addCandidate adds one with that beginning that is not there yet.
func addCandidate(all []candidate, one candidate, beginning string) []candidate {
	fits := strings.HasPrefix(one.digits, beginning) || strings.HasPrefix(beginning, one.digits)
	if one.digits == "" || !fits || slices.ContainsFunc(all, func(c candidate) bool { return c.digits == one.digits }) {
		return all
	}
	return append(all, one)
}

// groupLine is a line of a group in the text that a check prints. No name can imitate it:
// names stand at the end of a line, behind a sign or a number.
var groupLine = regexp.MustCompile(`(?m)^  ([0-9a-f]{32})  [0-9]+  (?:/|packages$)`)

// whole is the candidate with all digits.
func (c candidate) whole(ctx context.Context) (string, error) {
	if c.digits == c.from.Fingerprint {
		return c.digits, nil
	}
	out, err := runcommand.Whole(ctx, c.region.Commands, c.from.command, c.from.Instance)
	if err != nil {
		return "", err
	}
	for _, line := range groupLine.FindAllStringSubmatch(out.Stdout, -1) {
		if strings.HasPrefix(line[1], c.digits) {
			return line[1], nil
		}
	}
	return "", fmt.Errorf("%s does not tell all digits of %s: give all 32, which aide-node check prints on the host, or accept the whole", report.Escape(c.from.Label()), c.digits)
}
