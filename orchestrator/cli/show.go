package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/sweep"
)

var reportIDPattern = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z(-[1-9][0-9]{0,3})?$`) // as in the document

// pageFormats are the formats of results that are no report of a sweep.
var pageFormats = []string{"table", "json"}

// somePages is how many pages of a list are shown without --all: some 10,000 changes.
const somePages = 50

func showCommand() *cli.Command {
	return &cli.Command{
		Name:      "show",
		Usage:     "print the whole list of changes that a check found on one host",
		UsageText: "orchestrator show HOST [options]\n\nHOST is an instance id, or the Name tag of one host.",
		Flags: flags(
			&cli.StringFlag{Name: "id", Usage: "`ID` of the report, the newest where it is not given"},
			&cli.BoolFlag{Name: "unexplained", Usage: "leave out the changes that the host's package database explains"},
			&cli.BoolFlag{Name: "all", Usage: fmt.Sprintf("do not stop after %d pages, some 10,000 changes", somePages)},
			placeFlags(), outputFlag(pageFormats...)),
		Action: show,
	}
}

func show(c *cli.Context) error {
	args, err := argumentsFirst(c)
	if err != nil {
		return err
	}
	id := c.String("id")
	switch {
	case len(args) == 0 || args[0] == "":
		return usageError{errors.New("want a HOST: an instance id, or the Name tag of a host")}
	case len(args) > 1:
		return unexpected(c, args[1])
	case id != "" && !reportIDPattern.MatchString(id):
		return usageError{fmt.Errorf("--id %q: want the id of a report, such as 20261123T050000Z", id)}
	}
	out, err := newOutput(c, pageFormats...)
	if err != nil {
		return err
	}
	regions, err := regionsOf(c, nil)
	if err != nil {
		return err
	}
	region, host, err := oneHost(c.Context, regions, args[0])
	if err != nil {
		return err
	}
	v := viewer{out: out, region: region, host: host, report: id, unexplained: c.Bool("unexplained")}
	if !c.Bool("all") {
		v.pages = somePages
	}
	return v.show(c.Context)
}

// argumentsFirst reads options that follow arguments, which the flag package takes for
// arguments, and returns the arguments.
func argumentsFirst(c *cli.Context) (args []string, err error) {
	for rest := c.Args().Slice(); len(rest) > 0; {
		if !strings.HasPrefix(rest[0], "-") || rest[0] == "-" {
			args, rest = append(args, rest[0]), rest[1:]
			continue
		}
		set := flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
		set.SetOutput(io.Discard)
		for _, f := range c.Command.Flags {
			if err := f.Apply(set); err != nil {
				return nil, err
			}
		}
		if err := set.Parse(rest); err != nil {
			return nil, usageError{parseError(c.Command.Flags, err)}
		}
		set.Visit(func(given *flag.Flag) {
			value := given.Value.String()
			if list, ok := given.Value.(cli.Serializer); ok {
				value = list.Serialize()
			}
			for _, f := range c.Command.Flags {
				if slices.Contains(f.Names(), given.Name) {
					err = errors.Join(err, c.Set(f.Names()[0], value))
				}
			}
		})
		if err != nil {
			return nil, usageError{err}
		}
		rest = set.Args()
	}
	return args, nil
}

// oneHost finds the one host with that id or that Name tag.
func oneHost(ctx context.Context, regions []sweep.Region, name string) (r sweep.Region, h fleet.Host, err error) {
	s := fleet.Selector{Tags: []fleet.Tag{{Key: "Name", Values: []string{name}}}}
	if fleet.IsID(name) {
		s = fleet.Selector{Instances: []string{name}}
	}
	found, err := sweep.Select(ctx, regions, s)
	if err != nil {
		return r, h, err
	}
	var ids []string
	for _, f := range found {
		if f.Err != nil {
			return r, h, fmt.Errorf("%s: %w", f.Name, f.Err)
		}
		for _, one := range f.Hosts {
			r, h = f.Region, one
			ids = append(ids, one.ID)
		}
	}
	if len(ids) > 1 {
		return r, h, usageError{fmt.Errorf("%d hosts are called %q: name one by its id: %s", len(ids), name, strings.Join(ids, " "))}
	}
	return r, h, nil
}
