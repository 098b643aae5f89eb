package cli

import (
	"github.com/urfave/cli/v2"

	"aidefleet/lab/host"
)

func confinedCommand() *cli.Command {
	return &cli.Command{
		Name: host.ConfinedCommand, Hidden: true, Usage: "turn into a program with a host's capabilities, in its sandbox",
		SkipFlagParsing: true, // what follows is another program's
		Action:          func(c *cli.Context) error { return host.Confine(c.Args().Slice()) },
	}
}
