// Command orchestrator sweeps a fleet for changed files; see README.md.
package main

import (
	"os"

	"aidefleet/orchestrator/cli"
)

func main() {
	os.Exit(cli.Main(cli.UntilInterrupted(), os.Args, os.Stdout, os.Stderr))
}
