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
	First, Max time.Duration // bounds of a wait

	// Share is the part of the time so far that the next wait takes: the end of a
	// command is seen late by no more than that, with few looks at a long one.
	// While no host has ended it is five times as much, and half of it once nine of
	// ten have.
	Share float64

	// Sleep waits for d or until the context ends; nil is the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// DefaultPace sees the end of a command within 2 % of its time: some 150 looks
// at one of a minute, 550 at one of four hours.
var DefaultPace = Pace{First: 50 * time.Millisecond, Max: 30 * time.Second, Share: 0.02}

// next is the wait after a look at a command that has been watched for so long.
func (p Pace) next(c Command, waited time.Duration) time.Duration {
	share := p.Share
	switch {
	case c.Completed == 0:
		share *= 5
	case c.Completed >= c.Targeted/10*9:
		share /= 2
	}
	return min(max(p.First, time.Duration(share*float64(waited))), p.Max)
}

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
// passed, and returns its last state. before is how long it has been watched.
// settled is also called after every look, so that a caller can show progress. A
// command that is done is always settled.
func Watch(ctx context.Context, api API, c Command, pace Pace, before, patience time.Duration, settled func(Command) bool) (Command, error) {
	for waited := time.Duration(0); ; {
		now, err := Get(ctx, api, c.ID)
		switch {
		case errors.Is(err, ErrNotFound):
			// Not visible yet: the service is eventually consistent.
		case err != nil:
			return c, err
		default:
			c = now
			if settled(c) || c.Done() {
				return c, nil
			}
		}
		if waited >= patience {
			return c, nil
		}
		d := jitter(min(pace.next(c, before+waited), max(patience-waited, pace.First)))
		if err := pace.Wait(ctx, d); err != nil {
			return c, err
		}
		waited += d
	}
}

// jitter spreads the calls of many orchestrators: d ± 20 %.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
