package runcommand

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Pace says how often a command is looked at. A look is one call, however many
// hosts there are.
type Pace struct {
	First, Max time.Duration // the wait grows from First to Max while nothing happens
	// Sleep waits for d or until the context ends; nil is the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// DefaultPace looks twice in the first second and four times a minute later on.
var DefaultPace = Pace{First: 400 * time.Millisecond, Max: 15 * time.Second}

// Wait waits for d, or until the context ends and returns its error.
func (p Pace) Wait(ctx context.Context, d time.Duration) error {
	if p.Sleep != nil {
		return p.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Watch looks at the command until settled says so or until patience has
// passed, and returns its last state. settled is also called after every look,
// so that a caller can show progress. A command that is done is always settled.
func Watch(ctx context.Context, api API, c Command, pace Pace, patience time.Duration, settled func(Command) bool) (Command, error) {
	wait, waited := pace.First, time.Duration(0)
	for {
		now, err := Get(ctx, api, c.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			// Not visible yet: the service is eventually consistent.
		case err != nil:
			return c, err
		default:
			if now.Completed > c.Completed {
				wait = pace.First // hosts finish in bunches
			}
			c = now
			if settled(c) || c.Done() {
				return c, nil
			}
		}
		if waited >= patience {
			return c, nil
		}
		d := jitter(min(wait, max(patience-waited, pace.First)))
		if err := pace.Wait(ctx, d); err != nil {
			return c, err
		}
		waited += d
		wait = min(wait*3/2, pace.Max)
	}
}

// jitter spreads the calls of many orchestrators: d ± 20 %.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
