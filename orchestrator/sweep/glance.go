package sweep

import (
	"context"
	"maps"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// How often answers are read while a command goes on, for whoever watches it at a terminal:
// not before firstGlance, and so seldom that it costs a twentieth of the time. A short sweep
// shows its report alone.
const (
	firstGlance = 10 * time.Second
	glanceShare = 20
)

// glance is what was read of a command while it went on.
type glance struct {
	next  time.Time
	ended int // hosts that had ended at the last look
	seen  map[string]bool
}

// glanceAt shows hosts that changed, failed or are suspect as they answer. What cannot be
// read is shown by the report.
func (r *run) glanceAt(ctx context.Context, c *command, now runcommand.Command) {
	g := &c.glance
	switch at := r.now(); {
	case r.observer.onFound == nil:
		return
	case g.seen == nil:
		g.seen, g.next = map[string]bool{}, at.Add(firstGlance)
		return
	case at.Before(g.next), now.Completed == g.ended:
		return
	}
	began := r.now()
	hosts := make(map[string]fleet.Host, len(c.hosts))
	for _, h := range c.hosts {
		hosts[h.ID] = h
	}
	var found []report.Host
	seen := maps.Clone(g.seen)
	err := runcommand.Invocations(ctx, r.Commands, c.ID, func(i runcommand.Invocation) {
		if i.Status == runcommand.Unfinished || seen[i.Instance] {
			return
		}
		seen[i.Instance] = true
		h, known := hosts[i.Instance]
		if !known {
			h = fleet.Host{ID: i.Instance, Name: i.Name, Ping: "Online"}
		}
		if a := decode(i); a.bad == nil || !isCut(a.Output) {
			found = append(found, r.host(h, a, c))
		}
	})
	g.ended, g.next = now.Completed, r.now().Add(max(firstGlance, glanceShare*r.now().Sub(began)))
	if err != nil {
		return // the next look shows them
	}
	g.seen = seen
	r.suspectEarly(ctx, c, found)
	var worth []report.Host
	for _, h := range found {
		if h.Status != report.Clean || len(h.Suspect) > 0 {
			worth = append(worth, h)
		}
	}
	if len(worth) > 0 {
		r.observer.found(worth)
	}
}

// suspectEarly marks the hosts of a command that differ from their pins, and writes none.
func (r *run) suspectEarly(ctx context.Context, c *command, hosts []report.Host) {
	if r.ledger == nil || r.down != nil || len(hosts) == 0 {
		return
	}
	part := &run{Region: r.Region, settings: r.settings, hosts: r.hosts, commands: []*command{c}}
	part.report = report.Report{Started: c.Requested.UTC(), Hosts: hosts}
	_ = part.markEarly(ctx) // the sweep itself says what keeps it from being compared
}
