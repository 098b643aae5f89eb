package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"aidefleet/node/result"
)

// SharedGroup is a group of changes that is the same on some hosts, whatever else they
// have.
type SharedGroup struct {
	result.Group
	Hosts []*Host
}

// SharedGroups are the groups of all hosts. Those of one host alone come first, then those
// that the most hosts share. untold counts the changes that are in no group, because a
// host's result line had no room for it, or because the host's node knows no groups.
func SharedGroups(hosts []Host) (shared []SharedGroup, untold int) {
	found := map[result.Group]int{}
	for i := range hosts {
		h := &hosts[i] // there may be many groups of many hosts
		if h.Counts == nil {
			continue
		}
		untold += h.Sum()
		for _, g := range h.Groups {
			untold -= g.N
			at, known := found[g]
			if !known {
				at = len(shared)
				found[g] = at
				shared = append(shared, SharedGroup{Group: g})
			}
			shared[at].Hosts = append(shared[at].Hosts, h)
		}
	}
	slices.SortFunc(shared, func(a, b SharedGroup) int {
		if alone := len(b.Hosts) == 1; alone != (len(a.Hosts) == 1) {
			if alone {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(len(b.Hosts), len(a.Hosts)), strings.Compare(a.At, b.At), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	return shared, untold
}

// Changes are the groups of all hosts as people read them: without those that are unique by
// nature, whose paths are told apart.
func Changes(hosts []Host) (shared []SharedGroup, unique []UniquePath, untold int) {
	shared, untold = SharedGroups(hosts)
	lone := FindLone(hosts)
	shared = slices.DeleteFunc(shared, func(g SharedGroup) bool {
		return len(g.Hosts) == 1 && lone.Alone(g.Group) && lone.ByNature(g.Hosts[0], g.Group)
	})
	return shared, lone.Unique(hosts), untold
}

// fewUnique is how many paths that are unique by nature are named.
const fewUnique = 5

// groups says what hosts that changed in different ways have in common, and what one of
// them has alone.
func (t *table) groups(hosts []Host) {
	shared, unique, untold := Changes(hosts)
	if len(shared)+len(unique) == 0 {
		return
	}
	t.line("")
	t.line("The changes by group:")
	for i, g := range shared {
		if i == fewCohorts && len(shared) > i+1 {
			t.line("and %s", count(len(shared)-i, "other group"))
			break
		}
		text := fmt.Sprintf("%.8s  %s  %s, %s:", g.Fingerprint, clip(Escape(g.At), t.style.Width/3), count(g.N, "change"), count(len(g.Hosts), "host"))
		t.lineOfHosts(text, len(g.Hosts), func(i int) *Host { return g.Hosts[i] })
		t.nextStep(g)
	}
	t.differing(shared)
	for _, u := range unique[:min(len(unique), fewUnique)] {
		t.line("%s", clip(fmt.Sprintf("host-unique  %s  %s, each its own", clip(Escape(u.Path), t.style.Width/2), count(u.Hosts, "host")), t.style.Width))
	}
	if more := len(unique) - fewUnique; more > 0 {
		t.line("and %s that is host-unique", count(more, "other path"))
	}
	if untold > 0 {
		t.line("and %s in no group: see orchestrator show HOST", count(untold, "change"))
	}
}

// nextStep is the command for a group, ready to be pasted.
func (t *table) nextStep(g SharedGroup) {
	if t.style.Accept != "" {
		t.line("  → %s", NextFor(g, t.style.Accept))
	}
}

// NextFor is the command for a group: to look at what one host alone has, and to accept what
// hosts share. accept is the command that accepts changes, without the fingerprint.
func NextFor(g SharedGroup, accept string) string {
	if len(g.Hosts) == 1 && g.At != result.PackagesGroup {
		return "orchestrator show " + Escape(g.Hosts[0].Instance) + " --unexplained"
	}
	return accept + " --fingerprint " + Escape(g.Fingerprint[:min(len(g.Fingerprint), shownDigits)])
}

// shownDigits are enough to tell fingerprints apart.
const shownDigits = 12

// differing says which hosts have the packages of others in the same versions, and other
// changes by them.
func (t *table) differing(shared []SharedGroup) {
	first := map[string]SharedGroup{} // by versions
	for _, g := range slices.SortedFunc(slices.Values(shared), func(a, b SharedGroup) int { return cmp.Compare(len(b.Hosts), len(a.Hosts)) }) {
		most, known := first[g.Versions]
		switch {
		case g.Versions == "":
		case !known:
			first[g.Versions] = g
		default:
			text := fmt.Sprintf("%.8s  the same packages as %.8s, and other files, %s:", g.Fingerprint, most.Fingerprint, count(len(g.Hosts), "host"))
			t.lineOfHosts(text, len(g.Hosts), func(i int) *Host { return g.Hosts[i] })
		}
	}
}
