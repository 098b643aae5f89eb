package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// garbage is how much of its live memory a process may have as garbage, in
// percent. The default, 100, would take a sweep of 50,000 hosts beyond 200 MiB.
const garbage = 25

func init() { debug.SetGCPercent(garbage) }

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
