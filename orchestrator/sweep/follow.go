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

	// afterCancel bounds what is done after an interrupt: cancel, wait briefly,
	// gather, for which each host adds a fiftieth of what a page may take.
	afterCancel     = 15 * time.Second
	afterCancelHost = 4 * time.Millisecond
)

// watch returns when the command is done, or when the only hosts without an
// answer are those whose agents are silent.
func (s *sweep) watch(ctx context.Context, c runcommand.Command, hosts []fleet.Host) (runcommand.Command, []fleet.Host, map[string]runcommand.Invocation, error) {
	var answers map[string]runcommand.Invocation
	began := s.now()
	for patience := firstRecheck; ; patience = min(2*patience, lastRecheck) {
		silent := silentHosts(hosts, answers)
		settled := func(now runcommand.Command) bool {
			if s.Progress != nil {
				s.Progress(now.Completed, now.Targeted)
			}
			return now.Targeted > 0 && now.Completed >= now.Targeted-silent
		}
		now, err := runcommand.Watch(ctx, s.Commands, c, s.Pace, s.now().Sub(began), patience, settled)
		c = now
		if err != nil {
			return c, hosts, answers, err
		}
		if c.Done() || settled(c) {
			if answers, err = runcommand.Complete(ctx, s.Commands, c, s.Pace); err != nil {
				return c, hosts, answers, err
			}
			if c.Done() || allAnswered(hosts, answers) {
				return c, hosts, answers, nil
			}
			if err := s.Pace.Wait(ctx, s.Pace.First); err != nil {
				return c, hosts, answers, err
			}
		}
		if again, err := fleet.Find(ctx, s.Fleet, s.Selector); err == nil {
			hosts = again
		} else if ctx.Err() != nil {
			return c, hosts, answers, err
		}
	}
}

// silentHosts counts the hosts that were sent the command and will not answer
// it soon; before the first answers are read, all silent hosts may be such.
func silentHosts(hosts []fleet.Host, answers map[string]runcommand.Invocation) (n int) {
	for _, h := range hosts {
		if i, sent := answers[h.ID]; answers != nil && (!sent || i.Status != runcommand.Unfinished) {
			continue
		}
		if h.Ping != "" && h.Unreachable() != "" {
			n++
		}
	}
	return n
}

// allAnswered says that every host that can be reached has ended the command.
func allAnswered(hosts []fleet.Host, answers map[string]runcommand.Invocation) bool {
	for _, h := range hosts {
		if i, sent := answers[h.ID]; sent && i.Status == runcommand.Unfinished && h.Unreachable() == "" {
			return false
		}
	}
	return true
}
