package sweep

import (
	"context"
	"maps"
	"sync"
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

// stragglers is how many hosts may be without an answer when the others are
// read, and are read by themselves later, a call each: a tenth of the pages.
func stragglers(targeted int) int { return targeted / (10 * runcommand.PageSize) }

// watch returns when the command is done, or when the only hosts without an
// answer are those whose agents are silent. What the others said is read while
// the last few are at work, so that the report does not wait for it at the end.
func (s *sweep) watch(ctx context.Context, c runcommand.Command, hosts []fleet.Host) (runcommand.Command, []fleet.Host, map[string]runcommand.Invocation, error) {
	var answers map[string]runcommand.Invocation
	began := s.now()
	for patience := firstRecheck; ; patience = min(2*patience, lastRecheck) {
		silent, ahead := silentHosts(hosts, answers), answers == nil
		settled := func(now runcommand.Command) bool {
			if s.Progress != nil {
				s.Progress(now.Completed, now.Targeted)
			}
			left := now.Targeted - now.Completed - silent
			return now.Targeted > 0 && (left <= 0 || ahead && left <= stragglers(now.Targeted))
		}
		now, err := runcommand.Watch(ctx, s.Commands, c, s.Pace, s.now().Sub(began), patience, settled)
		c = now
		if err != nil {
			return c, hosts, answers, err
		}
		if c.Done() || settled(c) {
			found, err := s.read(ctx, c, answers)
			answers = newer(answers, found)
			if err != nil {
				return c, hosts, answers, err
			}
			if c.Done() || c.AllListed(answers) && allAnswered(hosts, answers) {
				return c, hosts, answers, nil
			}
			if ahead {
				continue // the last few hosts are still at work
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

// newer are all answers that were ever read, each as it was read last.
func newer(before, now map[string]runcommand.Invocation) map[string]runcommand.Invocation {
	if before == nil {
		return now
	}
	maps.Copy(before, now)
	return before
}

// read reads what the hosts said. Where all but a few had ended when that was
// done before, only those are asked for.
func (s *sweep) read(ctx context.Context, c runcommand.Command, before map[string]runcommand.Invocation) (map[string]runcommand.Invocation, error) {
	if before == nil || len(before) < c.Targeted {
		return runcommand.Complete(ctx, s.Commands, c, s.Pace)
	}
	var late []string
	for id, i := range before {
		if i.Status == runcommand.Unfinished {
			late = append(late, id)
		}
	}
	if len(late) > stragglers(c.Targeted) {
		return runcommand.Complete(ctx, s.Commands, c, s.Pace)
	}
	var mu sync.Mutex
	ended, failed := 0, false
	each(late, func(id string) {
		i, err := runcommand.InvocationOn(ctx, s.Commands, c.ID, id)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			failed = true
		case i.Status != runcommand.Unfinished:
			ended++
			before[id] = i
		}
	})
	if failed || c.Done() && ended < len(late) {
		return runcommand.Complete(ctx, s.Commands, c, s.Pace)
	}
	return before, nil
}
