package cloud

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
)

// truth is what is true of a host after a check: the answer that an
// orchestrator must give.
type truth struct {
	Status  string `json:"status"` // "clean", "drift", "failed" or "missing"
	Reason  string `json:"reason,omitempty"`
	Added   *int   `json:"added,omitempty"`
	Removed *int   `json:"removed,omitempty"`
	Changed *int   `json:"changed,omitempty"`
}

// statsPath is where the lab says what it has seen.
const statsPath = "/lab/stats"

// serveStats answers how often each operation was called (refused calls among
// them), which faults there were, how many commands of each document were taken, the events
// on the bus, what was published to topics, and the truth about the simulated hosts that the last check was meant for: of
// all accounts and regions together.
func serveStats(w http.ResponseWriter, r *http.Request, clouds ...*Cloud) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	calls, faults, sent, bus := map[string]int{}, map[string]int{}, map[string]int{}, []busEvent(nil)
	var published []notification
	nodes, truths := make([][]*node, len(clouds)), make([][]truth, len(clouds))
	for i, c := range clouds {
		c.mu.Lock()
		c.advance()
		add(calls, c.calls)
		add(faults, c.faults)
		add(sent, c.sent)
		bus = append(bus, c.bus...)
		published = append(published, c.published...)
		nodes[i], truths[i] = c.truths()
		c.mu.Unlock()
	}

	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriter(w)
	defer func() { _ = out.Flush() }() // a client that has left needs no answer
	put := func(before string, v any) {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // plain values
		}
		_, _ = out.WriteString(before) // Flush says so too
		_, _ = out.Write(b)
	}
	put(`{"calls":`, calls)
	put(`,"faults":`, faults)
	put(`,"commands":`, sent)
	if len(bus) > 0 {
		put(`,"events":`, bus)
	}
	if len(published) > 0 {
		put(`,"published":`, published)
	}
	_, _ = out.WriteString(`,"truth":{`)
	separator := ""
	for i := range clouds {
		for n, t := range truths[i] {
			put(separator, nodes[i][n].ID)
			put(":", t)
			separator = ","
		}
	}
	_, _ = out.WriteString("}}")
}

func add(sum, counts map[string]int) {
	for key, n := range counts {
		sum[key] += n
	}
}

// part is what tells the commands of one run from each other, in their comments.
var part = regexp.MustCompile(` [0-9]+/[0-9]+`)

func run(comment string) string { return part.ReplaceAllLiteralString(comment, "") }

// truths are those about the simulated hosts that the last check was meant for,
// in the order of their ids. A check can be more than one command, with the same
// comment but for the part that it is, such as "1/3".
func (c *Cloud) truths() (nodes []*node, truths []truth) {
	var checks []*command
	for n := len(c.history) - 1; n >= 0; n-- {
		command := c.history[n]
		if command.DocumentName != c.config.Check {
			continue
		}
		if len(checks) > 0 && (command.Comment == "" || run(command.Comment) != run(checks[0].Comment)) {
			break
		}
		checks = append(checks, command)
	}
	if len(checks) == 0 {
		return nil, nil
	}
	for _, n := range c.sorted {
		if n.Host == nil {
			continue
		}
		for _, command := range checks {
			if command.meant(n) {
				nodes, truths = append(nodes, n), append(truths, c.truth(n, command.on(n.ID)))
				break
			}
		}
	}
	return nodes, truths
}

// meant says that a command was meant for a node, managed or not.
func (c *command) meant(n *node) bool {
	if len(c.InstanceIDs) > 0 || c.on(n.ID) != nil {
		return c.on(n.ID) != nil
	}
	return n.matches(c.Targets)
}

// truth is what is true of a node, given the check's invocation on it, if any.
func (c *Cloud) truth(n *node, i *invocation) truth {
	switch {
	case n.State != running:
		return truth{Status: "missing", Reason: "stopped"}
	case n.agent == nil:
		return truth{Status: "missing", Reason: "unmanaged"}
	case i == nil:
		return truth{Status: "missing", Reason: "not_targeted"}
	case !i.state.ended() && c.pingStatus(n) != "Online":
		return truth{Status: "missing", Reason: "agent_lost"}
	}
	switch i.state {
	case succeeded, failed:
		if i.course().End == WorkerDies {
			return truth{Status: "missing", Reason: "agent_failed"}
		}
		f := n.Host.Finding()
		if f.Status == "failed" {
			return truth{Status: f.Status, Reason: f.Reason}
		}
		return truth{Status: f.Status, Added: &f.Added, Removed: &f.Removed, Changed: &f.Changed}
	case undeliverable:
		return truth{Status: "missing", Reason: "undeliverable"}
	case deliveryTimedOut:
		return truth{Status: "missing", Reason: "delivery_timeout"}
	case executionTimedOut:
		return truth{Status: "missing", Reason: "execution_timeout"}
	case cancelled:
		return truth{Status: "missing", Reason: "cancelled"}
	case terminated:
		return truth{Status: "missing", Reason: "terminated"}
	}
	return truth{Status: "missing", Reason: "unfinished"}
}
