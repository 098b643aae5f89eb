package cli

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// longestHold is how long hosts may be held without a second thought.
const longestHold = 24 * time.Hour

func holdCommand() *cli.Command {
	return &cli.Command{
		Name:  "hold",
		Usage: "expect drift or silence of hosts for a while, as in a deploy",
		UsageText: "orchestrator hold --tag env=prod --for 2h --why \"deploy 1.2\" [options]\n\n" +
			"Held hosts are checked and published as ever, and shown as held. Their drift or silence alone\n" +
			"makes no exit code 3 or 4, and no mail; suspects always do. A hold is for every account and\n" +
			"region that has this ledger.",
		Flags: flags(targetFlags(), placeFlags(),
			&durationFlag{cli.DurationFlag{Name: "for", Usage: "`TIME` from now, such as 2h; at most 24h, longer needs --yes"}},
			&cli.StringFlag{Name: "why", EnvVars: env("WHY"), Usage: "`TEXT` that is shown with the hosts: the deploy, a ticket"},
			&cli.BoolFlag{Name: "yes", Usage: "hold for longer than 24h"},
			ledgerFlags()),
		Action: hold,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "say what is held", Action: listHolds,
				Flags: flags(&cli.BoolFlag{Name: "all", Usage: "those that are over too"}, regionFlag(), ledgerFlags(), outputFlag(listFormats...))},
			{Name: "end", Usage: "end a hold before its time", UsageText: "orchestrator hold end ID [options]", Action: endHold,
				Flags: flags(whyFlag(), regionFlag(), ledgerFlags())},
		},
	}
}

func hold(c *cli.Context) error {
	if c.Args().Present() && fleet.IsID(c.Args().First()) || strings.Contains(c.Args().First(), "=") {
		return noArguments(c)
	}
	if c.Args().Present() {
		return noCommand(c, c.Args().First())
	}
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	length := c.Duration("for")
	switch {
	case length <= 0:
		return usageError{fmt.Errorf("--for %s: want a time such as 2h", length)}
	case length > longestHold && !c.Bool("yes"):
		return usageError{fmt.Errorf("--for %s is longer than %s: add --yes if nobody is to be mailed for so long", length, longestHold)}
	case c.String("why") == "":
		return usageError{errors.New("--why is missing: say what is going on, for whoever sees held hosts")}
	}
	if err := cmp.Or(validateLedger(c), validateWhy(c)); err != nil {
		return err
	}
	regions, err := regionsOf(c, list)
	if err != nil {
		return err
	}
	memory, err := needLedger(c, regions[0].Name)
	if err != nil {
		return err
	}
	if s, err = resolveNames(c.Context, regions, s); err != nil {
		return err
	}
	found, err := sweep.Select(c.Context, regions, s)
	if err != nil {
		return err
	}
	h := newHold(c, s, callerOf(c, regions[0].Name))
	action := holdAction(h, ledger.HoldBegin, regions[0].Name)
	for _, f := range found {
		for _, host := range f.Hosts {
			action.Hosts = append(action.Hosts, ledger.Change{Instance: host.ID, Name: host.Name, Done: true})
		}
	}
	if err := memory.WriteAction(c.Context, action); err != nil {
		return err
	}
	if err := memory.WriteHold(c.Context, h, ""); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s holds %d hosts of %s until %s\n", h.ID, len(action.Hosts), report.Escape(s.String()), h.Until.Format(time.RFC3339))
	return nil
}

func newHold(c *cli.Context, s fleet.Selector, who string) ledger.Hold {
	now := clockOf(c.Context).Time().UTC().Truncate(time.Second)
	h := ledger.Hold{
		ID: strings.ToLower(rand.Text()[:8]), Instances: s.Instances, All: s.All, Who: who, Why: c.String("why"),
		From: now, Until: now.Add(c.Duration("for")),
	}
	for _, t := range s.Tags {
		if h.Tags == nil {
			h.Tags = map[string][]string{}
		}
		h.Tags[t.Key] = t.Values
	}
	return h
}

// holdAction is a hold as an action.
func holdAction(h ledger.Hold, kind ledger.Kind, region string) ledger.Action {
	a := ledger.Action{
		Kind: kind, ID: h.ID, Who: h.Who, Why: h.Why, When: h.From, Until: h.Until, Completed: h.From,
		Region: region, Target: sweep.HeldBy(h).String(), Account: "unknown",
	}
	if caller, err := arn.Parse(h.Who); err == nil {
		a.Account = caller.AccountID
	}
	return a
}

// endHold ends one that is in force.
func endHold(c *cli.Context) error {
	args, err := argumentsFirst(c)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return usageError{errors.New("want the ID of one hold; orchestrator hold list names them")}
	}
	if err := cmp.Or(validateLedger(c), validateWhy(c)); err != nil {
		return err
	}
	memory, err := needLedger(c, c.String("region"))
	if err != nil {
		return err
	}
	h, version, err := memory.Hold(c.Context, args[0])
	now := clockOf(c.Context).Time().UTC().Truncate(time.Second)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return usageError{fmt.Errorf("no hold %.40q in %s; orchestrator hold list names them", args[0], memory.Store)}
	case err != nil:
		return err
	case !h.Holds(now):
		return usageError{fmt.Errorf("hold %s is over, since %s", h.ID, over(h).Format(time.RFC3339))}
	}
	h.Ended, h.EndedBy = now, callerOf(c, c.String("region"))
	if err := memory.WriteHold(c.Context, h, version); err != nil {
		return err
	}
	a := holdAction(h, ledger.HoldEnd, c.String("region"))
	a.Who, a.Why, a.When, a.Completed = h.EndedBy, c.String("why"), now, now
	if err := memory.WriteAction(c.Context, a); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s is over; it held %s\n", h.ID, report.Escape(sweep.HeldBy(h).String()))
	return nil
}

// over is when a hold ends, or ended.
func over(h ledger.Hold) time.Time {
	if !h.Ended.IsZero() && h.Ended.Before(h.Until) {
		return h.Ended
	}
	return h.Until
}

func listHolds(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if err := validateLedger(c); err != nil {
		return err
	}
	out, err := newOutput(c, listFormats...)
	if err != nil {
		return err
	}
	memory, err := needLedger(c, c.String("region"))
	if err != nil {
		return err
	}
	holds, unread := memory.Holds(c.Context) // what can be read is shown
	now := clockOf(c.Context).Time()
	if !c.Bool("all") {
		holds = slices.DeleteFunc(holds, func(h ledger.Hold) bool { return !now.Before(over(h)) })
	}
	slices.SortFunc(holds, func(a, b ledger.Hold) int { return cmp.Or(a.From.Compare(b.From), strings.Compare(a.ID, b.ID)) })
	if out.format == "json" {
		text, err := json.MarshalIndent(append([]ledger.Hold{}, holds...), "", " ")
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "%s\n", text)
		}
		return errors.Join(err, unread)
	}
	return errors.Join(drawHolds(out, holds, now), unread)
}

// drawHolds writes a table, or on a pipe the same fields separated by tabs.
func drawHolds(out output, holds []ledger.Hold, now time.Time) (err error) {
	w := out.stdout
	if out.format == "table" {
		t := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
		defer func() { err = errors.Join(err, t.Flush()) }()
		w = t
		fmt.Fprintln(w, "HOLD\tSTATE\tFROM\tUNTIL\tHOSTS\tWHO\tWHY")
	}
	for _, h := range holds {
		state := "over"
		switch {
		case h.Holds(now):
			state = "holds"
		case now.Before(h.From):
			state = "later"
		}
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", report.Escape(h.ID), state, h.From.UTC().Format(time.RFC3339), over(h).UTC().Format(time.RFC3339),
			report.Escape(sweep.HeldBy(h).String()), report.Escape(h.Who), report.Escape(h.Why))
		if err != nil {
			return err
		}
	}
	out.note("%d holds", len(holds))
	return nil
}
