package sweep

import (
	"context"
	"fmt"
	"time"

	"aidefleet/orchestrator/runcommand"
)

const (
	// afterCancel bounds what is done after an interrupt: cancel, wait briefly,
	// gather, for which each host adds a fiftieth of what a page may take.
	afterCancel     = 15 * time.Second
	afterCancelHost = 4 * time.Millisecond
	// cancelTime bounds the one call that cancels a command of which nothing is wanted.
	cancelTime = 10 * time.Second
)

// cancel ends a run whose context has ended before its commands did: it cancels them,
// unless that is left to others, and gathers what came in.
func (r *run) cancel(ctx context.Context) {
	r.interrupted = ctx.Err()
	sent := r.sent()
	if r.detached || len(sent) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	// All of them first: every moment more is work on hosts.
	sideBySide(sent, atOnce, func(c *command) {
		ctx, stop := context.WithTimeout(ctx, afterCancel)
		defer stop()
		c.notCancelled = runcommand.Cancel(ctx, r.Commands, c.ID)
	})
	sideBySide(sent, atOnce, func(c *command) {
		ctx, stop := context.WithTimeout(ctx, afterCancel+time.Duration(len(c.hosts))*afterCancelHost)
		defer stop()
		if c.notCancelled == nil {
			if now, err := runcommand.Watch(ctx, r.Commands, c.Command, r.pace, 0, afterCancel/3, runcommand.Command.Done); err == nil {
				c.Command = now
			}
		}
		c.lost = runcommand.Invocations(ctx, r.Commands, c.ID, r.learn(c))
		r.readCut(ctx, c)
	})
}

// InterruptedError says that the context ended before the commands did, and what
// became of them. The report beside it holds what came in until then; nothing of it
// was published, but of the accounts and regions that had ended before.
type InterruptedError struct {
	CommandID string // the first of those that had not ended
	Commands  int    // how many those are
	Concluded int    // accounts and regions that had ended
	Cancel    error  // why a command could not be cancelled, nil if all were
	Why       error  // the error of the context
}

func (e *InterruptedError) Error() string {
	if e.Commands > 1 && e.Cancel != nil {
		return fmt.Sprintf("interrupted; of %d commands not all were cancelled: %v", e.Commands, e.Cancel)
	}
	published := "nothing was published"
	if e.Concluded > 0 {
		published = fmt.Sprintf("only %d accounts and regions that had ended were published", e.Concluded)
	}
	if e.CommandID == "" {
		return "interrupted; " + published
	}
	if e.Commands > 1 {
		return fmt.Sprintf("interrupted; %d commands were cancelled and %s", e.Commands, published)
	}
	if e.Cancel != nil {
		return fmt.Sprintf("interrupted; command %s goes on: %v", e.CommandID, e.Cancel)
	}
	return fmt.Sprintf("interrupted; command %s was cancelled and %s", e.CommandID, published)
}

// interruption is the error of runs of which some were interrupted, nil if none was.
func interruption(runs []*run) *InterruptedError {
	var e *InterruptedError
	concluded := 0
	for _, r := range runs {
		if r.interrupted == nil {
			concluded++
			continue
		}
		if e == nil {
			e = &InterruptedError{Why: r.interrupted}
		}
		for _, c := range r.sent() {
			if e.Commands++; e.Commands == 1 {
				e.CommandID = c.ID
			}
			if e.Cancel == nil {
				e.Cancel = c.notCancelled
			}
		}
	}
	if e != nil {
		e.Concluded = concluded
	}
	return e
}

// abandon cancels a command of which nothing is wanted any more.
func (r *run) abandon(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer stop()
	return &AbandonedError{CommandID: id, Cancel: runcommand.Cancel(ctx, r.Commands, id)}
}

// AbandonedError says that the context ended before a command that changes
// nothing on the hosts did.
type AbandonedError struct {
	CommandID string
	Cancel    error // why the command could not be cancelled, nil if it was
}

func (e *AbandonedError) Error() string {
	if e.Cancel != nil {
		return "interrupted; command " + e.CommandID + " goes on: " + e.Cancel.Error()
	}
	return "interrupted; command " + e.CommandID + " was cancelled"
}
