package sweep

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/suspect"
	"aidefleet/orchestrator/trail"
	documents "aidefleet/ssm-documents"
)

// history is how long Run Command remembers commands (AWS Systems Manager user guide,
// "Understanding command statuses").
const history = 30 * 24 * time.Hour

// kinds are what the documents do that change baselines or programs.
var kinds = map[string]ledger.Kind{
	documents.Accept: ledger.Accept, documents.Init: ledger.Init, documents.Configure: ledger.Configure, documents.Install: ledger.Install,
}

// IsAction says that a document changes baselines or programs.
func IsAction(document string) bool { return kinds[document] != "" }

// RecordActions records the commands since a time that changed baselines or programs, and
// that the ledger does not know or knows only as sent: those of the console, and of an
// orchestrator that was killed. It returns how many it recorded.
func RecordActions(ctx context.Context, region Region, l *ledger.Ledger, since time.Time, clock Clock) (int, error) {
	r := &run{Region: region, settings: settings{ledger: l, now: clock.now(), pace: clock.pace(), explain: orText(nil), observer: &observer{}}}
	return r.recordActions(ctx, since)
}

func (r *run) recordActions(ctx context.Context, since time.Time) (recorded int, err error) {
	since = since.Add(-suspect.Tolerance)
	if oldest := r.now().Add(-history); since.Before(oldest) {
		since = oldest
	}
	var commands []runcommand.Command
	for document := range kinds {
		sent, err := runcommand.Since(ctx, r.Commands, document, since)
		if err != nil {
			return 0, err
		}
		commands = append(commands, sent...)
	}
	if len(commands) == 0 {
		return 0, nil
	}
	known := map[string]ledger.Action{}
	err = r.ledger.Actions(ctx, since.Add(-suspect.Tolerance), r.now(), func(a ledger.Action) {
		if a.Region == r.Name {
			known[a.ID] = a
		}
	})
	if err != nil && !ledger.IsObjectError(err) {
		return 0, err
	}
	errs := []error{err}
	for id, run := range byRun(commands) {
		before, pending := known[id]
		if pending && !before.Completed.IsZero() || !allDone(run) {
			continue
		}
		if err := r.recordAction(ctx, id, run, before); err != nil {
			errs = append(errs, err)
			continue
		}
		recorded++
	}
	return recorded, errors.Join(errs...)
}

// byRun puts the commands of each run together.
func byRun(commands []runcommand.Command) map[string][]runcommand.Command {
	runs := map[string][]runcommand.Command{}
	for _, c := range commands {
		id := c.ID
		if n, ok := ParseName(c.Comment); ok {
			id = n.ID
		}
		runs[id] = append(runs[id], c)
	}
	return runs
}

func allDone(commands []runcommand.Command) bool {
	return !slices.ContainsFunc(commands, func(c runcommand.Command) bool { return !c.Done() })
}

// recordAction records what the commands of one run did.
func (r *run) recordAction(ctx context.Context, id string, commands []runcommand.Command, a ledger.Action) error {
	one := &run{Region: r.Region, settings: r.settings}
	var hosts []string
	before := map[string]ledger.Digests{}
	for _, h := range a.Hosts {
		before[h.Instance] = h.Before
	}
	a.Hosts, a.Commands = nil, nil
	for _, c := range commands {
		a.Commands = append(a.Commands, c.ID)
		err := runcommand.Invocations(ctx, r.Commands, c.ID, func(i runcommand.Invocation) {
			h := one.host(fleet.Host{ID: i.Instance, Name: i.Name, Ping: "Online"}, decode(i), &command{Command: c})
			if h.Status != report.Missing {
				a.Hosts = append(a.Hosts, changeOf(h, before[h.Instance]))
				hosts = append(hosts, h.Instance)
			}
		})
		if err != nil {
			return err
		}
	}
	first := slices.MinFunc(commands, func(a, b runcommand.Command) int { return a.Requested.Compare(b.Requested) })
	a.Completed = r.now().UTC().Truncate(time.Second)
	if a.ID == "" { // nobody announced it
		_, ours := ParseName(first.Comment)
		a.ID, a.When, a.Console, a.Region = id, first.Requested.UTC(), !ours, r.Name
		a.Kind, a.Fingerprint = kinds[first.Document], first.Parameters["fingerprint"]
		if a.Kind == ledger.Accept && first.Parameters["undo"] == "true" {
			a.Kind = ledger.Undo
		}
		a.Force = first.Parameters["force"] == "true"
		a.Target = selectorOf(first.Targets).String()
		a.Who = r.senderOf(ctx, first)
		var err error
		if a.Account, err = r.accountOf(ctx, hosts); err != nil {
			return err
		}
		if a.Kind == ledger.Accept {
			if err := r.announced(ctx, &a); err != nil {
				return err
			}
		}
	}
	return r.ledger.WriteAction(ctx, a)
}

// announced looks up what the hosts' last checks before an acceptance announced: the pins
// do not know it if nobody has collected those checks.
func (r *run) announced(ctx context.Context, a *ledger.Action) error {
	checks, err := runcommand.Recent(ctx, r.Commands, documents.Check, lookBack)
	if err != nil {
		return err
	}
	at := make(map[string]int, len(a.Hosts))
	for i, h := range a.Hosts {
		at[h.Instance] = i
	}
	for _, check := range checks { // the newest first
		if len(at) == 0 {
			break
		}
		if !check.Requested.Before(a.When) {
			continue
		}
		err := runcommand.Invocations(ctx, r.Commands, check.ID, func(i runcommand.Invocation) {
			n, wanted := at[i.Instance]
			if !wanted || i.Status != runcommand.Answered {
				return
			}
			delete(at, i.Instance)
			if said := decode(i); said.bad == nil && said.line.Fingerprint == a.Fingerprint {
				a.Hosts[n].Before.Next = said.line.Next
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// senderOf is who sent a command, by CloudTrail if that can be read.
func (r *run) senderOf(ctx context.Context, c runcommand.Command) string {
	if r.Trail.LookupEvents == nil {
		return ledger.UnknownCaller
	}
	who, err := trail.Sender(ctx, r.Trail, c.ID, c.Requested)
	if err != nil {
		return ledger.UnknownCaller // most callers may not read it
	}
	return cmp.Or(who, ledger.UnknownCaller)
}

// accountOf is the account of hosts that were sent a command.
func (r *run) accountOf(ctx context.Context, hosts []string) (string, error) {
	if r.Account != "" || len(hosts) == 0 {
		return cmp.Or(r.Account, r.account()), nil
	}
	found, err := fleet.Find(ctx, r.Fleet, fleet.Selector{Instances: hosts[:1]})
	if err != nil && !errors.Is(err, fleet.ErrNoMatch) {
		return "", err
	}
	for _, h := range found {
		if h.Account != "" {
			return h.Account, nil
		}
	}
	return unknownAccount, nil
}
