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
	Account  string // of the role; empty where it is the caller's own
	Role     string // ARN of the role that is taken there, if any
	Fleet    fleet.API
	Commands runcommand.API
	Metrics  metrics.API
}

// Options say what to run on whom.
type Options struct {
	Selector   fleet.Selector
	Document   string            // the SSM document that makes a host print a result line
	Checks     string            // the document of the checks that Acceptable looks through
	Parameters map[string]string // of the document
	Run        Name              // in the command history

	// DocumentVersion and DocumentHash are of the very document to run; the
	// account's default version, whatever it is, where they are empty.
	DocumentVersion, DocumentHash string

	DeliveryTimeout           time.Duration // how long a host may be unreachable
	MaxConcurrency, MaxErrors string        // numbers or percentages

	// Wait ends the waiting, but not the command; 0 waits until every host that
	// can answer has answered.
	Wait time.Duration

	// Explain is the text of an error in the report; its own where it is nil.
	Explain func(error) string

	FleetName string // of the fleet's metrics; the selector where it is empty
	Namespace string // of the metrics; empty publishes nothing

	// Keep is called with what is about to be published of an account and region.
	// Where it fails nothing is.
	Keep func(context.Context, report.Report) error
	// Requested is the time of a run that sends no command, since nobody can be
	// reached; now where it is zero.
	Requested time.Time
	// Detached leaves the commands alone when the context ends.
	Detached bool

	Sent     func(c runcommand.Command, hosts, reachable int) // after the command was sent
	Progress func(completed, targeted int)                    // after each look at it
	Pace     runcommand.Pace
	Now      func() time.Time
}

// InterruptedError says that the context ended before the commands did, and what
// became of them. The report beside it holds what came in until then; nothing of it
// was published, but of the accounts and regions that had ended before.
type InterruptedError struct {
	CommandID string // the first of those that had not ended
	Commands  int    // how many those are
	Concluded int    // accounts and regions that had ended
	Cancel    error  // why a command could not be cancelled, nil if all were
}

func (e *InterruptedError) Error() string {
	if e.Commands > 1 && e.Cancel != nil {
		return fmt.Sprintf("interrupted; of %d commands not all were cancelled: %v", e.Commands, e.Cancel)
	}
	published := "nothing was published"
	if e.Concluded > 0 {
		published = fmt.Sprintf("only %d accounts and regions that had ended were published", e.Concluded)
	}
	if e.Commands > 1 {
		return fmt.Sprintf("interrupted; %d commands were cancelled and %s", e.Commands, published)
	}
	if e.Cancel != nil {
		return fmt.Sprintf("interrupted; command %s goes on: %v", e.CommandID, e.Cancel)
	}
	return fmt.Sprintf("interrupted; command %s was cancelled and %s", e.CommandID, published)
}

// ErrUnfinished is returned with a report in which some hosts have not answered
// yet when Options.Wait ended the waiting. Nothing was published of their account
// and region.
var ErrUnfinished = errors.New("some hosts have not finished")

// Run sends the document to the hosts that are meant and reports on each of
// them. A report may come with an error: what is known is in the report.
func Run(ctx context.Context, r Region, o Options) (report.Report, error) {
	return Everywhere(ctx, []Region{r}, o)
}

// Collect reports on commands that someone else sent: the console, a schedule,
// an interrupted sweep. They must have run Options.Document. Without a FleetName
// the fleet is that of the run which sent them, or who they were sent to.
func Collect(ctx context.Context, r Region, ids []string, o Options) (report.Report, error) {
	var batches []*batch
	var commands []runcommand.Command
	o.Selector = fleet.Selector{}
	for _, id := range ids {
		c, err := runcommand.Get(ctx, r.Commands, id)
		if err != nil {
			return report.Report{}, err
		}
		if c.Document != o.Document {
			return report.Report{}, fmt.Errorf("command %s ran %s, not %s: it has no result lines to collect", id, c.Document, o.Document)
		}
		commands = append(commands, c)
		own := o
		own.Selector = selector(c.Targets)
		var hosts []fleet.Host
		if own.Selector.Validate() == nil {
			if hosts, err = fleet.Find(ctx, r.Fleet, own.Selector); err != nil && !errors.Is(err, fleet.ErrNoMatch) {
				return report.Report{}, err
			}
		}
		// No match: the hosts are gone since, their answers are not.
		batches = append(batches, &batch{sweep: newSweep(r, own), command: c, hosts: hosts})
		o.Selector.Tags = append(o.Selector.Tags, own.Selector.Tags...)
		o.Selector.Instances = append(o.Selector.Instances, own.Selector.Instances...)
	}
	if len(batches) == 1 {
		o.Selector = batches[0].Selector
	}
	if o.FleetName == "" {
		o.FleetName = FleetOf(commands...)
	}
	return finish(ctx, []*part{{sweep: newSweep(r, o), batches: batches}}, o)
}

// targets is the selector as Run Command has it.
func targets(s fleet.Selector) []runcommand.Target {
	if len(s.Instances) > 0 {
		return []runcommand.Target{{Key: "InstanceIds", Values: s.Instances}}
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

func (s *sweep) publish(ctx context.Context, r report.Report) error {
	if s.Namespace == "" {
		return nil
	}
	m := metrics.Sweep{
		Namespace: s.Namespace,
		Time:      r.Started,
		Published: s.now().UTC(),
		Fleet: metrics.Fleet{
			Name: r.Fleet, Targeted: r.Summary.Targeted, Reported: r.Summary.Reported, Clean: r.Summary.Clean,
			Changed: r.Summary.Changed, Failed: r.Summary.Failed, Missing: r.Summary.Missing,
			Seconds: r.Finished.Sub(r.Started).Seconds(),
		},
	}
	for _, h := range r.Hosts {
		if h.Counts != nil {
			m.Hosts = append(m.Hosts, metrics.Host{ID: h.Instance, Name: h.Name, Added: h.Added, Removed: h.Removed, Changed: h.Changed, Unread: h.Unread})
		}
	}
	return metrics.Publish(ctx, s.Metrics, m)
}
