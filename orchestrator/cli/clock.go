package cli

import (
	"context"

	"aidefleet/orchestrator/sweep"
)

type clockKey struct{}

// WithClock gives a command line another clock than the real one. The clock is asked for
// after the command line has been read.
func WithClock(ctx context.Context, clock func() sweep.Clock) context.Context {
	return context.WithValue(ctx, clockKey{}, clock)
}

// clockOf is the clock by which a sweep waits.
func clockOf(ctx context.Context) sweep.Clock {
	if clock, ok := ctx.Value(clockKey{}).(func() sweep.Clock); ok {
		return clock()
	}
	return sweep.Clock{}
}
