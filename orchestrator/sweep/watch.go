package sweep

import (
	"context"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/runcommand"
)

const (
	// firstRecheck is how long nothing may be settled before the agents of the
	// hosts are looked at again; lastRecheck is what that grows to. An agent that
	// died in the middle of a check would be waited for until the command expires.
	firstRecheck = 10 * time.Second
	lastRecheck  = 5 * time.Minute
)

// watch is a stage: it waits for the commands side by side, until each is
// over, or the only hosts without an answer are those whose agents are silent.
func (r *run) watch(ctx context.Context) {
	if r.wait > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.wait)
		defer stop()
	}
	sideBySide(r.sent(), atOnce, func(c *command) { c.lost = r.watchCommand(ctx, c) })
}

// watchCommand reads what most hosts said while the last few are at work, so that
// the report does not wait for it at the end.
func (r *run) watchCommand(ctx context.Context, c *command) error {
	began := r.now()
	for patience := firstRecheck; ; patience = min(2*patience, lastRecheck) {
		silent, ahead := silentHosts(c.hosts, c.answers), c.answers == nil
		settled := func(now runcommand.Command) bool {
			r.observer.progress(c, now.Completed, now.Targeted)
			r.glanceAt(ctx, c, now)
			left := now.Targeted - now.Completed - silent
			return now.Targeted > 0 && (left <= 0 || ahead && left <= stragglers(now.Targeted))
		}
		now, err := runcommand.Watch(ctx, r.Commands, c.Command, r.pace, r.now().Sub(began), patience, settled)
		c.Command = now
		if err != nil || c.Done() {
			return err
		}
		if settled(now) {
			err := r.readCommand(ctx, c)
			if err != nil || c.AllListed(len(c.answers)) && allAnswered(c.hosts, c.answers) {
				return err
			}
			if ahead {
				continue // the last few hosts are still at work
			}
			if err := r.pace.Wait(ctx, r.pace.First); err != nil {
				return err
			}
		}
		if again, err := fleet.Find(ctx, r.Fleet, c.selector); err == nil {
			c.hosts = again
		} else if ctx.Err() != nil {
			return err
		}
	}
}

// stragglers is how many hosts may be without an answer when the others are
// read, and are read by themselves later, a call each: a tenth of the pages.
func stragglers(targeted int) int { return targeted / (10 * runcommand.PageSize) }

// silentHosts counts the hosts that were sent the command and will not answer
// it soon; before the first answers are read, all silent hosts may be such.
func silentHosts(hosts []fleet.Host, answers map[string]answer) (n int) {
	for _, h := range hosts {
		if a, sent := answers[h.ID]; answers != nil && (!sent || a.Status != runcommand.Unfinished) {
			continue
		}
		if h.Ping != "" && h.Unreachable() != "" {
			n++
		}
	}
	return n
}

// allAnswered says that every host that can be reached has ended the command.
func allAnswered(hosts []fleet.Host, answers map[string]answer) bool {
	for _, h := range hosts {
		if a, sent := answers[h.ID]; sent && a.Status == runcommand.Unfinished && h.Unreachable() == "" {
			return false
		}
	}
	return true
}
