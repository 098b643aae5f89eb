package cli

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/lab"
)

func envCommand() *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "print the environment in which an SDK uses the lab", UsageText: `eval "$(lab env)"`,
		Flags: []cli.Flag{dirFlag()}, Action: env,
	}
}

func env(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	dir, err := labDir(c)
	if err != nil {
		return err
	}
	s, up, err := lab.Read(dir)
	if err != nil {
		return err
	}
	if !up {
		return fmt.Errorf("the lab in %s is not up; lab up starts it", dir)
	}
	if !s.Ready {
		return fmt.Errorf("the lab in %s is not ready: its baselines are being taken; try again", dir)
	}
	environment, err := lab.Environment(dir)
	if err != nil {
		return err
	}
	for _, v := range environment {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(c.App.Writer, "export %s=%s\n", name, shellQuote(value))
	}
	fmt.Fprintln(c.App.Writer, "unset AWS_PROFILE AWS_SESSION_TOKEN")
	return nil
}

func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
