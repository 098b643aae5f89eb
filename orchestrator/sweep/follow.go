package sweep

import (
	"context"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

const (
	// firstRecheck is how long nothing may be settled before the agents of the
	// hosts are looked at again; lastRecheck is what that grows to. An agent that
	// died in the middle of a check would be waited for until the command expires.
	firstRecheck = 10 * time.Second
	lastRecheck  = 5 * time.Minute

	// afterCancel bounds what is done after an interrupt: cancel, wait briefly,
	// gather.
	afterCancel = 15 * time.Second
)

// follow watches the command until every host that can answer has answered, and
// concludes.
func (s *sweep) follow(ctx context.Context, c runcommand.Command, hosts []fleet.Host) (report.Report, error) {
	wctx, cancel := ctx, context.CancelFunc(func() {})
	if s.Wait > 0 {
		wctx, cancel = context.WithTimeout(ctx, s.Wait)
	}
	defer cancel()

	last, lastHosts, answers, err := s.watch(wctx, c, hosts)
	switch {
	case ctx.Err() != nil:
		return s.interrupted(ctx, last, lastHosts)
	case wctx.Err() != nil:
		answers, err = runcommand.Invocations(ctx, s.Commands, c.ID)
	}
	if err != nil {
		return report.Report{}, fmt.Errorf("lost sight of the command, which goes on; orchestrator collect --command-id %s picks it up: %w", c.ID, err)
	}
	return s.conclude(ctx, last, lastHosts, answers)
}

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

// interrupted cancels the command and reports what came in.
func (s *sweep) interrupted(ctx context.Context, c runcommand.Command, hosts []fleet.Host) (report.Report, error) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), afterCancel)
	defer stop()
	e := &InterruptedError{CommandID: c.ID, Cancel: runcommand.Cancel(ctx, s.Commands, c.ID)}
	if e.Cancel == nil {
		done := func(now runcommand.Command) bool { return now.Done() }
		if now, err := runcommand.Watch(ctx, s.Commands, c, s.Pace, 0, afterCancel/3, done); err == nil {
			c = now
		}
	}
	answers, err := runcommand.Invocations(ctx, s.Commands, c.ID)
	if err != nil {
		return report.Report{}, e
	}
	return s.judge(c, hosts, answers), e
}
