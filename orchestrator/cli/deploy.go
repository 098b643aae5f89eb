package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/deploy"
)

func deployCommand() *cli.Command {
	return &cli.Command{
		Name:  "deploy",
		Usage: "what runs the sweeps by itself, as a CloudFormation stack",
		Subcommands: []*cli.Command{
			{Name: "template", Usage: "print the stack's template", UsageText: "orchestrator deploy template >stack.yaml",
				Description: "No AWS call is made. docs/deploy.md says how to deploy it.", Action: deployTemplate},
		},
	}
}

func deployTemplate(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if _, err := io.WriteString(c.App.Writer, deploy.Template(Version)); err != nil {
		return fmt.Errorf("write the template: %w", err)
	}
	return nil
}
