package sweep

import (
	"cmp"
	"context"
	"slices"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// Answer is what a host said to a document that does not print a result line.
type Answer struct {
	Instance, Name string
	Output         string // the head of what it printed, untrusted
	Code           int    // exit status of the script

	Reason, Next string // why there is no answer, and what to do; empty if there is one
}

// Ask sends a document to the hosts that are meant and returns what each of them
// said, sorted by id.
func Ask(ctx context.Context, r Region, o Options) ([]Answer, error) {
	hosts, err := fleet.Find(ctx, r.Fleet, o.Selector)
	if err != nil {
		return nil, err
	}
	p := newSweep(r, o).split(hosts)
	p.send(ctx)
	if len(p.errs) > 0 {
		return nil, p.errs[0]
	}
	batches := p.sent()
	together(batches, o.Progress)
	each(batches, func(b *batch) { b.follow(ctx, ctx) })
	if ctx.Err() != nil && len(batches) > 0 {
		each(batches[1:], func(b *batch) { _ = b.abandon(ctx, b.command) })
		return nil, batches[0].abandon(ctx, batches[0].command)
	}
	answers := make([]Answer, 0, len(hosts))
	for _, h := range p.rest {
		answers = append(answers, answer(h, runcommand.Invocation{}, runcommand.Command{}, true))
	}
	for _, b := range batches {
		if b.lost != nil {
			return nil, b.lost
		}
		for _, h := range b.hosts {
			answers = append(answers, answer(h, b.answers[h.ID], b.command, b.allListed()))
		}
	}
	slices.SortFunc(answers, func(a, b Answer) int { return cmp.Compare(a.Instance, b.Instance) })
	return answers, ctx.Err()
}

func answer(h fleet.Host, i runcommand.Invocation, c runcommand.Command, allListed bool) Answer {
	a := Answer{Instance: h.ID, Name: h.Name, Output: i.Output, Code: i.Code}
	if i.Status != runcommand.Answered {
		a.Reason = gap(h, i, c, allListed)
		a.Next = report.Next(a.Reason, h.ID, c.ID)
	}
	return a
}

// name is the comment of one of the run's commands.
func (s *sweep) name(part, parts int) string {
	n := s.Run
	n.Part, n.Parts = part, parts
	if s.Namespace != "" {
		n.Fleet = s.FleetName
	}
	return n.String()
}

// request is the command of a run.
func (s *sweep) request(targets []runcommand.Target) runcommand.Request {
	return runcommand.Request{
		Document: s.Document, Parameters: s.Parameters, Comment: s.name(0, 0), Targets: targets,
		DocumentVersion: s.DocumentVersion, DocumentHash: s.DocumentHash,
		DeliveryTimeout: s.DeliveryTimeout, MaxConcurrency: s.MaxConcurrency, MaxErrors: s.MaxErrors,
	}
}

// Page runs a document on one host and returns the whole of what it printed, of
// which the service keeps 24,000 bytes.
func Page(ctx context.Context, r Region, instance string, o Options) (runcommand.Output, error) {
	s := newSweep(r, o)
	c, err := runcommand.Send(context.WithoutCancel(ctx), s.Commands, s.request([]runcommand.Target{{Key: "InstanceIds", Values: []string{instance}}}), s.Pace)
	if err != nil {
		return runcommand.Output{}, err
	}
	out, err := runcommand.Await(ctx, s.Commands, c, instance, s.Pace)
	if ctx.Err() != nil {
		return out, s.abandon(ctx, c)
	}
	return out, err
}

// abandon cancels a command of which nothing is wanted any more.
func (s *sweep) abandon(ctx context.Context, c runcommand.Command) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer stop()
	return &AbandonedError{CommandID: c.ID, Cancel: runcommand.Cancel(ctx, s.Commands, c.ID)}
}

// cancelTime bounds the one call that cancels a command.
const cancelTime = 10 * time.Second

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
