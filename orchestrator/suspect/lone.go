package suspect

import (
	"fmt"
	"slices"
	"strings"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

const (
	// namedGroups and namedPaths bound what a finding names.
	namedGroups = 3
	namedPaths  = 3
	// longestName bounds a name in it, in characters.
	longestName = 100
)

// loneChange is the finding of groups of changes that are new on a host since its pin, and
// that no other host shows.
func (c *Comparison) loneChange(i int, pin ledger.Pin) (f report.Finding, found bool) {
	h := &c.hosts[i]
	known := pin.Groups != nil || pin.Status == string(report.Clean)
	if !known || !newer(c.answer(i), pin) || h.Held != nil || h.New == 0 {
		return f, false
	}
	var names, fingerprints []string
	for _, g := range h.Groups {
		if isPinned(pin, g.Fingerprint) || !c.lone.Alone(g) || c.lone.ByNature(h, g) {
			continue
		}
		fingerprints = append(fingerprints, g.Fingerprint)
		names = append(names, name(h, g))
	}
	if len(names) == 0 {
		return f, false
	}
	if more := len(names) - namedGroups; more > 0 {
		names = append(names[:namedGroups], fmt.Sprintf("%d other groups", more))
	}
	return report.Finding{
		Kind: report.LoneChange, Is: strings.Join(fingerprints, " "),
		Message: fmt.Sprintf("new changes that none of the other %d hosts has: %s", c.lone.Answered()-1, strings.Join(names, "; ")),
	}, true
}

// name is a group of a host with its first paths.
func name(h *report.Host, g result.Group) string {
	paths := h.PathsIn(g)
	var named []string
	for _, path := range paths[:min(len(paths), namedPaths)] {
		named = append(named, report.Excerpt(path, longestName))
	}
	if len(named) < g.N {
		named = append(named, fmt.Sprintf("%d in all", g.N))
	}
	return report.Excerpt(g.At, longestName) + " (" + strings.Join(named, ", ") + ")"
}

// reviewed are the changes that actions made part of the baseline: all, or groups.
type reviewed struct {
	all    bool
	groups []string // fingerprints
}

// reviewedBy are the changes that actions accepted.
func reviewedBy(done []act) (r reviewed) {
	for _, a := range done {
		switch {
		case a.kind == ledger.Accept && a.part:
			r.groups = append(r.groups, a.fingerprint)
		case a.kind == ledger.Accept, a.renews():
			r.all = true
		}
	}
	return r
}

// drop takes the lone changes that were reviewed from the open findings.
func (r reviewed) drop(open []ledger.Finding) []ledger.Finding {
	return slices.DeleteFunc(open, func(f ledger.Finding) bool {
		if f.Kind != string(report.LoneChange) {
			return false
		}
		for _, group := range strings.Fields(f.Is) {
			if !r.all && !slices.ContainsFunc(r.groups, func(whole string) bool { return strings.HasPrefix(whole, group) }) {
				return false
			}
		}
		return true
	})
}

// groupsOf are the groups that a host shows.
func groupsOf(h *report.Host) []ledger.Group {
	list := make([]ledger.Group, 0, len(h.Groups))
	for _, g := range h.Groups {
		list = append(list, ledger.Group{Fingerprint: g.Fingerprint, N: g.N})
	}
	return list
}

func isPinned(pin ledger.Pin, fingerprint string) bool {
	return slices.ContainsFunc(pin.Groups, func(g ledger.Group) bool { return g.Fingerprint == fingerprint })
}
