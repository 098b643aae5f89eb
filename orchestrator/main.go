// Command orchestrator sweeps a fleet for changed files; see README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"aidefleet/orchestrator/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(cli.Main(ctx, os.Args, os.Stdout, os.Stderr))
}
