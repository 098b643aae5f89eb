package suspect

import (
	"fmt"
	"slices"
	"strings"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// rest is what is left of the changes of a pin if the groups with these whole fingerprints
// were accepted. It is not known if the pin does not have all of them.
func rest(pin ledger.Pin, accepted []string) (changes int, groups []ledger.Group, known bool) {
	changes, groups = pin.Changes, slices.Clone(pin.Groups)
	for _, whole := range accepted {
		at := slices.IndexFunc(groups, func(g ledger.Group) bool { return strings.HasPrefix(whole, g.Fingerprint) })
		if at < 0 {
			return 0, nil, false
		}
		changes -= groups[at].N
		groups = slices.Delete(groups, at, at+1)
	}
	return changes, groups, len(accepted) > 0
}

// tellsAll says that the result line had room for all groups.
func tellsAll(h *report.Host) bool {
	n := 0
	for _, g := range h.Groups {
		n += g.N
	}
	return n == h.Sum()
}

// wrongRest is the finding of a host that took groups of its changes and shows something
// else than the rest. Changes that are new come on top of it.
func wrongRest(h *report.Host, pin ledger.Pin, accepted []string) []report.Finding {
	left, groups, known := rest(pin, accepted)
	if !known || h.Counts == nil {
		return nil
	}
	var what string
	switch {
	case h.Sum() < left, h.New == 0 && h.Sum() != left:
		what = fmt.Sprintf("it shows %d changes, %d of them new, and %d were left", h.Sum(), h.New, left)
	case h.New == 0 && tellsAll(h) && slices.ContainsFunc(groups, func(g ledger.Group) bool { return !slices.Contains(groupsOf(h), g) }):
		what = "it shows other changes than those that were left"
	default:
		return nil
	}
	return []report.Finding{{
		Kind: report.UnexpectedBaseline, Was: pin.Baseline, Is: h.Baseline.SHA256,
		Message: "a group of its changes was accepted; " + what,
	}}
}
