package sweep

import (
	"cmp"
	"context"
	"slices"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// Query is a document that hosts are asked to run and whose output is no result line.
type Query struct {
	Name    Name
	Request runcommand.Request
	Clock   Clock
}

func (q Query) run(r Region, s fleet.Selector) *run {
	return &run{Region: r, settings: settings{
		selector: s, name: q.Name, request: q.Request, raw: true, explain: orText(nil), observer: &observer{}, pace: q.Clock.pace(), now: q.Clock.now(),
	}}
}

// Answer is what a host said to a query.
type Answer struct {
	Instance, Name string
	Output         string // the head of what it printed, untrusted

	Reason report.Reason // why there is no answer; empty if there is one
	Next   string        // what to do about it
}

// Ask sends a query to the targeted hosts and returns what each of them
// said, sorted by id.
func Ask(ctx context.Context, region Region, s fleet.Selector, q Query) ([]Answer, error) {
	r := q.run(region, s)
	var err error
	if r.hosts, err = fleet.Find(ctx, r.Fleet, s); err != nil {
		return nil, err
	}
	r.send(ctx)
	if len(r.errs) > 0 {
		return nil, r.errs[0]
	}
	r.watch(ctx)
	r.read(ctx)
	sent := r.sent()
	if ctx.Err() != nil && len(sent) > 0 {
		sideBySide(sent[1:], atOnce, func(c *command) { _ = r.abandon(ctx, c.ID) })
		return nil, r.abandon(ctx, sent[0].ID)
	}
	answers := make([]Answer, 0, len(r.hosts))
	for _, h := range r.unsent {
		answers = append(answers, answerOf(h, &command{}))
	}
	for _, c := range sent {
		if c.lost != nil {
			return nil, c.lost
		}
		for _, h := range c.hosts {
			answers = append(answers, answerOf(h, c))
		}
	}
	slices.SortFunc(answers, func(a, b Answer) int { return cmp.Compare(a.Instance, b.Instance) })
	return answers, ctx.Err()
}

func answerOf(h fleet.Host, c *command) Answer {
	i := c.answers[h.ID]
	a := Answer{Instance: h.ID, Name: h.Name, Output: i.Output}
	if i.Status != runcommand.Answered {
		a.Reason = gap(h, i.Status, c)
		a.Next = a.Reason.Next(h.ID, c.ID)
	}
	return a
}

// Page sends a query to one host and returns the whole of what it printed, of
// which the service keeps 24,000 bytes.
func Page(ctx context.Context, region Region, instance string, q Query) (runcommand.Output, error) {
	s := fleet.Selector{Instances: []string{instance}}
	r := q.run(region, s)
	c, err := runcommand.Send(context.WithoutCancel(ctx), r.Commands, r.requestTo(s, 0, 0), r.pace)
	if err != nil {
		return runcommand.Output{}, err
	}
	out, err := runcommand.Await(ctx, r.Commands, c, instance, r.pace)
	if ctx.Err() != nil {
		return out, r.abandon(ctx, c.ID)
	}
	return out, err
}
