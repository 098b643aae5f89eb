package sweep

import (
	"context"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// StartOptions are what Start needs. The selector has tags, so that one command
// reaches every host.
type StartOptions struct {
	Selector  fleet.Selector
	Name      Name
	Request   runcommand.Request
	Metrics   Publication
	Ledger    *ledger.Ledger
	Requested time.Time     // of the report, if nobody can be reached
	Skew      time.Duration // how far the clock of Requested may be ahead of Run Command's
	Clock     Clock
}

// Started is what became of a start.
type Started struct {
	Command          runcommand.Command // its ID is empty if nobody can be reached
	Hosts, Reachable int                // of a command that was sent now

	// Already says that an earlier start of the same name had sent the command.
	Already bool
	// Silent is the report on a fleet of which nobody can be reached: there will be no
	// command to collect.
	Silent *Judged
}

// Start sends the document to the targeted hosts, and leaves it to others
// to collect what they say. A command with the name of the run that was sent
// since Requested is taken for this one: a start that is delivered twice sends once,
// if the two are not at work at the same time. It returns when that command can be
// found.
func Start(ctx context.Context, region Region, o StartOptions) (Started, error) {
	r := &run{Region: region, settings: settings{
		selector: o.Selector, name: o.Name, request: o.Request, metrics: o.Metrics.named(o.Selector), ledger: o.Ledger, requested: o.Requested,
		detached: true, explain: orText(nil), observer: &observer{}, pace: o.Clock.pace(), now: o.Clock.now(),
	}}
	comment, since := r.requestTo(o.Selector, 0, 0).Comment, o.Requested.Add(-o.Skew)
	c, found, err := runcommand.Named(ctx, r.Commands, o.Request.Document, comment, since)
	if err != nil || found {
		return Started{Command: c, Already: found}, err
	}
	if r.hosts, err = fleet.Find(ctx, r.Fleet, o.Selector); err != nil {
		return Started{}, err
	}
	if reachable(r.hosts) == 0 {
		r.unsent = r.hosts
		r.judge()
		r.hold(ctx)
		rep := report.Merge([]report.Report{r.report})
		return Started{Silent: &Judged{Report: rep, run: r}}, nil
	}
	r.send(ctx)
	if len(r.errs) > 0 {
		return Started{}, r.errs[0]
	}
	started := Started{Command: r.commands[0].Command, Hosts: len(r.hosts), Reachable: reachable(r.hosts)}
	for wait := r.pace.First; ; wait = min(2*wait, 5*time.Second) {
		if _, found, err := runcommand.Named(ctx, r.Commands, o.Request.Document, comment, since); found || err != nil {
			return started, err
		}
		if err := r.pace.Wait(ctx, wait); err != nil {
			return started, err
		}
	}
}
