// Package sweep is the pipeline, a file a stage:
//
//	select   find the hosts, and which of them can be reached  (fleet)
//	send     send one command to all of them                   (runcommand)
//	watch    wait until every host that can answer has         (runcommand)
//	gather   page through the answers, and decode them         (runcommand, node/result)
//	judge    give each host one status, and a reason           (report)
//	hold     say whose drift or silence is expected            (ledger, fleet)
//	compare  compare what hosts claim with what they claimed   (suspect, ledger)
//	recall   say what the sweep before found                   (ledger)
//	record   keep the report and its page                      (ledger, page)
//	publish  write counts and coverage to CloudWatch           (metrics)
//	tell     send an event that names the suspects             (notify)
//
// Run is all of them. Collect begins at watch, with commands that somebody else
// sent. Start ends at send, and leaves the rest to Collect. Ask and Page put a query to
// hosts. Acceptable and Accept find the hosts that show a change, and let them accept it.
// What changes baselines or programs is an action: it is announced in the ledger before
// send, and completed after judge.
package sweep

import (
	"context"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/trail"
)

// Region is one account in one region, as far as a sweep calls it.
type Region struct {
	Name     string
	Account  string // of the role; empty if it is the caller's own
	Role     string // ARN of the role that is taken there, if any
	Fleet    fleet.API
	Commands runcommand.API
	Metrics  metrics.API
	Events   notify.API
	Trail    trail.API
}

// Options are what Run needs.
type Options struct {
	Selector fleet.Selector
	Name     Name               // in the command history
	Request  runcommand.Request // its targets and its comment come from Selector and Name
	Metrics  Publication
	Ledger   *ledger.Ledger // what the fleet remembers; nil remembers nothing
	Act      Act            // what the command does to baselines; the zero value is a check

	// Wait ends the waiting, but not the command; 0 waits until every host that
	// can answer has answered.
	Wait time.Duration

	Explain  func(error) string                               // the text of an error in the report; nil is its own
	Sent     func(c runcommand.Command, hosts, reachable int) // called after each send, never twice at once
	Progress func(completed, targeted int)                    // called after each look, never twice at once
	// Found is called with hosts that are not clean, as they answer; never twice at once.
	// Without it nothing is read before most hosts have ended.
	Found func([]report.Host)
	Clock Clock
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
		r.announce(ctx)
		r.send(ctx)
		r.watch(ctx)
		r.gather(ctx)
		if ctx.Err() != nil {
			r.cancel(ctx)
		}
		r.judge()
		r.hold(ctx)
		r.complete(ctx)
		r.compare(ctx)
		r.recall(ctx)
		r.record(ctx)
		r.publish(ctx)
		r.tell(ctx)
	})
	r, err := merge(runs)
	return index(ctx, runs, r, err)
}

// run is a sweep of one account and region, with what each stage has left.
type run struct {
	Region
	settings

	hosts       []fleet.Host        // select: the targeted hosts
	unsent      []fleet.Host        // send: those that no command is for
	commands    []*command          // send, watch, gather
	interrupted error               // cancel: why the run ended before its commands did
	action      *ledger.Action      // announce: what this run does, as the ledger has it
	report      report.Report       // judge
	sentTo      map[string]*command // judge: by instance, if there are several commands
	recorded    string              // record: where the report is
	published   bool                // publish
	down        error               // why the ledger cannot be reached, once that was found out
	errs        []error             // what could not be done here
}

// settings are those of every verb, as the stages take them.
type settings struct {
	selector  fleet.Selector
	name      Name
	request   runcommand.Request
	metrics   Publication
	ledger    *ledger.Ledger
	act       Act
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
		selector: o.Selector, name: o.Name, request: o.Request, metrics: o.Metrics.named(o.Selector), ledger: o.Ledger, act: o.Act, wait: o.Wait,
		explain: orText(o.Explain), observer: &observer{onSent: o.Sent, onProgress: o.Progress, onFound: o.Found}, pace: o.Clock.pace(), now: o.Clock.now(),
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
