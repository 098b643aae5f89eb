package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"aidefleet/node/result"
	"aidefleet/orchestrator/runcommand"
)

// answer is what became of a command on one host, with what the host said.
type answer struct {
	runcommand.Invocation
	line result.Line
	bad  error // why the output is no result line
}

// gather is the fourth stage: it reads what watching has not, and decodes it.
func (r *run) gather(ctx context.Context) {
	r.readAll(ctx)
	sideBySide(r.sent(), atOnce, func(c *command) { r.decode(ctx, c) })
	if err := r.lost(); err != nil && ctx.Err() == nil {
		r.errs = append(r.errs, err)
	}
}

// readAll reads what the hosts said to each command, as far as watching has not.
func (r *run) readAll(ctx context.Context) {
	sideBySide(r.sent(), atOnce, func(c *command) {
		switch {
		case c.lost == nil && c.Done():
			c.lost = r.read(ctx, c)
		case errors.Is(c.lost, context.DeadlineExceeded) && ctx.Err() == nil: // Wait is over
			var found map[string]runcommand.Invocation
			found, c.lost = runcommand.Invocations(ctx, r.Commands, c.ID)
			c.learn(found)
		}
		if c.lost == nil && c.Done() && !c.AllListed(len(c.invocations)) {
			c.lost = fmt.Errorf("command %s has ended on %d hosts, of which the service lists %d", c.ID, c.Targeted, len(c.invocations))
		}
	})
}

// learn takes what was read now over what was read before.
func (c *command) learn(now map[string]runcommand.Invocation) {
	if c.invocations == nil {
		c.invocations = now
		return
	}
	maps.Copy(c.invocations, now)
}

// read reads what the hosts said. If all but a few had ended when that was done
// before, only those are asked for.
func (r *run) read(ctx context.Context, c *command) error {
	if late, few := c.late(); few {
		if r.readOnly(ctx, c, late) {
			return nil
		}
	}
	found, err := runcommand.Complete(ctx, r.Commands, c.Command, r.pace)
	c.learn(found)
	return err
}

// late are the hosts that had not ended when all were read, and whether those are
// few.
func (c *command) late() (late []string, few bool) {
	if c.invocations == nil || len(c.invocations) < c.Targeted {
		return nil, false
	}
	for id, i := range c.invocations {
		if i.Status == runcommand.Unfinished {
			late = append(late, id)
		}
	}
	return late, len(late) <= stragglers(c.Targeted)
}

// readOnly asks for some hosts, a call each. It is false if that does not tell all
// that can be told.
func (r *run) readOnly(ctx context.Context, c *command, ids []string) bool {
	var mu sync.Mutex
	ended, failed := 0, false
	sideBySide(ids, atOnce, func(id string) {
		i, err := runcommand.InvocationOn(ctx, r.Commands, c.ID, id)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			failed = true
		case i.Status != runcommand.Unfinished:
			ended++
			c.invocations[id] = i
		}
	})
	return !failed && (!c.Done() || ended == len(ids))
}

// decode decodes what the hosts of a command said. If the list has cut a result
// line, the host's whole output is read, a call each: a line of the node always fits.
func (r *run) decode(ctx context.Context, c *command) {
	c.answers = make(map[string]answer, len(c.invocations))
	var cut []string
	for id, i := range c.invocations {
		a := answer{Invocation: i}
		if i.Status == runcommand.Answered {
			a.decode(i.Output)
			if a.bad != nil && isCut(i.Output) {
				cut = append(cut, id)
			}
		}
		c.answers[id] = a
	}
	c.invocations = nil // what they hold is in answers
	var mu sync.Mutex
	sideBySide(cut, atOnce, func(id string) {
		whole, err := runcommand.Whole(ctx, r.Commands, c.ID, id)
		if err != nil {
			return // what there is of the line is bad output
		}
		line, _, _ := strings.Cut(whole.Stdout, "\n")
		mu.Lock()
		defer mu.Unlock()
		a := c.answers[id]
		a.decode(strings.Clone(line[:min(len(line), result.MaxBytes+1)])) // longer is no result line
		c.answers[id] = a
	})
}

// decode reads the result line of an output. What is one needs no more room.
func (a *answer) decode(output string) {
	a.line, a.bad = result.Parse([]byte(output))
	if a.Output = output; a.bad == nil {
		a.Output = ""
	}
}

// isCut says that an output that is no result line begins like one and ends in its
// first line.
func isCut(output string) bool {
	return strings.HasPrefix(output, "{") && !strings.Contains(output, "\n") && !json.Valid([]byte(output))
}
