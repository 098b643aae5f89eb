package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is what was done.
type Kind string

// The kinds of actions.
const (
	Accept    Kind = "accept"
	Undo      Kind = "undo"
	Init      Kind = "init"
	Configure Kind = "configure"
	Install   Kind = "install"
	Trust     Kind = "trust"
	HoldBegin Kind = "hold"
	HoldEnd   Kind = "hold_end"
)

// UnknownCaller is who did something of which the ledger cannot tell.
const UnknownCaller = "unknown"

// Action is what somebody did to baselines, programs or findings, in one account and
// region. It is written before its command is sent, and again when that is over.
type Action struct {
	V           int       `json:"v"`
	Kind        Kind      `json:"action"`
	ID          string    `json:"id"`  // of the run, or of the command if no run of ours sent it
	Who         string    `json:"who"` // ARN of the caller, or UnknownCaller
	When        time.Time `json:"when"`
	Why         string    `json:"why,omitempty"`
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Target      string    `json:"target,omitempty"` // the selector as text
	Fingerprint string    `json:"fingerprint,omitempty"`
	Group       string    `json:"group,omitempty"`    // accept: the group of changes, if it was one
	Force       bool      `json:"force,omitempty"`    // init: also in place of a baseline
	Commands    []string  `json:"commands,omitempty"` // ids
	Console     bool      `json:"console,omitempty"`  // sent by somebody else than this program
	// Completed is when the results were known; zero while they are not.
	Completed time.Time `json:"completed,omitzero"`
	Until     time.Time `json:"until,omitzero"` // of a hold
	Hosts     []Change  `json:"hosts"`
}

// Change is what an action did on one host.
type Change struct {
	Instance string  `json:"instance"`
	Name     string  `json:"name,omitempty"`
	Done     bool    `json:"done"`
	Reason   string  `json:"reason,omitempty"` // why it was not done
	Before   Digests `json:"before"`           // as the ledger or the host's last check had them
	After    Digests `json:"after"`            // as the host's answer has them
	Was      string  `json:"was,omitempty"`    // baseline that the host says it replaced
	// Findings are those that a trust acknowledged.
	Findings []Finding `json:"findings,omitempty"`
}

func (a Action) run() Run {
	return Run{Account: a.Account, Region: a.Region, ID: a.ID, Started: a.When}
}

// WriteAction writes an action. One of the same run, account, region and time is replaced.
func (l *Ledger) WriteAction(ctx context.Context, a Action) error {
	a.V = Version
	data, err := encode(a)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.object(actionKey(a.run())), err)
	}
	return l.Store.Write(ctx, actionKey(a.run()), data)
}

// fewDays is for how many days the actions are listed day by day.
const fewDays = 7

// Actions calls with each action between two times, the oldest day first. It goes on after
// objects that are broken or of another version, and returns an error for each.
func (l *Ledger) Actions(ctx context.Context, from, to time.Time, see func(Action)) error {
	var errs []error
	days := dates(from, to)
	prefixes := days
	if len(days) > fewDays {
		prefixes = []string{""} // they are fewer than the days of a year
	}
	for _, prefix := range prefixes {
		keys, err := l.Store.List(ctx, strings.TrimSuffix("actions/"+prefix, "/")+"/")
		if err != nil {
			return err
		}
		for _, key := range keys {
			if date, _, _ := strings.Cut(strings.TrimPrefix(key, "actions/"), "/"); !strings.HasSuffix(key, ".json") || date < days[0] || date > days[len(days)-1] {
				continue
			}
			var a Action
			if _, err := l.readJSON(ctx, key, &a); err != nil {
				if errs = append(errs, err); !IsObjectError(err) {
					return err
				}
				continue
			}
			if !a.When.Before(from.Truncate(time.Second)) && !a.When.After(to) {
				see(a)
			}
		}
	}
	return errors.Join(errs...)
}

func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", " ")
	return append(data, '\n'), err
}
