package cli

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func execCommand() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a program on a host", UsageText: "lab exec [--dir DIR] HOST -- PROGRAM [ARGUMENTS]",
		Flags: []cli.Flag{dirFlag()}, Action: execute,
	}
}

func execute(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	if len(args) < 2 {
		return usageError{errors.New("want HOST -- PROGRAM [ARGUMENTS]")}
	}
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	exit, err := lab.Exec(c.Context, dir, args[0], args[1:], os.Stdin, c.App.Writer, c.App.ErrWriter)
	if err != nil || exit == 0 {
		return err
	}
	return exitStatus(exit)
}
