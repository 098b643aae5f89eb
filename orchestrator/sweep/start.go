package sweep

import (
	"context"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// Started is what became of a start.
type Started struct {
	Command          runcommand.Command // its ID is empty where nobody can be reached
	Hosts, Reachable int                // of a command that was sent now

	// Already says that an earlier start of the same name had sent the command.
	Already bool
	// Report is that of a fleet of which nobody can be reached: there will be no
	// command to collect, and it has been published.
	Report *report.Report
}

// Start sends the document to the hosts that are meant, and leaves it to others
// to collect what they say. A command with the name of the run that was sent
// since is taken for this one: a start that is delivered twice sends once, if the
// two are not at work at the same time. It returns when that command can be found.
//
// Options.Selector has tags, so that one command reaches every host.
func Start(ctx context.Context, r Region, o Options, since time.Time) (Started, error) {
	s := newSweep(r, o)
	comment := s.name(0, 0)
	c, found, err := runcommand.Named(ctx, s.Commands, s.Document, comment, since)
	if err != nil || found {
		return Started{Command: c, Already: found}, err
	}
	hosts, err := fleet.Find(ctx, s.Fleet, s.Selector)
	if err != nil {
		return Started{}, err
	}
	p := s.split(hosts)
	if len(p.batches) == 0 {
		rep, err := finish(ctx, []*part{p}, o)
		return Started{Report: &rep}, err
	}
	p.send(ctx)
	if len(p.errs) > 0 {
		return Started{}, p.errs[0]
	}
	started := Started{Command: p.batches[0].command, Hosts: len(hosts), Reachable: reachable(hosts)}
	for wait := s.Pace.First; ; wait = min(2*wait, 5*time.Second) {
		if _, found, err := runcommand.Named(ctx, s.Commands, s.Document, comment, since); found || err != nil {
			return started, err
		}
		if err := s.Pace.Wait(ctx, wait); err != nil {
			return started, err
		}
	}
}
