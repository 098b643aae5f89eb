package page

import (
	"cmp"
	"slices"
	"strings"

	"aidefleet/orchestrator/report"
)

// broken are hosts that failed or are missing for one reason.
type broken struct {
	Status, Reason, Count string
	Hosts                 named
	Said                  []string
	Next                  string
	Held                  bool
}

// brokenHosts are those without counts, by reason: the reason of the most hosts first, and
// those that are expected last.
func brokenHosts(r *report.Report) (list []broken) {
	type key struct {
		status report.Status
		reason report.Reason
		held   bool
	}
	hosts := map[key][]*report.Host{}
	for i := range r.Hosts {
		h := &r.Hosts[i]
		if h.Status == report.Failed || h.Status == report.Missing {
			k := key{h.Status, h.Reason, h.Held != nil}
			hosts[k] = append(hosts[k], h)
		}
	}
	for k, group := range hosts {
		b := broken{
			Status: string(k.status), Reason: report.Escape(string(k.reason)), Count: hostsText(len(group)), Hosts: namedHosts(group),
			Next: report.Escape(group[0].Next), Held: k.held,
		}
		for _, h := range group {
			if h.Message == "" || len(b.Said) == mostSaid {
				continue
			}
			if said := report.Escape(h.Says()); !slices.Contains(b.Said, said) {
				b.Said = append(b.Said, said)
			}
		}
		list = append(list, b)
	}
	weight := func(b broken) (n int) {
		n = len(hosts[key{report.Status(b.Status), report.Reason(b.Reason), b.Held}])
		if b.Held {
			return n - len(r.Hosts)
		}
		return n
	}
	slices.SortFunc(list, func(a, b broken) int {
		return cmp.Or(cmp.Compare(weight(b), weight(a)), strings.Compare(a.Status, b.Status), strings.Compare(a.Reason, b.Reason))
	})
	return list
}
