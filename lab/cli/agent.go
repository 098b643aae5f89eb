package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/agent"
)

func agentCommand() *cli.Command {
	return &cli.Command{Name: "agent", Hidden: true, Usage: "the stand-in agent, in a host's sandbox", Action: runAgent}
}

// runAgent reads the agent's configuration from stdin: arguments could be read by
// anybody.
func runAgent(c *cli.Context) error {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("read agent configuration: %w", err)
	}
	config, err := agent.ParseConfig(string(text))
	if err != nil {
		return err
	}
	config.Logger = slog.New(slog.NewTextHandler(c.App.ErrWriter, nil))
	return agent.Run(c.Context, config)
}
