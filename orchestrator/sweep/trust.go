package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// Suspects are the pins of the targeted hosts that have an open finding of that kind.
func Suspects(ctx context.Context, regions []Region, s fleet.Selector, l *ledger.Ledger, kind report.Suspicion) (list []ledger.Pin, err error) {
	if l == nil {
		return nil, nil
	}
	found, err := selectAll(ctx, regions, s)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		r := &run{Region: f.Region, hosts: f.Hosts}
		pins, err := l.Pins(ctx, r.account(), r.Name)
		if err != nil {
			return nil, err
		}
		targeted := idsOf(f.Hosts)
		err = pins.Each(func(pin ledger.Pin) error {
			if _, here := split(pin.Open, kind); targeted[pin.Instance] && len(here) > 0 {
				list = append(list, pin)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func idsOf(hosts []fleet.Host) map[string]bool {
	ids := make(map[string]bool, len(hosts))
	for _, h := range hosts {
		ids[h.ID] = true
	}
	return ids
}

// split takes the findings of a kind, all if it is empty, out of others.
func split(open []ledger.Finding, kind report.Suspicion) (left, taken []ledger.Finding) {
	for _, f := range open {
		if kind == "" || f.Kind == string(kind) {
			taken = append(taken, f)
		} else {
			left = append(left, f)
		}
	}
	return left, taken
}

// Trusting says which findings are acknowledged, by whom and why.
type Trusting struct {
	ID       string           // of the action
	Kind     report.Suspicion // of the findings; empty is all
	Who, Why string
	Account  string // of the caller, for hosts that are not there any more
	Clock    Clock
}

// Trust acknowledges the open findings of the targeted hosts, and returns what it did on
// each of them. A host that is not there any more is targeted by its instance id. The error
// is fleet.ErrNoMatch if the ledger knows none of the hosts.
func Trust(ctx context.Context, regions []Region, s fleet.Selector, l *ledger.Ledger, t Trusting) (done []ledger.Change, err error) {
	found, err := selectAll(ctx, regions, s)
	if err != nil {
		return nil, err
	}
	named := make(map[string]bool, len(s.Instances))
	for _, id := range s.Instances {
		named[id] = true
	}
	known := 0
	for _, f := range found {
		r := &run{Region: f.Region, hosts: f.Hosts, settings: settings{ledger: l, now: t.Clock.now()}}
		if r.Account == "" && r.account() == unknownAccount {
			r.Account = t.Account
		}
		targeted := idsOf(f.Hosts)
		if len(s.Tags) == 0 && !s.All {
			targeted = named // in each region: one that is gone may have been in any
		}
		changes, pinned, err := r.trust(ctx, targeted, s.String(), t)
		known += pinned
		if done = append(done, changes...); err != nil {
			return done, err
		}
	}
	if known == 0 {
		return nil, fmt.Errorf("%w %s: %s has no pin of it", fleet.ErrNoMatch, s, l.Store)
	}
	return done, nil
}

// trust acknowledges findings in one account and region. It writes the action, then the
// pins: who has acknowledged something is known, even if that is all that is.
func (r *run) trust(ctx context.Context, targeted map[string]bool, target string, t Trusting) (done []ledger.Change, known int, err error) {
	a := ledger.Action{
		Kind: ledger.Trust, ID: t.ID, Who: t.Who, Why: t.Why, When: r.now().UTC().Truncate(time.Second),
		Account: r.account(), Region: r.Name, Target: target,
	}
	for range compareAttempts {
		if a.Hosts, known, err = r.trustPins(ctx, a, targeted, t.Kind); !errors.Is(err, ledger.ErrChanged) {
			break
		}
	}
	if err != nil || len(a.Hosts) == 0 {
		return nil, known, err
	}
	a.Completed = r.now().UTC().Truncate(time.Second)
	return a.Hosts, known, r.ledger.WriteAction(ctx, a)
}

// trustPins writes the pins without the findings, if there are any.
func (r *run) trustPins(ctx context.Context, a ledger.Action, targeted map[string]bool, kind report.Suspicion) (done []ledger.Change, known int, err error) {
	pins, err := r.ledger.Pins(ctx, a.Account, a.Region)
	if err != nil {
		return nil, 0, err
	}
	err = pins.Each(func(pin ledger.Pin) error {
		if !targeted[pin.Instance] {
			return nil
		}
		known++
		if _, taken := split(pin.Open, kind); len(taken) > 0 {
			done = append(done, ledger.Change{Instance: pin.Instance, Name: pin.Name, Done: true, Before: pin.Digests, After: pin.Digests, Findings: taken})
		}
		return nil
	})
	if err != nil || len(done) == 0 {
		return nil, known, err
	}
	a.Hosts = done
	if err := r.ledger.WriteAction(ctx, a); err != nil {
		return nil, known, err
	}
	return done, known, pins.Replace(ctx, func(put func(ledger.Pin) error) error {
		return pins.Each(func(pin ledger.Pin) error {
			if targeted[pin.Instance] {
				pin.Open, _ = split(pin.Open, kind)
			}
			return put(pin)
		})
	})
}
