package cli

import (
	"context"
	"time"

	"aidefleet/orchestrator/runcommand"
)

// clock is by whose time a sweep waits. Without one in the context it is the real one.
type clock struct {
	now  func() time.Time
	pace runcommand.Pace
}

type clockKey struct{}

func clockOf(ctx context.Context) clock {
	if c, ok := ctx.Value(clockKey{}).(clock); ok {
		return c
	}
	return clock{now: time.Now, pace: runcommand.DefaultPace}
}
