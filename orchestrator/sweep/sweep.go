// Package sweep is the pipeline, a file a stage:
//
//	select   find the hosts, and which of them can be reached  (fleet)
//	send     send one command to all of them                   (runcommand)
//	watch    wait until every host that can answer has         (runcommand)
//	gather   page through the answers, and decode them         (runcommand, node/result)
//	judge    give each host one status, and a reason           (report)
//	record   keep the report
//	publish  write counts and coverage to CloudWatch           (metrics)
//
// Run is all of them. Collect begins at watch, with commands that somebody else
// sent. Start ends at send, and leaves the rest to Collect. Ask and Page put a query to
// hosts. Acceptable and Accept find the hosts that show a change, and let them accept it.
package sweep

import (
	"context"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// Region is one account in one region, as far as a sweep calls it.
type Region struct {
	Name     string
	Account  string // of the role; empty if it is the caller's own
	Role     string // ARN of the role that is taken there, if any
	Fleet    fleet.API
	Commands runcommand.API
	Metrics  metrics.API
}

// Options are what Run needs.
type Options struct {
	Selector fleet.Selector
	Name     Name               // in the command history
	Request  runcommand.Request // its targets and its comment come from Selector and Name
	Metrics  Publication
	Reports  Recorder       // keeps reports; nil keeps none
	Ledger   *ledger.Ledger // what the fleet remembers; nil remembers nothing

	// Wait ends the waiting, but not the command; 0 waits until every host that
	// can answer has answered.
	Wait time.Duration

	Explain  func(error) string                               // the text of an error in the report; nil is its own
	Sent     func(c runcommand.Command, hosts, reachable int) // called after each send, never twice at once
	Progress func(completed, targeted int)                    // called after each look, never twice at once
	Clock    Clock
}

// Clock is the time of a sweep; its zero value is the real one.
type Clock struct {
	Pace runcommand.Pace
	Now  func() time.Time
}

// Run sweeps accounts and regions side by side and reports on all hosts together.
// Each account and region is published when its own hosts have ended. One that
// fails does not lose the others. A report may come with an error: what is known is
// in the report.
func Run(ctx context.Context, regions []Region, o Options) (report.Report, error) {
	found, err := Select(ctx, regions, o.Selector)
	if err != nil {
		return report.Report{}, err
	}
	runs := o.runs(found)
	sideBySide(runs, len(runs), func(r *run) {
		r.send(ctx)
		r.watch(ctx)
		r.gather(ctx)
		if ctx.Err() != nil {
			r.cancel(ctx)
		}
		r.judge()
		r.record(ctx)
		r.publish(ctx)
	})
	return merge(runs)
}

// run is a sweep of one account and region, with what each stage has left.
type run struct {
	Region
	settings

	hosts       []fleet.Host  // select: the targeted hosts
	unsent      []fleet.Host  // send: those that no command is for
	commands    []*command    // send, watch, gather
	interrupted error         // cancel: why the run ended before its commands did
	report      report.Report // judge
	recorded    string        // record: where the report is
	errs        []error       // what could not be done here
}

// settings are those of every verb, as the stages take them.
type settings struct {
	selector  fleet.Selector
	name      Name
	request   runcommand.Request
	metrics   Publication
	reports   Recorder
	wait      time.Duration
	requested time.Time // of a run that sends no command; zero is now
	detached  bool      // the commands are left alone if the context ends
	raw       bool      // what hosts print is no result line, and is kept as it is
	explain   func(error) string
	observer  *observer
	pace      runcommand.Pace
	now       func() time.Time
}

// runs are a run for each account and region in which hosts were looked for.
func (o Options) runs(found []Selection) []*run {
	with := o.settings()
	runs := make([]*run, len(found))
	for i, f := range found {
		runs[i] = &run{Region: f.Region, settings: with, hosts: f.Hosts}
		if f.Err != nil {
			runs[i].errs = append(runs[i].errs, f.Err)
		}
	}
	return runs
}

func (o Options) settings() settings {
	return settings{
		selector: o.Selector, name: o.Name, request: o.Request, metrics: o.Metrics.named(o.Selector), reports: o.Reports, wait: o.Wait,
		explain: orText(o.Explain), observer: &observer{onSent: o.Sent, onProgress: o.Progress}, pace: o.Clock.pace(), now: o.Clock.now(),
	}
}

func (c Clock) pace() runcommand.Pace {
	if c.Pace.First == 0 {
		return runcommand.DefaultPace
	}
	return c.Pace
}

// Time is the time by the clock.
func (c Clock) Time() time.Time { return c.now()() }

func (c Clock) now() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

func orText(explain func(error) string) func(error) string {
	if explain == nil {
		return error.Error
	}
	return explain
}
