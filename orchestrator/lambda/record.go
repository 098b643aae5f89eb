package lambda

import (
	"context"
	"fmt"
	"time"

	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// recordEnded records a command whose end EventBridge has announced and that changed
// baselines or programs, whoever sent it.
func (f *function) recordEnded(ctx context.Context, id string) (*outcome, error) {
	c, err := runcommand.Get(ctx, f.collecting.Commands, id)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if !c.Done() {
		if c, err = f.awaitEnd(ctx, c); err != nil && ctx.Err() == nil {
			return nil, fmt.Errorf("record: %w", err)
		}
	}
	recorded, err := f.recordActions(ctx, c.Requested)
	switch {
	case err != nil:
		return nil, fmt.Errorf("record %s: %w", c.ID, err)
	case recorded == 0:
		return f.leave(c, "the ledger knows it, or it is not over yet: the next reconcile looks again")
	}
	f.log.Info("actions recorded", "command", c.ID, "actions", recorded)
	return &outcome{Did: "recorded", Command: c.ID, Actions: recorded}, nil
}

// recordActions records what was done since a time and the ledger does not know.
func (f *function) recordActions(ctx context.Context, since time.Time) (int, error) {
	if f.ledger == nil {
		return 0, nil
	}
	return sweep.RecordActions(ctx, f.collecting, f.ledger, since, sweep.Clock{Pace: f.pace, Now: f.now})
}
