// Package evidence answers questions about the past from the ledger: what happened in a
// fleet or to a host (History), and what an auditor asks (Evidence). It reads sweep by
// sweep, and keeps of each host only its state.
package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/ledger"
)

// Query says which part of the ledger is meant.
type Query struct {
	Fleet    string // empty is every fleet
	From, To time.Time
}

// sweep is one sweep of a fleet: what each account and region recorded of one run.
type sweep struct {
	fleet string
	run   string
	at    time.Time // of the first account and region
	parts []ledger.SweepID
}

// Unread is what could not be read, and why. All else was.
type Unread []error

func (u Unread) Error() string {
	return fmt.Sprintf("%d objects of the ledger could not be read: %v", len(u), errors.Join(u...))
}

// sweeps are those of the query, the oldest first. The parts of one run, of several
// accounts and regions, have the same end of their names.
func sweeps(ctx context.Context, l *ledger.Ledger, q Query) (list []sweep, err error) {
	found, err := l.Sweeps(ctx, q.Fleet, q.From, q.To)
	if err != nil {
		return nil, err
	}
	at := map[[2]string]int{}
	for _, s := range found {
		key := [2]string{s.Fleet, cmp.Or(s.Run, s.Name)}
		i, known := at[key]
		if !known {
			i = len(list)
			at[key], list = i, append(list, sweep{fleet: s.Fleet, run: key[1], at: s.Time})
		}
		list[i].parts = append(list[i].parts, s)
		if s.Time.Before(list[i].at) {
			list[i].at = s.Time
		}
	}
	slices.SortStableFunc(list, func(a, b sweep) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.fleet, b.fleet)) })
	return list, nil
}

// rows calls with each host of a sweep. What cannot be read is added to unread.
func (s sweep) rows(ctx context.Context, l *ledger.Ledger, unread *Unread, see func(part ledger.SweepID, h ledger.HostRow)) error {
	for _, part := range s.parts {
		err := l.Hosts(ctx, part, func(h ledger.HostRow) { see(part, h) })
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			*unread = append(*unread, err)
		}
	}
	return nil
}

// actions are those of the query's time, the oldest first.
func actions(ctx context.Context, l *ledger.Ledger, q Query, unread *Unread) (list []ledger.Action, err error) {
	err = l.Actions(ctx, q.From, q.To, func(a ledger.Action) { list = append(list, a) })
	if err != nil {
		if !ledger.IsObjectError(err) {
			return nil, err
		}
		*unread = append(*unread, err)
	}
	slices.SortStableFunc(list, func(a, b ledger.Action) int { return a.When.Compare(b.When) })
	return list, nil
}

// or is what could not be read as an error; nil if all could.
func (u Unread) or() error {
	if len(u) == 0 {
		return nil
	}
	return u
}
