package sweep

import (
	"sync"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// observer tells an operator what was sent, and how far all commands together are. Its calls come one at a time.
type observer struct {
	onSent     func(c runcommand.Command, hosts, reachable int)
	onProgress func(completed, targeted int)
	onFound    func([]report.Host)

	mu    sync.Mutex
	state map[*command]counts
}

// counts are numbers of hosts.
type counts struct{ completed, targeted int }

func (o *observer) sent(c *command) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == nil {
		o.state = map[*command]counts{}
	}
	o.state[c] = counts{targeted: reachable(c.hosts)} // until the service has counted them
	if o.onSent != nil {
		o.onSent(c.Command, len(c.hosts), reachable(c.hosts))
	}
}

// found tells of hosts that have answered and are not clean.
func (o *observer) found(hosts []report.Host) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.onFound(hosts)
}

func (o *observer) progress(c *command, completed, targeted int) {
	if o.onProgress == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == nil {
		o.state = map[*command]counts{}
	}
	if targeted > 0 {
		o.state[c] = counts{completed, targeted}
	}
	var all counts
	for _, n := range o.state {
		all.completed, all.targeted = all.completed+n.completed, all.targeted+n.targeted
	}
	o.onProgress(all.completed, all.targeted)
}
