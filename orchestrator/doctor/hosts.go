package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Host is what one host answered to `aide-node doctor`, or why it did not.
type Host struct {
	ID, Name string
	Output   string // untrusted; its first line is JSON
	Reason   string // why there is no answer; empty if there is one
	Next     string // what to do about the reason
}

func (h Host) label() string {
	if h.Name == "" {
		return h.ID
	}
	return h.Name
}

// diagnosis is the first line of `aide-node doctor`; docs/node.md describes it.
// A host without aide-node, or with one that is too old, says Reason instead.
type diagnosis struct {
	V       int         `json:"v"`
	Status  string      `json:"status"`
	Reason  string      `json:"reason"`
	Message string      `json:"message"`
	Checks  []hostCheck `json:"checks"`
}

type hostCheck struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Next    string `json:"next"`
}

// group is one problem that some hosts have.
type group struct {
	name    string // of the host's check
	status  Status
	reason  string
	message string // of the first host
	next    string
	hosts   []Host
}

// Hosts sums up what the hosts said: one finding for each problem, with the hosts that have
// it. next says what to do about a reason on a host, or is empty.
func Hosts(hosts []Host, next func(reason, id string) string) []Finding {
	var groups []*group
	well := 0
	for _, h := range hosts {
		wrong := h.wrong()
		if len(wrong) == 0 {
			well++
		}
		for _, w := range wrong {
			i := slices.IndexFunc(groups, func(g *group) bool { return g.name == w.name && g.status == w.status && g.reason == w.reason })
			if i < 0 {
				i, groups = len(groups), append(groups, &w)
			}
			groups[i].hosts = append(groups[i].hosts, h)
		}
	}
	found := []Finding{{Status: OK, Message: fmt.Sprintf("%d of %d have nothing wrong", well, len(hosts))}}
	slices.SortStableFunc(groups, func(a, b *group) int { return order[a.status] - order[b.status] })
	for _, g := range groups {
		found = append(found, g.finding(next))
	}
	return found
}

var order = map[Status]int{Failed: 0, Warning: 1}

// wrong is what is wrong with a host, by what it said.
func (h Host) wrong() []group {
	if h.Reason != "" {
		return []group{{name: "reach", status: Failed, reason: h.Reason, next: h.Next}}
	}
	first, _, _ := strings.Cut(h.Output, "\n")
	var d diagnosis
	if err := json.Unmarshal([]byte(first), &d); err != nil || d.V != 1 || d.Status == "" {
		return []group{{name: "aide-node", status: Failed, reason: "bad_output", message: excerpt(h.Output)}}
	}
	if len(d.Checks) == 0 {
		if d.Status == string(OK) {
			return nil
		}
		return []group{{name: "aide-node", status: Failed, reason: d.Reason, message: hostSays(d.Message)}}
	}
	var wrong []group
	for _, c := range d.Checks {
		if c.Status != string(OK) {
			w := group{name: c.Name, status: Warning, reason: c.Reason, message: hostSays(c.Message), next: hostSays(c.Next)}
			if c.Status == string(Failed) {
				w.status = Failed
			}
			wrong = append(wrong, w)
		}
	}
	return wrong
}

// hostSays marks a text as a host's own.
func hostSays(text string) string {
	if text == "" {
		return ""
	}
	return "host says: " + text
}

func (g *group) finding(next func(reason, id string) string) Finding {
	names := make([]string, 0, len(g.hosts))
	for _, h := range g.hosts {
		names = append(names, h.label())
	}
	f := Finding{Name: g.name, Status: g.status, Message: some(names)}
	if g.reason != "" {
		f.Message += ": " + g.reason
	}
	if g.message != "" {
		f.Message += ": " + g.message
	}
	if f.Next = next(g.reason, g.hosts[0].ID); f.Next == "" || g.reason == "" {
		f.Next = g.next
	}
	return f
}

// excerpt is the beginning of an output that makes no sense.
func excerpt(s string) string {
	r := []rune(strings.ToValidUTF8(s, "\ufffd"))
	if len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return string(r)
}
