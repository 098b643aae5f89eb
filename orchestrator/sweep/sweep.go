// Package sweep is the pipeline, and nothing but:
//
//	select  who is meant, and who of them can be reached   (fleet)
//	send    one command to all of them                     (runcommand)
//	watch   until every host that can answer has           (runcommand)
//	gather  page through the answers, and judge each host  (runcommand, judge.go)
//	publish counts and coverage to CloudWatch              (metrics)
//	report  every host exactly once                        (report)
package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// Region is one account in one region, as far as a sweep calls it.
type Region struct {
	Name     string
	Fleet    fleet.API
	Commands runcommand.API
	Metrics  metrics.API
}

// Options say what to run on whom.
type Options struct {
	Selector   fleet.Selector
	Document   string            // the SSM document that makes a host print a result line
	Parameters map[string]string // of the document
	Comment    string            // names the run in the command history

	DeliveryTimeout           time.Duration // how long a host may be unreachable
	MaxConcurrency, MaxErrors string        // numbers or percentages

	// Wait ends the waiting, but not the command; 0 waits until every host that
	// can answer has answered.
	Wait time.Duration

	FleetName string // of the fleet's metrics; the selector where it is empty
	Namespace string // of the metrics; empty publishes nothing

	Sent     func(c runcommand.Command, hosts, reachable int) // after the command was sent
	Progress func(completed, targeted int)                    // after each look at it
	Pace     runcommand.Pace
	Now      func() time.Time
}

// InterruptedError says that the context ended before the command did, and what
// became of the command. The report beside it holds what came in until then;
// nothing was published.
type InterruptedError struct {
	CommandID string
	Cancel    error // why the command could not be cancelled, nil if it was
}

func (e *InterruptedError) Error() string {
	if e.Cancel != nil {
		return fmt.Sprintf("interrupted; command %s goes on: %v", e.CommandID, e.Cancel)
	}
	return fmt.Sprintf("interrupted; command %s was cancelled and nothing was published", e.CommandID)
}

// ErrUnfinished is returned with a report in which some hosts have not answered
// yet when Options.Wait ended the waiting. Nothing was published.
var ErrUnfinished = errors.New("some hosts have not finished")

// Run sends the document to the hosts that are meant and reports on each of
// them. A report may come with an error: what is known is in the report.
func Run(ctx context.Context, r Region, o Options) (report.Report, error) {
	s := newSweep(r, o)
	hosts, err := fleet.Find(ctx, r.Fleet, o.Selector)
	if err != nil {
		return report.Report{}, err
	}
	reachable, managed := 0, []string{}
	for _, h := range hosts {
		if h.Unreachable() == "" {
			reachable++
		}
		if h.Ping != "" {
			managed = append(managed, h.ID)
		}
	}
	if reachable == 0 {
		// A command would only wait for nobody; the silence is the finding.
		return s.conclude(ctx, runcommand.Command{Requested: s.now()}, hosts, nil)
	}
	if err := ctx.Err(); err != nil {
		return report.Report{}, err
	}
	// An interrupt in the middle of the send would leave a command behind whose
	// id nobody knows.
	c, err := runcommand.Send(context.WithoutCancel(ctx), r.Commands, runcommand.Request{
		Document: o.Document, Parameters: o.Parameters, Comment: o.Comment,
		Targets:         targets(o.Selector, managed),
		DeliveryTimeout: o.DeliveryTimeout, MaxConcurrency: o.MaxConcurrency, MaxErrors: o.MaxErrors,
	})
	if err != nil {
		return report.Report{}, err
	}
	if o.Sent != nil {
		o.Sent(c, len(hosts), reachable)
	}
	return s.follow(ctx, c, hosts)
}

// Collect reports on a command that someone else sent: the console, a
// schedule, an interrupted sweep. It must have run Options.Document.
func Collect(ctx context.Context, r Region, id string, o Options) (report.Report, error) {
	c, err := runcommand.Get(ctx, r.Commands, id)
	if err != nil {
		return report.Report{}, err
	}
	if c.Document != o.Document {
		return report.Report{}, fmt.Errorf("command %s ran %s, not %s: it has no result lines to collect", id, c.Document, o.Document)
	}
	o.Selector = selector(c.Targets)
	hosts, err := fleet.Find(ctx, r.Fleet, o.Selector)
	if err != nil && !errors.Is(err, fleet.ErrNoMatch) {
		return report.Report{}, err
	}
	// No match: the hosts are gone since, their answers are not.
	return newSweep(r, o).follow(ctx, c, hosts)
}

// targets is the selector as Run Command has it. Instances are named only if
// SSM knows them: one unknown id fails the whole call.
func targets(s fleet.Selector, managed []string) []runcommand.Target {
	if len(s.Instances) > 0 {
		return []runcommand.Target{{Key: "InstanceIds", Values: managed}}
	}
	list := make([]runcommand.Target, 0, len(s.Tags))
	for _, t := range s.Tags {
		list = append(list, runcommand.Target{Key: "tag:" + t.Key, Values: t.Values})
	}
	return list
}

// sweep is one run of the pipeline.
type sweep struct {
	Region
	Options
	now func() time.Time
}

func newSweep(r Region, o Options) *sweep {
	s := &sweep{Region: r, Options: o, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if s.Pace.First == 0 {
		s.Pace = runcommand.DefaultPace
	}
	if s.FleetName == "" {
		s.FleetName = o.Selector.String()
	}
	return s
}

// conclude judges every host, publishes and reports.
func (s *sweep) conclude(ctx context.Context, c runcommand.Command, hosts []fleet.Host, answers map[string]runcommand.Invocation) (report.Report, error) {
	r := s.judge(c, hosts, answers)
	for _, h := range r.Hosts {
		if h.Reason == string(runcommand.Unfinished) {
			return r, ErrUnfinished
		}
	}
	return r, s.publish(ctx, r)
}

func (s *sweep) publish(ctx context.Context, r report.Report) error {
	if s.Namespace == "" {
		return nil
	}
	m := metrics.Sweep{
		Namespace: s.Namespace,
		Time:      r.Started,
		Fleet: metrics.Fleet{
			Name: r.Fleet, Targeted: r.Summary.Targeted, Reported: r.Summary.Reported, Clean: r.Summary.Clean,
			Changed: r.Summary.Changed, Failed: r.Summary.Failed, Missing: r.Summary.Missing,
			Seconds: r.Finished.Sub(r.Started).Seconds(),
		},
	}
	for _, h := range r.Hosts {
		if h.Counts != nil {
			m.Hosts = append(m.Hosts, metrics.Host{ID: h.Instance, Name: h.Name, Added: h.Added, Removed: h.Removed, Changed: h.Changed})
		}
	}
	return metrics.Publish(ctx, s.Metrics, m)
}
