package cli

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts of bash and zsh ask the program what can come next. It answers with
// --generate-bash-completion as the last argument, and does nothing else then.
var (
	//go:embed completion/bash
	bashCompletion string
	//go:embed completion/zsh
	zshCompletion string
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print the script by which a shell completes commands and options",
		UsageText:   "orchestrator completion bash|zsh|fish",
		Description: "bash:  source <(orchestrator completion bash)\nzsh:   source <(orchestrator completion zsh)\nfish:  orchestrator completion fish | source",
		Subcommands: []*cli.Command{
			{Name: "bash", Usage: "the script of bash 4 and later", Action: printCompletion(func(*cli.App) (string, error) { return bashCompletion, nil })},
			{Name: "zsh", Usage: "the script of zsh", Action: printCompletion(func(*cli.App) (string, error) { return zshCompletion, nil })},
			{Name: "fish", Usage: "the script of fish", Action: printCompletion(fishCompletion)},
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usageError{errors.New("no shell: want bash, zsh or fish")}
			}
			return usageError{fmt.Errorf("shell %.40q: want bash, zsh or fish", c.Args().First())}
		},
	}
}

// fishCompletion has all commands and options in it. The names of values are quoted only
// for the help.
func fishCompletion(app *cli.App) (string, error) {
	script, err := app.ToFishCompletion()
	return strings.ReplaceAll(script, "`", ""), err
}

func printCompletion(script func(*cli.App) (string, error)) cli.ActionFunc {
	return func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		text, err := script(c.App)
		if err == nil {
			_, err = io.WriteString(c.App.Writer, text)
		}
		if err != nil {
			return fmt.Errorf("write the script: %w", err)
		}
		return nil
	}
}
