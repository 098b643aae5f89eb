package suspect

import (
	"slices"
	"time"

	"aidefleet/orchestrator/ledger"
)

// Explain takes from the differences what actions explain. They are those since the time
// that Read returned, in any order.
func (c *Comparison) Explain(actions []ledger.Action) {
	actions = slices.Clone(actions)
	slices.SortStableFunc(actions, func(a, b ledger.Action) int { return a.When.Compare(b.When) })
	for i, one := range c.changes {
		var done []act
		for _, a := range actions {
			for _, h := range a.Hosts {
				if h.Instance == one.pin.Instance && h.Done && a.When.Add(Tolerance).After(one.pin.Seen) {
					done = append(done, act{a.Kind, a.Fingerprint, a.Group != "", a.Force, h})
				}
			}
		}
		h := c.hosts[i]
		if one.baseline && leadsTo(one.pin, done, h.Baseline.SHA256) {
			one.baseline, one.replaced, one.reviewed = false, true, reviewedBy(done)
			one.rest = slices.DeleteFunc(one.rest, isDropped)
			if !one.reviewed.all {
				one.rest = append(one.rest, wrongRest(&h, one.pin, one.reviewed.groups)...)
			}
		}
		one.config = one.config && !slices.ContainsFunc(done, func(a act) bool { return a.configures() && a.After.Config == h.Config })
		one.aide = one.aide && !c.explainsAIDE(one.pin, done, h.AIDE, h.AIDESHA256)
		one.node = one.node && !c.explainsNode(one.pin, done, h.Node, h.NodeSHA256)
	}
}

// act is an action on one host.
type act struct {
	kind        ledger.Kind
	fingerprint string
	part        bool // of an acceptance: of one group
	force       bool
	ledger.Change
}

// renews says that an action takes a host as it is, by the word of who sent it. An init
// without force leaves alone what is there: that it ran explains nothing.
func (a act) renews() bool { return a.kind == ledger.Init && a.force }

func (a act) configures() bool { return a.kind == ledger.Configure || a.renews() }

// leadsTo says that the actions lead from the pinned baseline to another one, step by step.
// Actions of one second come in any order, so that each step looks through all that are left.
func leadsTo(pin ledger.Pin, done []act, baseline string) bool {
	now, former, left := pin.Baseline, slices.Clone(pin.Former), slices.Clone(done)
	for now != baseline {
		next := slices.IndexFunc(left, func(a act) bool {
			return a.After.Baseline != "" && a.After.Baseline != now && a.makes(pin, now, former)
		})
		if next < 0 {
			return false
		}
		former = append([]string{now}, former...)
		now = left[next].After.Baseline
		left = slices.Delete(left, next, next+1)
	}
	return true
}

// makes says that an action may have made the baseline that it claims, in place of the
// baseline now. What a part makes cannot be announced: the host has to name what it replaced.
func (a act) makes(pin ledger.Pin, now string, former []string) bool {
	switch a.kind {
	case ledger.Accept:
		if a.part {
			return a.Was == now
		}
		announced := a.Before.Next
		if announced == "" && pin.Fingerprint == a.fingerprint {
			announced = pin.Next
		}
		return a.After.Baseline == announced
	case ledger.Undo:
		return len(pin.Former) == 0 || slices.Contains(former, a.After.Baseline)
	}
	return a.renews()
}

// explainsAIDE says that a version or an action explains another AIDE.
func (c *Comparison) explainsAIDE(pin ledger.Pin, done []act, version, sha256 string) bool {
	return version != pin.AIDE || slices.ContainsFunc(done, func(a act) bool {
		return a.renews() && sha256 != "" && a.After.AIDESHA256 == sha256
	})
}

// explainsNode says that an install explains another node, or another version that a
// second host has too.
func (c *Comparison) explainsNode(pin ledger.Pin, done []act, version, sha256 string) bool {
	if version != pin.Node && (sha256 == "" || c.known[program{"aide-node", version, sha256}] > 1) {
		return true
	}
	return slices.ContainsFunc(done, func(a act) bool {
		if a.kind != ledger.Install {
			return false
		}
		if a.After.NodeSHA256 == "" || sha256 == "" { // an older document, or node, does not say it
			return version != pin.Node && a.After.Node == version
		}
		return a.After.NodeSHA256 == sha256
	})
}

// Tolerance is how much later than a sweep's request an action before it may be dated: its
// time is that of the caller's clock, a sweep's that of the service.
const Tolerance = 5 * time.Minute
