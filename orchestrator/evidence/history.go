package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
)

// Sweep is what one sweep of a fleet found, all accounts and regions together.
type Sweep struct {
	Fleet   string    `json:"fleet"`
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
	Hosts   int       `json:"hosts"`
	Clean   int       `json:"clean"`
	Changed int       `json:"changed"`
	Failed  int       `json:"failed"`
	Missing int       `json:"missing"`
	Suspect int       `json:"suspect"`
	Held    int       `json:"held"`
	New     int       `json:"new"` // changes that were not there in the checks before
}

// Action is what somebody did, without the hosts that it was done to.
type Action struct {
	Kind        ledger.Kind `json:"action"`
	When        time.Time   `json:"when"`
	Who         string      `json:"who"`
	Why         string      `json:"why,omitempty"`
	Target      string      `json:"target,omitempty"`
	Fingerprint string      `json:"fingerprint,omitempty"`
	Console     bool        `json:"console,omitempty"`
	Hosts       int         `json:"hosts"` // on which it was done
	Reason      string      `json:"reason,omitempty"`
	Findings    []string    `json:"findings,omitempty"`
}

// Check is what one sweep found on one host.
type Check struct {
	Fleet string `json:"fleet"`
	ledger.HostRow
}

// Life is what is known of one host.
type Life struct {
	Instance string      `json:"instance"`
	Name     string      `json:"name,omitempty"`
	Checks   []Check     `json:"checks"`
	Actions  []Action    `json:"actions"`
	Pin      *ledger.Pin `json:"pin,omitempty"` // what it claims now
}

// ErrUnknownHost says that no sweep in the time of the query has such a host.
var ErrUnknownHost = errors.New("no sweep has a host")

// Sweeps are the sweeps of the query and the actions of its time, the oldest first. The
// error is Unread if some objects could not be read; what could be read is returned.
func Sweeps(ctx context.Context, l *ledger.Ledger, q Query) (list []Sweep, done []Action, err error) {
	all, err := sweeps(ctx, l, q)
	if err != nil {
		return nil, nil, err
	}
	var unread Unread
	for _, s := range all {
		one := Sweep{Fleet: s.fleet, Run: s.run, Started: s.at}
		if err := s.rows(ctx, l, &unread, func(_ ledger.SweepID, h ledger.HostRow) { one.count(h) }); err != nil {
			return nil, nil, err
		}
		list = append(list, one)
	}
	acts, err := actions(ctx, l, q, &unread)
	if err != nil {
		return nil, nil, err
	}
	return list, summaries(acts), unread.or()
}

func (s *Sweep) count(h ledger.HostRow) {
	s.Hosts++
	s.New += h.New
	switch h.Status {
	case "clean":
		s.Clean++
	case "drift":
		s.Changed++
	case "failed":
		s.Failed++
	default:
		s.Missing++
	}
	if len(h.Suspect) > 0 {
		s.Suspect++
	}
	if h.Held != "" {
		s.Held++
	}
}

// summaries are actions without the hosts that they were done to.
func summaries(acts []ledger.Action) (list []Action) {
	for _, a := range acts {
		list = append(list, summary(a, ""))
	}
	return list
}

// summary is an action, or what it did to one instance.
func summary(a ledger.Action, instance string) Action {
	out := Action{Kind: a.Kind, When: a.When, Who: a.Who, Why: a.Why, Target: a.Target, Fingerprint: a.Fingerprint, Console: a.Console}
	for _, h := range a.Hosts {
		if instance != "" && h.Instance != instance {
			continue
		}
		if h.Done {
			out.Hosts++
		}
		if instance != "" {
			out.Reason = h.Reason
			for _, f := range h.Findings {
				out.Findings = append(out.Findings, f.Kind)
			}
		}
	}
	return out
}

// HostLife is the life of one host, named by its instance id or its Name. A Name that
// several instances had is refused with their ids.
func HostLife(ctx context.Context, l *ledger.Ledger, q Query, host string) (life Life, err error) {
	all, err := sweeps(ctx, l, q)
	if err != nil {
		return life, err
	}
	var unread Unread
	ids := map[string]string{} // by instance, its last Name
	var checks []Check
	for _, s := range all {
		err := s.rows(ctx, l, &unread, func(part ledger.SweepID, h ledger.HostRow) {
			if h.Instance == host || h.Name == host {
				ids[h.Instance] = h.Name
				checks = append(checks, Check{part.Fleet, h})
			}
		})
		if err != nil {
			return life, err
		}
	}
	switch {
	case len(ids) == 0:
		return life, errors.Join(fmt.Errorf("%w %q from %s to %s", ErrUnknownHost, host, q.From.UTC().Format(time.DateOnly), q.To.UTC().Format(time.DateOnly)), unread.or())
	case len(ids) > 1:
		return life, fmt.Errorf("%d hosts have the Name %q: give one of the ids %s", len(ids), host, strings.Join(slices.Sorted(maps.Keys(ids)), ", "))
	}
	for id, name := range ids {
		life.Instance, life.Name = id, name
	}
	life.Checks = checks
	acts, err := actions(ctx, l, q, &unread)
	if err != nil {
		return life, err
	}
	for _, a := range acts {
		if slices.ContainsFunc(a.Hosts, func(h ledger.Change) bool { return h.Instance == life.Instance }) {
			life.Actions = append(life.Actions, summary(a, life.Instance))
		}
	}
	if life.Pin, err = pinOf(ctx, l, checks[len(checks)-1].HostRow); err != nil {
		unread = append(unread, err)
	}
	return life, unread.or()
}

// pinOf is the pin of a host; nil if there is none.
func pinOf(ctx context.Context, l *ledger.Ledger, h ledger.HostRow) (found *ledger.Pin, err error) {
	pins, err := l.Pins(ctx, h.Account, h.Region)
	if err != nil {
		return nil, err
	}
	err = pins.Each(func(pin ledger.Pin) error {
		if pin.Instance == h.Instance {
			found = &pin
		}
		return nil
	})
	return found, err
}
