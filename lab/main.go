// Command lab is a fleet in a box; see docs/lab.md.
package main

import (
	"os"

	"aidefleet/lab/cli"
)

func main() {
	os.Exit(cli.Main(cli.UntilInterrupted(), os.Args, os.Stdout, os.Stderr))
}
