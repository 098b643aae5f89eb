package cli

import (
	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func downCommand() *cli.Command {
	return &cli.Command{Name: "down", Usage: "end the lab and throw its folder away", Flags: []cli.Flag{dirFlag()}, Action: down}
}

func down(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	return lab.Down(dir)
}
