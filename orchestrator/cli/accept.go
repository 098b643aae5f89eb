package cli

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

// fingerprintDigits is how many digits a whole fingerprint has.
const fingerprintDigits = 32

// fingerprintPattern is a fingerprint or the beginning of one, as a table shows it.
var fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{8,32}$`)

// maxBackups is the most that the document AideFleet-Accept takes.
const maxBackups = 99

func acceptCommand() *cli.Command {
	return &cli.Command{
		Name:  "accept",
		Usage: "make changes that were reviewed the baseline, on the hosts that show them",
		UsageText: "orchestrator accept --fingerprint F --tag env=prod [options]\n" +
			"orchestrator accept --explained --tag env=prod [options]\n" +
			"orchestrator accept --undo --instance ID [options]",
		Flags: flags(targetFlags(), placeFlags(),
			&cli.StringFlag{Name: "fingerprint", EnvVars: env("FINGERPRINT"), Usage: "`FINGERPRINT` of the changes, or of one group of them: 8 digits or more"},
			&cli.BoolFlag{Name: "explained", Usage: "accept the changes that the hosts' package databases explain, and no others"},
			&cli.BoolFlag{Name: "undo", Usage: "go back to the baseline before the present one"},
			&cli.StringFlag{Name: "command-id", Usage: "take what hosts show from the check with this `ID`; from the last ones where it is not given"},
			&cli.IntFlag{Name: "backups", EnvVars: env("BACKUPS"), Value: 5, Usage: "old `BASELINES` to keep on a host, 1 to 99"},
			whyFlag(), ledgerFlags(), reachFlags(), outputFlag(), allHostsFlag(), dryRunFlag("say which hosts would accept, and send nothing")),
		Action: accept,
	}
}

func accept(c *cli.Context) error {
	s, list, err := selectorOf(c)
	if err != nil {
		return err
	}
	if err := validateAccept(c); err != nil {
		return err
	}
	out, err := newOutput(c)
	if err != nil {
		return err
	}
	regions, err := regionsOf(c, list)
	if err != nil {
		return err
	}
	if s, err = resolveNames(c.Context, regions, s); err != nil {
		return err
	}
	o := sweep.Options{
		Selector: s, Request: request(c, documents.Accept, acceptParameters(c)), Name: newName("accept"),
		Wait: c.Duration("wait"), Progress: out.progress, Explain: explainError,
	}
	o.Ledger, o.Act = ledgerOf(c, regions[0].Name), actOf(c, ledger.Accept, regions[0].Name)
	if c.Bool("undo") {
		return undo(c, out, regions, o)
	}
	checks := sweep.Checks{Document: documents.Check, ID: c.String("command-id")}
	if c.Bool("explained") {
		return acceptExplained(c, out, regions, o, checks)
	}
	return acceptShown(c, out, regions, o, checks)
}

// undo goes back to the baseline before, on all hosts that o selects.
func undo(c *cli.Context, out output, regions []sweep.Region, o sweep.Options) error {
	o.Act.Kind = ledger.Undo
	o.Sent = tellSent(out, "go back to the baseline before")
	if c.Bool("dry-run") {
		return dryRun(c.Context, out, regions, o.Selector, documents.Accept)
	}
	return writeReportOf(out, func() (report.Report, error) { return sweep.Run(c.Context, regions, o) })
}

// acceptShown accepts the fingerprint on the hosts that show it.
func acceptShown(c *cli.Context, out output, regions []sweep.Region, o sweep.Options, checks sweep.Checks) error {
	fingerprint, err := wholeFingerprint(c, regions, o.Selector, checks)
	if err != nil {
		return err
	}
	a, err := sweep.Acceptable(c.Context, regions, o.Selector, fingerprint, checks)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return wouldAccept(out, a)
	}
	return writeReportOf(out, func() (report.Report, error) {
		r, err := sweep.Accept(c.Context, regions, a, acceptanceOf(out, o, a))
		if !errors.Is(err, sweep.ErrNotShown) {
			return r, err
		}
		done, ok := a.Accepted(c.Context, o.Ledger, o.Clock.Time())
		if !ok {
			return r, err
		}
		out.note("%s was accepted before, on %s by %s: nothing was sent", fingerprint, done.When.UTC().Format(time.RFC3339), report.Escape(done.Who))
		return r, nil
	})
}

// acceptanceOf are the options to send an acceptance with.
func acceptanceOf(out output, o sweep.Options, a sweep.Acceptance) sweep.Options {
	o.Request.Parameters = maps.Clone(o.Request.Parameters)
	o.Request.Parameters["fingerprint"] = a.Fingerprint
	o.Act.Fingerprint, o.Act.Before, o.Act.Group = a.Fingerprint, sweep.Claims(a.Chosen), a.Group
	o.Name.Fingerprint = a.Fingerprint[:8]
	o.Sent = tellSent(out, "accept "+a.Fingerprint)
	return o
}

// acceptExplained accepts what packages explain, on each host what they explain there.
func acceptExplained(c *cli.Context, out output, regions []sweep.Region, o sweep.Options, checks sweep.Checks) error {
	list, err := sweep.Explained(c.Context, regions, o.Selector, checks)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		for _, a := range list {
			if err := wouldAccept(out, a); err != nil {
				return err
			}
		}
		return nil
	}
	return writeReportOf(out, func() (all report.Report, err error) {
		for _, a := range list {
			o.Name = newName("accept")
			r, err := sweep.Accept(c.Context, regions, a, acceptanceOf(out, o, a))
			all = sweep.AddAcceptance(all, r, a)
			if err != nil {
				return all, err
			}
		}
		return all, nil
	})
}

// tellSent tells of a command that was sent what it does.
func tellSent(out output, doing string) func(cmd runcommand.Command, hosts, reachable int) {
	return func(cmd runcommand.Command, hosts, reachable int) {
		out.note("command %s sent to %d of %d hosts: %s", cmd.ID, reachable, hosts, doing)
	}
}

// wholeFingerprint is the fingerprint that is given, with all digits.
func wholeFingerprint(c *cli.Context, regions []sweep.Region, s fleet.Selector, checks sweep.Checks) (string, error) {
	given := c.String("fingerprint")
	if len(given) == fingerprintDigits {
		return given, nil
	}
	whole, err := sweep.WholeFingerprint(c.Context, regions, s, given, checks)
	var ambiguous *sweep.AmbiguousError
	if errors.As(err, &ambiguous) {
		return "", usageError{err}
	}
	return whole, err
}

// wouldAccept says which hosts have the fingerprint, and what the others have.
func wouldAccept(out output, a sweep.Acceptance) error {
	if out.format == "json" {
		r := report.Report{V: report.Version, Commands: []report.Command{}}
		r.SetHosts(slices.Concat(a.Chosen, a.Others)) // as their last checks found them
		if err := report.WriteJSON(out.stdout, r); err != nil {
			return err
		}
	} else {
		for _, h := range a.Chosen {
			fmt.Fprintf(out.stdout, "%s\t%s\twould accept %s\n", report.Escape(h.Name), h.Instance, a.Fingerprint)
		}
		for _, h := range a.Others {
			fmt.Fprintf(out.stdout, "%s\t%s\t%s\n", report.Escape(h.Name), h.Instance, report.Escape(cmp.Or(string(h.Reason), h.Says())))
		}
	}
	out.note("%d of %d hosts show %s; nothing was sent", len(a.Chosen), len(a.Chosen)+len(a.Others), a.Fingerprint)
	if len(a.Chosen) == 0 {
		return fmt.Errorf("%w: %s", sweep.ErrNotShown, a.Fingerprint)
	}
	return nil
}

func validateAccept(c *cli.Context) error {
	switch fingerprint := c.String("fingerprint"); {
	case fingerprint == "" && !c.Bool("undo") && !c.Bool("explained"):
		return usageError{errors.New("nothing to accept: give --fingerprint F, --explained, or --undo")}
	case c.Bool("explained") && (fingerprint != "" || c.Bool("undo")):
		return usageError{errors.New("--explained cannot be combined with --fingerprint or --undo: it takes what packages explain, and nothing else")}
	case fingerprint != "" && c.Bool("undo"):
		return usageError{errors.New("--fingerprint and --undo cannot be combined: one goes on, the other goes back")}
	case fingerprint != "" && !fingerprintPattern.MatchString(fingerprint):
		return usageError{fmt.Errorf("--fingerprint %q: want 8 to 32 lower-case hex digits, as the table shows them", fingerprint)}
	case c.String("command-id") != "" && !runcommand.IsID(c.String("command-id")):
		return usageError{fmt.Errorf("--command-id %q: want an id such as 12345678-90ab-cdef-1234-567890abcdef", c.String("command-id"))}
	case c.Int("backups") < 1 || c.Int("backups") > maxBackups:
		return usageError{fmt.Errorf("--backups %d: want 1 to %d", c.Int("backups"), maxBackups)}
	}
	return cmp.Or(validateReach(c), validateLedger(c), validateWhy(c))
}

func acceptParameters(c *cli.Context) map[string]string {
	p := map[string]string{"backups": strconv.Itoa(c.Int("backups"))}
	if c.Bool("undo") {
		p["undo"] = "true"
	}
	if path := c.String("config"); path != "" {
		p["config"] = path
	}
	return p
}
