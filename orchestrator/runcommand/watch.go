package runcommand

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Pace says how often to look at a command. A look is one call, however many hosts there
// are.
type Pace struct {
	First, Max time.Duration // bounds of a wait

	// Share is the next wait as a part of the time so far. So the end of a command is seen
	// late by no more than that, and a long command costs few looks. The wait is five times
	// as long while no host has ended, and half as long once nine of ten have.
	Share float64

	// Sleep waits for d or until the context ends; nil is the real clock.
	Sleep func(ctx context.Context, d time.Duration) error
}

// DefaultPace sees the end of a command within 2 % of its time: some 150 looks
// at one of a minute, 550 at one of four hours.
var DefaultPace = Pace{First: 50 * time.Millisecond, Max: 30 * time.Second, Share: 0.02}

// next is the wait after a look at a command that has been watched for that long.
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

// Watch looks at the command until settled returns true or patience has passed, and returns
// its last state. before is how long it has been watched already. settled is called after
// every look, so that a caller can show progress. A command that is done is always settled.
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
