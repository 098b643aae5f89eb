package cli

import (
	"errors"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/evidence"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:      "history",
		Usage:     "say what was found and done in a fleet, or on one host",
		UsageText: "orchestrator history [HOST] [--since 90d] [options]\n\nHOST is an instance id, or the Name that one host had.",
		Flags:     flags(sinceFlag(), fleetFlag(), regionFlag(), ledgerFlags(), outputFlag(), htmlFlag()),
		Action:    history,
	}
}

func history(c *cli.Context) error {
	args, err := argumentsFirst(c)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		return unexpected(c, args[1])
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	l, q, err := lookBack(c)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		life, err := evidence.HostLife(c.Context, l, q, args[0])
		if life.Instance == "" {
			return err
		}
		if perr := writePage(c, out, lifePage(life)); perr != nil {
			return errors.Join(err, perr)
		}
		return errors.Join(evidence.WriteLife(out.stdout, out.form(), life), err)
	}
	sweeps, done, err := evidence.Sweeps(c.Context, l, q)
	var unread evidence.Unread
	if err != nil && !errors.As(err, &unread) {
		return err
	}
	if c.String("html") != "" {
		p, perr := fleetPage(c.Context, l, q, sweeps, done)
		if perr == nil {
			perr = writePage(c, out, p)
		}
		if perr != nil {
			return errors.Join(err, perr)
		}
	}
	return errors.Join(evidence.WriteSweeps(out.stdout, out.form(), sweeps, done), err)
}
