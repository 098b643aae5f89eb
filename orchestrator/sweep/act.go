package sweep

import (
	"context"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// Act is what a command does to baselines or programs, as the ledger remembers it.
type Act struct {
	Kind        ledger.Kind
	Who         string // ARN of the caller
	Why         string
	Fingerprint string
	Group       string                    // of an acceptance: the name of the group, if it is one
	Force       bool                      // of an init: also in place of a baseline
	Before      map[string]ledger.Digests // by instance, as the hosts' last checks said; nil is as the ledger has it
}

// announce writes the action before its command is sent. If that fails the command is sent
// nevertheless, and the history of commands tells of it later.
func (r *run) announce(ctx context.Context) {
	if r.ledger == nil || r.act.Kind == "" || len(r.hosts) == 0 {
		return
	}
	a := ledger.Action{
		Kind: r.act.Kind, ID: r.name.ID, Who: r.act.Who, When: r.now().UTC().Truncate(time.Second), Why: r.act.Why,
		Account: r.account(), Region: r.Name, Target: r.selector.String(), Fingerprint: r.act.Fingerprint, Group: r.act.Group, Force: r.act.Force,
	}
	before := r.act.Before
	if before == nil {
		before = r.pinned(ctx)
	}
	for _, h := range r.hosts {
		if h.Unreachable() == "" {
			a.Hosts = append(a.Hosts, ledger.Change{Instance: h.ID, Name: h.Name, Before: before[h.ID]})
		}
	}
	r.action = &a
	r.writeAction(ctx)
}

// pinned are what the hosts claimed last. If that cannot be read nothing of it is known: a
// sweep says so, which needs it.
func (r *run) pinned(ctx context.Context) map[string]ledger.Digests {
	pins, err := r.ledger.Pins(ctx, r.account(), r.Name)
	if err != nil {
		return nil
	}
	targeted, claims := idsOf(r.hosts), map[string]ledger.Digests{}
	err = pins.Each(func(pin ledger.Pin) error {
		if targeted[pin.Instance] {
			claims[pin.Instance] = pin.Digests
		}
		return nil
	})
	if err != nil {
		return nil
	}
	return claims
}

// complete writes the action again, with what the hosts said. It does so even if the run
// was interrupted: what was done is done.
func (r *run) complete(ctx context.Context) {
	if r.action == nil {
		return
	}
	r.action.Commands, r.action.Completed = r.commandIDs(), r.now().UTC().Truncate(time.Second)
	before := make(map[string]ledger.Digests, len(r.action.Hosts))
	for _, h := range r.action.Hosts {
		before[h.Instance] = h.Before
	}
	r.action.Hosts = nil
	for _, h := range r.report.Hosts {
		if h.Status == report.Missing {
			if _, known := before[h.Instance]; !known {
				continue
			}
		}
		r.action.Hosts = append(r.action.Hosts, changeOf(h, before[h.Instance]))
	}
	if r.interrupted != nil {
		r.action.Completed = time.Time{} // hosts may still be at it: the history tells later
	}
	r.writeAction(context.WithoutCancel(ctx))
}

func (r *run) writeAction(ctx context.Context) {
	if r.down != nil {
		return // as was said
	}
	if err := r.ledger.WriteAction(ctx, *r.action); err != nil {
		r.isDown(err)
		r.errs = append(r.errs, fmt.Errorf("the action is not in the ledger: %w", err))
	}
}

// changeOf is what an action did on a host, by its answer.
func changeOf(h report.Host, before ledger.Digests) ledger.Change {
	c := ledger.Change{Instance: h.Instance, Name: h.Name, Done: h.Status == report.Clean || h.Status == report.Drift, Reason: string(h.Reason), Before: before}
	c.After = ledger.Digests{Config: h.Config, AIDE: h.AIDE, AIDESHA256: h.AIDESHA256, Node: h.Node, NodeSHA256: h.NodeSHA256, Next: h.NextBaseline}
	if h.Baseline != nil {
		c.After.Baseline, c.Was = h.Baseline.SHA256, h.Baseline.Was
		if c.Before.Baseline == "" {
			c.Before.Baseline = h.Baseline.Was
		}
	}
	return c
}

// account is the account of the run, as its hosts tell it.
func (r *run) account() string {
	if r.Account != "" {
		return r.Account
	}
	for _, hosts := range [][]fleet.Host{r.hosts, r.unsent} {
		for _, h := range hosts {
			if h.Account != "" {
				return h.Account
			}
		}
	}
	for _, h := range r.report.Hosts {
		if h.Account != "" {
			return h.Account
		}
	}
	return unknownAccount
}

// unknownAccount stands for an account in which nothing but hybrid nodes is targeted.
const unknownAccount = "unknown"

// Claims are what the hosts of a report say of themselves.
func Claims(hosts []report.Host) map[string]ledger.Digests {
	claims := make(map[string]ledger.Digests, len(hosts))
	for _, h := range hosts {
		claims[h.Instance] = changeOf(h, ledger.Digests{}).After
	}
	return claims
}
