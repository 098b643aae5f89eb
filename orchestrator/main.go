// Command orchestrator sweeps a fleet for changed files; see README.md.
package main

import (
	"os"

	"aidefleet/orchestrator/cli"
	"aidefleet/orchestrator/lambda"
)

func main() {
	if lambda.Here() {
		os.Exit(lambda.Main())
	}
	os.Exit(cli.Main(cli.UntilInterrupted(), os.Args, os.Stdout, os.Stderr))
}
