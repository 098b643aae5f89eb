// Package suspect compares what hosts say of their baseline, configuration and programs
// with what they said before, and with what was done to them since. A host that differs,
// and nothing explains it, is suspect.
//
// The rules, by host:
//
//   - A new baseline is explained by the actions of ours since the host was seen last: an
//     acceptance only if it is the very database that the accepted check announced, or if it
//     was of one group and took the place of the baseline before; an init only if it was to
//     replace the baseline.
//   - A new configuration is explained by configure, and by an init that was to replace the
//     baseline.
//   - Another AIDE is explained by another version number, another node by an install, or
//     by another version number if a second host has the same program.
//   - A group of changes that is new on a host, and that none of the others shows, is
//     suspect if at least report.FewestToCompare hosts answered. Changes that are unique by
//     nature are not, nor is a held host. What packages explain is only if another host has
//     the same packages.
//   - What is said for the first time is trusted.
//
// Findings stay until somebody acknowledges them; lone changes also until they are accepted.
package suspect

import (
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// Answer says which command a host answered, and when that was requested.
type Answer struct {
	Command   string
	Requested time.Time
}

// Comparison is the hosts of one account and region beside their pins.
type Comparison struct {
	hosts  []report.Host
	answer func(i int) Answer
	order  []int // of the hosts by instance

	pinned  []bool          // hosts that had a pin before this command
	changes map[int]*change // hosts that say something else than their pin
	known   map[program]int // hosts that have a program now, or had it
	lone    *report.Lone
	alone   map[int]report.Finding // of new changes that one host alone has
	copied  map[string]string      // instance whose baseline it is, by digest
	peers   map[program]digest     // what became of a program
}

// program is AIDE or a node, as hosts tell of it.
type program struct{ what, version, sha256 string }

// digest counts the programs that hosts with the same program before have now.
type digest map[program]int

// change is a host that says something else than its pin.
type change struct {
	pin      ledger.Pin
	baseline bool // another baseline
	config   bool
	aide     bool
	node     bool
	replaced bool // the baseline, by what explains it
	reviewed reviewed
	rest     []report.Finding
}

// New compares hosts. answer says which command a host answered; of one that did not, only
// when that was requested.
func New(hosts []report.Host, answer func(i int) Answer) *Comparison {
	c := &Comparison{hosts: hosts, answer: answer, order: make([]int, len(hosts)), lone: report.FindLone(hosts)}
	for i := range hosts {
		c.order[i] = i
	}
	slices.SortFunc(c.order, func(a, b int) int { return strings.Compare(hosts[a].Instance, hosts[b].Instance) })
	return c
}

// Read compares each host with its pin. It returns the time since which actions may explain
// a difference; zero if there is none to explain.
func (c *Comparison) Read(pins *ledger.Pins) (since time.Time, err error) {
	c.pinned, c.changes = make([]bool, len(c.hosts)), map[int]*change{}
	c.alone = map[int]report.Finding{}
	c.known, c.copied, c.peers = map[program]int{}, map[string]string{}, map[program]digest{}
	for i := range c.hosts {
		for _, p := range programs(&c.hosts[i]) {
			c.known[p]++
		}
	}
	at := 0
	err = pins.Each(func(pin ledger.Pin) error {
		for at < len(c.order) && c.hosts[c.order[at]].Instance < pin.Instance {
			at++
		}
		if at == len(c.order) || c.hosts[c.order[at]].Instance != pin.Instance {
			return nil
		}
		i := c.order[at]
		a := c.answer(i)
		c.pinned[i] = pin.Command != a.Command || !pin.FirstSeen.Equal(a.Requested) // else it is collected again
		if f, ok := c.loneChange(i, pin); ok {
			c.alone[i] = f
		}
		if one := c.compare(i, pin); one != nil {
			c.changes[i] = one
			if one.unexplained() && (since.IsZero() || pin.Seen.Before(since)) {
				since = pin.Seen
			}
		}
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	return since, c.findCopies(pins)
}

// compare returns what a host says otherwise than its pin; nil if nothing.
func (c *Comparison) compare(i int, pin ledger.Pin) *change {
	h, a := c.hosts[i], c.answer(i)
	if !newer(a, pin) {
		return nil
	}
	c.follow(&c.hosts[i], pin)
	one := &change{pin: pin}
	if h.Baseline != nil && pin.Baseline != "" && h.Baseline.SHA256 != pin.Baseline {
		one.baseline = true
	}
	one.config = h.Config != "" && pin.Config != "" && h.Config != pin.Config
	one.aide = differs(h.AIDE, h.AIDESHA256, pin.AIDE, pin.AIDESHA256)
	one.node = differs(h.Node, h.NodeSHA256, pin.Node, pin.NodeSHA256)
	one.rest = slices.Concat(replayed(h, a, pin), dropped(h, pin, one.baseline || one.config), removed(h, pin, a))
	if !one.unexplained() && len(one.rest) == 0 {
		return nil
	}
	return one
}

func (c *change) unexplained() bool { return c.baseline || c.config || c.aide || c.node }

// newer says that a host answered something since its pin was written.
func newer(a Answer, pin ledger.Pin) bool {
	return a.Command != "" && a.Command != pin.Command && a.Requested.After(pin.Seen)
}

// differs says that a host has another program. One that it stops naming is another,
// unless its version is too: older nodes name none.
func differs(version, sha256, wasVersion, was string) bool {
	if was == "" || version == "" || sha256 == was {
		return false
	}
	return sha256 != "" || version == wasVersion
}

// programs are those that a host names.
func programs(h *report.Host) (list []program) {
	if h.AIDESHA256 != "" {
		list = append(list, program{"AIDE", h.AIDE, h.AIDESHA256})
	}
	if h.NodeSHA256 != "" {
		list = append(list, program{"aide-node", h.Node, h.NodeSHA256})
	}
	return list
}

// follow counts what became of the programs that hosts had.
func (c *Comparison) follow(h *report.Host, pin ledger.Pin) {
	before := report.Host{AIDE: pin.AIDE, AIDESHA256: pin.AIDESHA256, Node: pin.Node, NodeSHA256: pin.NodeSHA256}
	for _, was := range programs(&before) {
		for _, is := range programs(h) {
			if was.what != is.what {
				continue
			}
			if c.peers[was] == nil {
				c.peers[was] = digest{}
			}
			c.peers[was][is]++
		}
	}
}

// findCopies looks for the hosts whose baselines others have now.
func (c *Comparison) findCopies(pins *ledger.Pins) error {
	wanted := map[string]bool{}
	for i, one := range c.changes {
		if one.baseline {
			wanted[c.hosts[i].Baseline.SHA256] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return pins.Each(func(pin ledger.Pin) error {
		if wanted[pin.Baseline] {
			c.copied[pin.Baseline] = pin.Instance
		}
		return nil
	})
}

// Unexplained says that a difference has no explanation yet.
func (c *Comparison) Unexplained() bool {
	for _, one := range c.changes {
		if one.unexplained() {
			return true
		}
	}
	return false
}
