package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unique"

	"aidefleet/node/result"
	"aidefleet/orchestrator/runcommand"
)

// answer is what became of a command on one host, with what the host said. Of a result
// line the output is not kept: that of a large fleet would take more room than all else.
type answer struct {
	runcommand.Invocation
	line result.Line
	bad  error // why the output is no result line
}

// decode reads the result line of a host that answered.
func decode(i runcommand.Invocation) answer {
	a := answer{Invocation: i}
	if i.Status == runcommand.Answered {
		if a.line, a.bad = result.Parse([]byte(i.Output)); a.bad == nil {
			a.Output = ""
			share(&a.line.AIDE, &a.line.AIDESHA256, &a.line.Node, &a.line.NodeSHA256, &a.line.Config)
		}
	}
	return a
}

// share lets hosts that say the same share the text.
func share(texts ...*string) {
	for _, t := range texts {
		*t = unique.Make(*t).Value()
	}
}

// gather is a stage: it reads what watching has not.
func (r *run) gather(ctx context.Context) {
	r.read(ctx)
	sideBySide(r.sent(), atOnce, func(c *command) { r.readCut(ctx, c) })
	if err := r.lost(); err != nil && ctx.Err() == nil {
		r.errs = append(r.errs, err)
	}
}

// read reads what the hosts said to each command, as far as watching has not.
func (r *run) read(ctx context.Context) {
	sideBySide(r.sent(), atOnce, func(c *command) {
		switch {
		case c.lost == nil && c.Done():
			c.lost = r.readCommand(ctx, c)
		case errors.Is(c.lost, context.DeadlineExceeded) && ctx.Err() == nil: // Wait is over
			c.lost = runcommand.Invocations(ctx, r.Commands, c.ID, r.learn(c))
		}
		if c.lost == nil && c.Done() && !c.AllListed(len(c.answers)) {
			c.lost = fmt.Errorf("command %s has ended on %d hosts, of which the service lists %d", c.ID, c.Targeted, len(c.answers))
		}
	})
}

// learn takes what is read now over what was read before.
func (r *run) learn(c *command) func(runcommand.Invocation) {
	if c.answers == nil {
		c.answers = make(map[string]answer, len(c.hosts))
	}
	return func(i runcommand.Invocation) {
		if r.raw {
			c.answers[i.Instance] = answer{Invocation: i}
		} else {
			c.answers[i.Instance] = decode(i)
		}
	}
}

// readCommand reads what the hosts said to one command. If all but a few had ended when
// that was done before, only those are asked for.
func (r *run) readCommand(ctx context.Context, c *command) error {
	if late, few := c.late(); few && r.readHosts(ctx, c, late) {
		return nil
	}
	return runcommand.Complete(ctx, r.Commands, c.Command, r.pace, r.learn(c))
}

// late are the hosts that had not ended when all were read, and whether those are
// few.
func (c *command) late() (late []string, few bool) {
	if c.answers == nil || len(c.answers) < c.Targeted {
		return nil, false
	}
	for id, a := range c.answers {
		if a.Status == runcommand.Unfinished {
			late = append(late, id)
		}
	}
	return late, len(late) <= stragglers(c.Targeted)
}

// readHosts asks for some hosts, a call each. It is false if that does not tell all
// that can be told.
func (r *run) readHosts(ctx context.Context, c *command, ids []string) bool {
	learn := r.learn(c)
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
			learn(i)
		}
	})
	return !failed && (!c.Done() || ended == len(ids))
}

// readCut reads the whole output of the hosts whose result line the list has cut, a
// call each: a line of the node always fits.
func (r *run) readCut(ctx context.Context, c *command) {
	var cut []string
	for id, a := range c.answers {
		if a.bad != nil && isCut(a.Output) {
			cut = append(cut, id)
		}
	}
	var mu sync.Mutex
	sideBySide(cut, atOnce, func(id string) {
		whole, err := runcommand.Whole(ctx, r.Commands, c.ID, id)
		if err != nil {
			return // what there is of the line is bad output
		}
		line, _, _ := strings.Cut(whole.Stdout, "\n")
		mu.Lock()
		defer mu.Unlock()
		i := c.answers[id].Invocation
		i.Output = strings.Clone(line[:min(len(line), result.MaxBytes+1)]) // longer is no result line
		c.answers[id] = decode(i)
	})
}

// isCut says that an output that is no result line begins like one and ends in its
// first line.
func isCut(output string) bool {
	return strings.HasPrefix(output, "{") && !strings.Contains(output, "\n") && !json.Valid([]byte(output))
}
