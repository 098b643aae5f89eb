package cli

import "github.com/urfave/cli/v2"

func labCommand() *cli.Command { return &cli.Command{Name: "lab"} }
