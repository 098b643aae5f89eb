package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// Memory is what the collector of garbage aims at: garbage in percent of what is
// live, and less than that above limit, in bytes. The defaults would take a sweep
// of 50,000 hosts beyond 200 MiB.
const (
	garbage = 60
	limit   = 140 << 20
)

func init() {
	debug.SetGCPercent(garbage)
	debug.SetMemoryLimit(limit)
}

// UntilInterrupted is a context that ends when the process is asked to. One
// interrupt may come as two, to the process and to its group; another one a
// second later ends the process at once.
func UntilInterrupted() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		time.Sleep(time.Second)
		stop()
	})
	return ctx
}
