package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
)

// usageError is a command line that is wrong.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// commandError is an error of a command, as people give it: orchestrator sweep.
type commandError struct {
	command string
	err     error
}

func (e commandError) Error() string { return e.err.Error() }
func (e commandError) Unwrap() error { return e.err }

// strict makes every command refuse unknown flags and commands in the same way, and say
// which command an error is of.
func strict(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError, c.HideHelpCommand = onUsageError, true
		if c.Action == nil {
			c.Action = unknownCommand
		}
		action := c.Action
		c.Action = func(c *cli.Context) error {
			if err := action(c); err != nil {
				return commandError{c.Command.HelpName, err}
			}
			return nil
		}
		strict(c.Subcommands)
	}
}

// How the package flag says that there is no such flag, and that a value is wrong.
var (
	unknownFlag = regexp.MustCompile(`^flag provided but not defined: -+(.+)$`)
	badValue    = regexp.MustCompile(`(?s)^invalid value (".*") for flag -+([a-z-]+): (.+)$`)
)

func onUsageError(c *cli.Context, err error, _ bool) error {
	flags := c.App.Flags
	name := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		flags, name = c.Command.Flags, c.Command.HelpName
	}
	return commandError{name, usageError{parseError(flags, err)}}
}

// parseError is an error of the package flag as ours are. It names the flag that was meant,
// if one is like the unknown one.
func parseError(flags []cli.Flag, err error) error {
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("--%s %s: %s", m[2], m[1], m[3])
	}
	m := unknownFlag.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	var names []string
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return errors.New("no flag --" + m[1] + didYouMean(names, m[1], "--"))
}

// alike is how like two words are, from 0 to 1, if one is taken for the other.
const alike = 0.8

// didYouMean names the word that is most like a given one, if one is like it.
func didYouMean(words []string, given, prefix string) string {
	best, nearest := alike, ""
	for _, word := range words {
		if like := smetrics.JaroWinkler(word, given, 0.7, 4); like > best && len(word) > 1 {
			best, nearest = like, word
		}
	}
	if nearest == "" {
		return ""
	}
	return ": did you mean " + prefix + nearest + "?"
}

// unknownCommand is the action of a command that only holds other commands.
func unknownCommand(c *cli.Context) error {
	if c.Args().Present() {
		return noCommand(c, c.Args().First())
	}
	if c.Command.Name == c.App.Name {
		return cli.ShowAppHelp(c)
	}
	return cli.ShowSubcommandHelp(c)
}

// noCommand is the error of a command that there is not, with the one that was meant, if
// one is like it.
func noCommand(c *cli.Context, name string) error {
	commands := c.Command.Subcommands
	if len(commands) == 0 {
		commands = c.App.Commands
	}
	var names []string
	for _, one := range commands {
		names = append(names, one.Names()...)
	}
	return usageError{fmt.Errorf("no command %q%s", name, didYouMean(names, name, ""))}
}

// noArguments refuses the first of the arguments that are left. It says which flag was
// forgotten, if it looks like the value of one.
func noArguments(c *cli.Context) error {
	if !c.Args().Present() {
		return nil
	}
	return unexpected(c, c.Args().First())
}

func unexpected(c *cli.Context, argument string) error {
	text := fmt.Sprintf("unexpected %q", argument)
	_, tagErr := fleet.ParseTag(argument)
	switch {
	case fleet.IsID(argument) && hasFlag(c, "instance"):
		text += ": did you mean --instance " + argument + "?"
	case tagErr == nil && hasFlag(c, "tag"):
		text += ": did you mean --tag " + report.Quote(argument) + "?"
	}
	return usageError{errors.New(text)}
}

func hasFlag(c *cli.Context, name string) bool {
	return slices.ContainsFunc(c.Command.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// versionCommand is the word for what is a flag too.
func versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version", UsageText: "orchestrator version",
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			cli.ShowVersion(c)
			return nil
		},
	}
}
