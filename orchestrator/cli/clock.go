package cli

import (
	"context"

	"aidefleet/orchestrator/sweep"
)

type clockKey struct{}

// clockOf is by whose time a sweep waits. Without one in the context it is the real one.
func clockOf(ctx context.Context) sweep.Clock {
	c, _ := ctx.Value(clockKey{}).(sweep.Clock)
	return c
}
