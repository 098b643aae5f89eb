package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/suspect"
	documents "aidefleet/ssm-documents"
)

// compareAttempts is how often pins are read and written again if other sweeps write them
// meanwhile.
const compareAttempts = 20

// compare is a stage: it holds what the hosts say of their baselines against what
// they said before, and remembers it. If that fails the sweep goes on, and says so.
func (r *run) compare(ctx context.Context) {
	if r.ledger == nil || r.down != nil || r.request.Document != documents.Check || r.interrupted != nil || len(r.sent()) == 0 || len(r.report.Hosts) == 0 {
		return
	}
	var beside, err error
	for range compareAttempts {
		if beside, err = r.comparePins(ctx); !errors.Is(err, ledger.ErrChanged) {
			break
		}
	}
	if r.isDown(err) {
		err = nil // record says so
	}
	if err = errors.Join(beside, err); err != nil {
		r.errs = append(r.errs, fmt.Errorf("compare with the ledger: %w", err))
	}
	r.report.Count()
}

// isDown notes that the ledger cannot be reached, if that is what an error of its says: no
// more than one of the stages is to wait for it.
func (r *run) isDown(err error) bool {
	if err == nil || ledger.IsObjectError(err) || errors.Is(err, ledger.ErrChanged) {
		return false
	}
	r.down = err
	return true
}

// comparePins reads the pins, compares, and writes the new pins. beside is what keeps
// nobody from being compared.
func (r *run) comparePins(ctx context.Context) (beside, err error) {
	pins, err := r.ledger.Pins(ctx, r.account(), r.Name)
	if err != nil {
		return nil, err
	}
	c := suspect.New(r.report.Hosts, r.answers())
	since, err := c.Read(pins)
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		if beside, err = r.explainChanges(ctx, c, since); err != nil {
			return beside, err
		}
	}
	c.Mark()
	return beside, pins.Replace(ctx, func(put func(ledger.Pin) error) error { return c.Replace(pins, put) })
}

// explainChanges looks for the actions that explain what hosts say. beside is what does not
// keep hosts from being compared: a broken object, a history that may not be read.
func (r *run) explainChanges(ctx context.Context, c *suspect.Comparison, since time.Time) (beside, err error) {
	actions, beside, err := r.actionsSince(ctx, since)
	if c.Explain(actions); err != nil || !c.Unexplained() {
		return beside, err
	}
	// Perhaps nobody has recorded them: a command of the console, or an orchestrator that
	// was killed.
	_, beside = r.recordActions(ctx, since)
	actions, broken, err := r.actionsSince(ctx, since)
	c.Explain(actions)
	return errors.Join(beside, broken), err
}

// actionsSince are the actions in this account and region. broken says which objects are
// not readable as actions.
func (r *run) actionsSince(ctx context.Context, since time.Time) (actions []ledger.Action, broken, err error) {
	err = r.ledger.Actions(ctx, since.Add(-suspect.Tolerance), r.now(), func(a ledger.Action) {
		if a.Account == r.account() && a.Region == r.Name {
			actions = append(actions, a)
		}
	})
	if ledger.IsObjectError(err) {
		return actions, err, nil
	}
	return actions, nil, err
}

// answers tell which command each host of the report answered with a result line.
func (r *run) answers() func(i int) suspect.Answer {
	sent := r.sent()
	return func(i int) suspect.Answer {
		h := &r.report.Hosts[i]
		c := sent[0]
		if r.sentTo != nil {
			c = r.sentTo[h.Instance]
		}
		a := suspect.Answer{Requested: r.report.Started}
		if c != nil {
			a.Requested = c.Requested.UTC()
			if h.Status != report.Missing && h.Reason != report.BadOutput {
				a.Command = c.ID
			}
		}
		return a
	}
}
