package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// lookBack is how many checks are looked through for the last one of every
// host. Each may be some pages of 50 hosts.
const lookBack = 10

// ErrNotShown is returned if no targeted host shows the fingerprint.
var ErrNotShown = errors.New("no host shows the fingerprint")

// Acceptance says whose changes are to become their baseline: the hosts that
// show a fingerprint now.
type Acceptance struct {
	Fingerprint string
	Group       string        // its name, if the fingerprint is that of a group
	Chosen      []report.Host // they show it, and can be reached
	Others      []report.Host // as they are, with the reason why they are not among the chosen
}

// Checks are the commands that are looked through for what hosts show.
type Checks struct {
	Document string // that they ran
	ID       string // of the one that counts; empty looks through the last ones of each region
}

// Acceptable looks up what each targeted host showed in its last check and
// chooses those that showed the fingerprint. It sends nothing.
//
// The choice saves noise and is no protection: a host accepts nothing but the
// state that its own last check found, whatever it is told.
func Acceptable(ctx context.Context, regions []Region, s fleet.Selector, fingerprint string, checks Checks) (Acceptance, error) {
	a := Acceptance{Fingerprint: fingerprint}
	err := eachLastCheck(ctx, regions, s, checks, func(r *run, h fleet.Host, last lastCheck, checked bool) {
		r.choose(&a, h, last.Host, checked)
	})
	return a, err
}

// LastChecks is what each targeted host that can be reached said in its last check, if that
// is among the last commands; otherwise it has no counts.
func LastChecks(ctx context.Context, regions []Region, s fleet.Selector, checks Checks) (list []report.Host, err error) {
	err = eachLastCheck(ctx, regions, s, checks, func(r *run, h fleet.Host, last lastCheck, checked bool) {
		if checked {
			list = append(list, last.Host)
		} else if h.Unreachable() == "" {
			list = append(list, r.silent(h, report.NotTargeted))
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// eachLastCheck visits each targeted host with its newest answer, if it has one.
func eachLastCheck(ctx context.Context, regions []Region, s fleet.Selector, checks Checks, visit func(r *run, h fleet.Host, last lastCheck, checked bool)) error {
	found, err := selectAll(ctx, regions, s)
	if err != nil {
		return err
	}
	for _, f := range found {
		commands, err := checks.in(ctx, f.Region)
		if err != nil {
			return err
		}
		r := &run{Region: f.Region, hosts: f.Hosts}
		shown, err := r.lastChecks(ctx, commands)
		if err != nil {
			return err
		}
		for _, h := range f.Hosts {
			last, checked := shown[h.ID]
			visit(r, h, last, checked)
		}
	}
	return nil
}

// choose adds a host to the chosen, or to the others with the reason why.
func (r *run) choose(a *Acceptance, h fleet.Host, row report.Host, checked bool) {
	group, shared := a.groupOf(row)
	switch unreachable := report.Reason(h.Unreachable()); {
	case unreachable != "":
		row = r.silent(h, unreachable)
		row.Next = unreachable.Next(h.ID, "")
	case !checked:
		row = r.silent(h, report.NotTargeted)
		row.Message, row.Next = "none of the last checks has an answer of it", "orchestrator sweep --instance "+h.ID
	case row.Status == report.Drift && row.Fingerprint == a.Fingerprint:
		a.Chosen = append(a.Chosen, row)
		return
	case row.Status == report.Drift && shared:
		a.Group, a.Chosen = group, append(a.Chosen, row)
		return
	case row.Status == report.Drift:
		why := "not accepted: it shows another fingerprint: " + row.Fingerprint
		if row.Fingerprint == "" {
			why = "not accepted: its change has no fingerprint"
		}
		row.Message, row.MessageFrom, row.Next = beside(why, row), "", "orchestrator show "+h.ID
	case row.Status == report.Clean:
		row.Message, row.MessageFrom = beside("nothing to accept: its last check was clean", row), ""
	}
	a.Others = append(a.Others, row)
}

// groupOf is the name of the host's group that has the fingerprint. The host compares all
// digits, of which its answer has the first.
func (a *Acceptance) groupOf(h report.Host) (name string, ok bool) {
	at := slices.IndexFunc(h.Groups, func(g result.Group) bool { return strings.HasPrefix(a.Fingerprint, g.Fingerprint) })
	if at < 0 {
		return "", false
	}
	return h.Groups[at].At, true
}

// beside is why a host did not accept, and what it said of itself.
func beside(why string, h report.Host) string {
	if h.Message == "" {
		return why
	}
	return why + "; " + report.HostSays(h.Message)
}

// silent is a host of which nothing is known but why.
func (r *run) silent(h fleet.Host, reason report.Reason) report.Host {
	return report.Host{Instance: h.ID, Name: h.Name, Region: r.Name, Account: h.Account, Status: report.Missing, Reason: reason}
}

// in are the checks of a region, the newest first.
func (c Checks) in(ctx context.Context, r Region) ([]runcommand.Command, error) {
	if c.ID == "" {
		return runcommand.Recent(ctx, r.Commands, c.Document, lookBack)
	}
	one, err := runcommand.Get(ctx, r.Commands, c.ID)
	if err != nil {
		return nil, err
	}
	if one.Document != c.Document {
		return nil, fmt.Errorf("command %s ran %s, not %s: it shows no fingerprints", c.ID, one.Document, c.Document)
	}
	return []runcommand.Command{one}, nil
}

// lastCheck is what a host answered, and to which command.
type lastCheck struct {
	report.Host
	command string
}

// lastChecks is the newest answer of every host that has one.
func (r *run) lastChecks(ctx context.Context, commands []runcommand.Command) (map[string]lastCheck, error) {
	wanted := make(map[string]fleet.Host, len(r.hosts))
	for _, h := range r.hosts {
		if h.Unreachable() == "" {
			wanted[h.ID] = h
		}
	}
	shown := make(map[string]lastCheck, len(wanted))
	for _, check := range commands {
		if len(wanted) == 0 {
			break
		}
		c := &command{Command: check}
		err := runcommand.Invocations(ctx, r.Commands, check.ID, func(i runcommand.Invocation) {
			if h, ok := wanted[i.Instance]; ok && i.Status == runcommand.Answered {
				shown[h.ID] = lastCheck{r.host(h, decode(i), c), check.ID}
				delete(wanted, h.ID)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// Accepted is the last action in the ledger that accepted the fingerprint on one of the
// hosts; ok is false if there is none within the time that commands are remembered for.
// What cannot be read is not there.
func (a Acceptance) Accepted(ctx context.Context, l *ledger.Ledger, now time.Time) (last ledger.Action, ok bool) {
	if l == nil {
		return last, false
	}
	targeted := make(map[string]bool, len(a.Others))
	for _, h := range a.Others {
		targeted[h.Instance] = true
	}
	_ = l.Actions(ctx, now.Add(-history), now, func(one ledger.Action) {
		if one.Kind == ledger.Accept && one.Fingerprint == a.Fingerprint &&
			slices.ContainsFunc(one.Hosts, func(h ledger.Change) bool { return h.Done && targeted[h.Instance] }) {
			last, ok = one, true
		}
	})
	return last, ok
}

// Accept sends Options.Document to the chosen hosts and reports on every host
// that is targeted: those that accepted are clean, and the others are as they were.
func Accept(ctx context.Context, regions []Region, a Acceptance, o Options) (report.Report, error) {
	o.Metrics = o.Metrics.named(o.Selector)
	if len(a.Chosen) == 0 {
		now := o.Clock.Time().UTC()
		rep := report.Report{V: report.Version, Fleet: o.Metrics.Fleet, Started: now, Finished: now, Commands: []report.Command{}}
		rep.SetHosts(a.Others)
		return rep, fmt.Errorf("%w: %s", ErrNotShown, a.Fingerprint)
	}
	// More hosts than one command can name are reached by their tags: the others
	// refuse.
	if len(a.Chosen) <= byName || len(o.Selector.Tags) == 0 {
		o.Selector = fleet.Selector{}
		for _, h := range a.Chosen {
			o.Selector.Instances = append(o.Selector.Instances, h.Instance)
		}
	}
	rep, err := Run(ctx, regions, o)
	return a.withOthers(rep), err
}

// withOthers adds the hosts that were not chosen. A host that was told to accept
// another's state, and refused that, is as it was.
func (a Acceptance) withOthers(rep report.Report) report.Report {
	answered := rep.Hosts
	if len(answered) == 0 {
		return rep
	}
	others := make(map[string]report.Host, len(a.Others))
	for _, h := range a.Others {
		others[h.Instance] = h
	}
	list := make([]report.Host, 0, len(answered)+len(others))
	for _, h := range answered {
		refused := h.Status == report.Failed && h.Reason == report.Reason(result.Refused)
		if other, ok := others[h.Instance]; ok {
			delete(others, h.Instance)
			if refused || h.Status == report.Missing {
				h = other
			}
		}
		list = append(list, h)
	}
	for _, h := range others {
		list = append(list, h)
	}
	rep.SetHosts(list)
	return rep
}
