package suspect

import (
	"slices"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// Mark puts the new findings of this comparison on the hosts, and says which were seen for
// the first time. Findings that are open already come with Replace.
func (c *Comparison) Mark() {
	lone := c.lonePrograms()
	for i := range c.hosts {
		h := &c.hosts[i]
		h.Suspect, h.FirstSeen = nil, false
		a := c.answer(i)
		if a.Command == "" {
			continue
		}
		h.FirstSeen = !c.pinned[i]
		list := append(unsaid(*h), unpinned(*h)...)
		if one := c.changes[i]; one != nil {
			list = append(list, c.findings(i, one)...)
			if f, ok := lone[i]; ok {
				list = append(list, f)
			}
		} else if h.FirstSeen {
			list = append(list, replayed(*h, a, ledger.Pin{})...)
			list = append(list, removed(*h, ledger.Pin{}, a)...)
		}
		if f, ok := c.alone[i]; ok {
			list = append(list, f)
		}
		for n := range list {
			list[n].Since = a.Requested.UTC()
		}
		h.Suspect = list
		if h.Reason == report.Reason(result.BaselineMissing) && slices.ContainsFunc(list, isRemoved) {
			h.Reason = report.Reason(result.BaselineRemoved)
			h.Next = h.Reason.Next(h.Instance, a.Command)
		}
	}
}

func isRemoved(f report.Finding) bool { return f.Kind == report.RemovedBaseline }

// Replace writes the new pins: those of the hosts after this comparison, and all others as
// they are. Hosts get the findings that are still open.
func (c *Comparison) Replace(pins *ledger.Pins, put func(ledger.Pin) error) error {
	next := 0 // of the hosts in order
	before := func(instance string, all bool) error {
		for ; next < len(c.order) && (all || c.hosts[c.order[next]].Instance < instance); next++ {
			if pin, answered := c.first(c.order[next]); answered {
				if err := put(pin); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := pins.Each(func(pin ledger.Pin) error {
		if err := before(pin.Instance, false); err != nil {
			return err
		}
		if next < len(c.order) && c.hosts[c.order[next]].Instance == pin.Instance {
			pin = c.update(c.order[next], pin)
			next++
		}
		return put(pin)
	})
	if err != nil {
		return err
	}
	return before("", true)
}

// first is the pin of a host that has none; it gets none before it has answered.
func (c *Comparison) first(i int) (ledger.Pin, bool) {
	h, a := &c.hosts[i], c.answer(i)
	if a.Command == "" {
		return ledger.Pin{}, false
	}
	pin := ledger.Pin{Instance: h.Instance, FirstSeen: a.Requested.UTC()}
	c.claim(&pin, h, a)
	pin.Open = opened(nil, h.Suspect)
	return pin, true
}

// update is the pin of a host after this sweep. What an older command finds, or one whose
// answer the pin has already, changes nothing.
func (c *Comparison) update(i int, pin ledger.Pin) ledger.Pin {
	h, a := &c.hosts[i], c.answer(i)
	switch {
	case newer(a, pin):
		c.claim(&pin, h, a)
		if one := c.changes[i]; one != nil {
			pin.Open = one.reviewed.drop(pin.Open)
		}
		pin.Open = opened(pin.Open, h.Suspect)
	case a.Command == "" && a.Requested.After(pin.Seen) && pin.Status != string(h.Status):
		pin.Status, pin.Since = string(h.Status), a.Requested.UTC()
	}
	h.Suspect = findings(pin.Open)
	return pin
}

// claim takes over what a host says.
func (c *Comparison) claim(pin *ledger.Pin, h *report.Host, a Answer) {
	if pin.Status != string(h.Status) {
		pin.Status, pin.Since = string(h.Status), a.Requested.UTC()
	}
	pin.Name, pin.Seen, pin.Command = h.Name, a.Requested.UTC(), a.Command
	take := func(to *string, said string) {
		if said != "" {
			*to = said
		}
	}
	if h.Baseline != nil && h.Baseline.SHA256 != pin.Baseline {
		if pin.Baseline != "" {
			pin.Former = append([]string{pin.Baseline}, pin.Former...)
			pin.Former = pin.Former[:min(len(pin.Former), ledger.MaxFormer)]
		}
		pin.Baseline = h.Baseline.SHA256
	}
	take(&pin.Config, h.Config)
	if h.AIDE != "" {
		pin.AIDE, pin.AIDESHA256 = h.AIDE, h.AIDESHA256
	}
	if h.Node != "" {
		pin.Node, pin.NodeSHA256 = h.Node, h.NodeSHA256
	}
	take(&pin.Report, h.Report)
	if h.Counts != nil {
		pin.Next, pin.Fingerprint = h.NextBaseline, h.Fingerprint
		pin.Entries, pin.Changes, pin.Groups = entries(*h), h.Sum(), groupsOf(h)
	}
}

// opened are the findings that are open after a sweep: one of a kind, with the time and the
// state before of the first, and what the last one says.
func opened(open []ledger.Finding, found []report.Finding) []ledger.Finding {
	for _, f := range found {
		now := ledger.Finding{Kind: string(f.Kind), Message: f.Message, Since: f.Since, Was: f.Was, Is: f.Is}
		i := slices.IndexFunc(open, func(o ledger.Finding) bool { return o.Kind == now.Kind })
		if i < 0 {
			open = append(open, now)
			continue
		}
		now.Since, now.Was = open[i].Since, open[i].Was
		open[i] = now
	}
	return open
}

func findings(open []ledger.Finding) (list []report.Finding) {
	for _, f := range open {
		list = append(list, report.Finding{Kind: report.Suspicion(f.Kind), Message: f.Message, Since: f.Since, Was: f.Was, Is: f.Is})
	}
	return list
}
