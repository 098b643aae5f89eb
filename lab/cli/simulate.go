package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/cloud"
	"aidefleet/lab/lab"
	"aidefleet/lab/simulate"
)

// simulateCategory sets the flags of simulated hosts apart in the help.
const simulateCategory = "SIMULATED HOSTS"

// maxAccounts bounds the accounts of a lab.
const maxAccounts = 100

// simulateFlags are those of lab up that go with --simulate.
func simulateFlags() []cli.Flag {
	d := simulate.Default
	flags := []cli.Flag{
		&cli.IntFlag{Name: "simulate", EnvVars: []string{"LAB_SIMULATE"}, DefaultText: "none", Usage: "`HOSTS` that are simulated, in place of the sandboxed ones"},
		&cli.IntFlag{Name: "accounts", Value: 1, Usage: "`N` accounts, each with as many hosts"},
		&cli.IntFlag{Name: "regions", Value: 1, Usage: "`N` regions, in each of which an account has as many hosts"},
		&cli.Uint64Flag{Name: "seed", Value: d.Seed, Usage: "`N`: the same seed makes the same hosts, and the same calls fail"},
		&cli.IntFlag{Name: "groups", DefaultText: "none", Usage: "`N` groups of changes, of which each host that drifts shows up to six"},
		&cli.Float64Flag{Name: "speed", Value: d.Speed, Usage: "`FACTOR`: seconds that pass on the hosts in one"},
		&cli.DurationFlag{Name: "latency", Value: 30 * time.Millisecond, Usage: "`DURATION` that each call takes at least"},
		&cli.DurationFlag{Name: "consistency-delay", Value: 150 * time.Millisecond, Usage: "`DURATION` after SendCommand in which a command shows no targets"},
		&cli.DurationFlag{Name: "session", DefaultText: "1h", Usage: "`DURATION` after which the credentials of a role are refused, although they say one hour"},
		&cli.DurationFlag{Name: "hide-command", Usage: "`DURATION` after SendCommand in which nobody finds the command"},
		&cli.DurationFlag{Name: "hide-results", Usage: "`DURATION` after SendCommand in which the list of its results is empty"},
		&cli.StringSliceFlag{Name: "fault", Usage: "`OPERATION[:FROM[-TO]]=KIND`: what befalls these calls of it, such as ListCommandInvocations:2=refused; repeat it for more. KIND is refused, error, html, late-error, cut, reset or a duration"},
		&cli.IntFlag{Name: "throttle", DefaultText: "no limit", Usage: "`CALLS` a second of an operation; more are throttled"},
	}
	for _, s := range shareFlags(new(lab.Simulation)) {
		flags = append(flags, &cli.Float64Flag{Name: s.name, Value: s.value, Usage: "`SHARE` of " + s.usage})
	}
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.IntFlag:
			f.Category = simulateCategory
		case *cli.Uint64Flag:
			f.Category = simulateCategory
		case *cli.Float64Flag:
			f.Category = simulateCategory
		case *cli.DurationFlag:
			f.Category = simulateCategory
		case *cli.StringSliceFlag:
			f.Category = simulateCategory
		}
	}
	return flags
}

// shareFlag is a flag that is a share from 0 to 1.
type shareFlag struct {
	name, usage string
	value       float64 // unless it is given
	to          *float64
}

func shareFlags(s *lab.Simulation) []shareFlag {
	d := simulate.Default.Shares
	return []shareFlag{
		{"throttle-rate", "calls that are throttled", 0, &s.Faults.ThrottleRate},
		{"error-rate", "calls that are answered with HTTP 500", 0, &s.Faults.ErrorRate},
		{"reset-rate", "calls whose connection is reset, half of them after they were done", 0, &s.Faults.ResetRate},
		{"repeat-pages", "pages that come twice; the last one for ever", 0, &s.Faults.RepeatPages},
		{"drift", "hosts with changes", d.Drift, &s.Drift},
		{"fail", "hosts whose check fails", d.Fail, &s.Fail},
		{"garbage", "hosts that print no result line", d.Garbage, &s.Garbage},
		{"long-output", "hosts that print 24,000 bytes", d.LongOutput, &s.LongOutput},
		{"time-out", "hosts whose check is ended by the agent", d.TimeOut, &s.TimeOut},
		{"kill-worker", "hosts on which the agent's worker is killed in the check", d.KillWorker, &s.KillWorker},
		{"undeliverable", "hosts that cannot be given the command", d.Undeliverable, &s.Undeliverable},
		{"lose-agent", "hosts whose agent is silent, half of them from the middle of the check on", d.LoseAgent, &s.LoseAgent},
		{"hybrid", "hosts that are hybrid nodes (mi-…)", d.Hybrid, &s.Hybrid},
		{"stopped", "hosts that are stopped", d.Stopped, &s.Stopped},
		{"unmanaged", "hosts without an agent", d.Unmanaged, &s.Unmanaged},
	}
}

// simulation reads the flags: nil without --simulate.
func simulation(c *cli.Context) (*lab.Simulation, error) {
	if !c.IsSet("simulate") {
		for _, f := range simulateFlags() {
			if name := f.Names()[0]; c.IsSet(name) {
				return nil, usageError{fmt.Errorf("--%s goes with --simulate only", name)}
			}
		}
		return nil, nil
	}
	var with []string
	for _, name := range []string{"node", "orchestrator", "agent"} {
		if c.IsSet(name) {
			with = append(with, "--"+name)
		}
	}
	if len(with) > 0 {
		return nil, usageError{fmt.Errorf("%s: simulated hosts have none", strings.Join(with, " and "))}
	}
	s := &lab.Simulation{Options: simulate.Options{Hosts: c.Int("simulate"), Seed: c.Uint64("seed"), Speed: c.Float64("speed"), Groups: c.Int("groups")}}
	s.Faults = cloud.Faults{Latency: c.Duration("latency"), Throttle: c.Int("throttle"), Session: c.Duration("session"), HideCommand: c.Duration("hide-command"), HideResults: c.Duration("hide-results"), Seed: c.Uint64("seed")}
	for _, text := range c.StringSlice("fault") {
		f, err := cloud.ParseFailure(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--fault %w", err)}
		}
		s.Failures = append(s.Failures, f)
	}
	if s.Consistency = c.Duration("consistency-delay"); s.Consistency == 0 {
		s.Consistency = -1 // 0 would be the account's own
	}
	for _, f := range shareFlags(s) {
		if *f.to = c.Float64(f.name); !(*f.to >= 0 && *f.to <= 1) {
			return nil, usageError{fmt.Errorf("--%s %g: want a share from 0 to 1", f.name, *f.to)}
		}
	}
	if s.Faults.Session < 0 || s.Faults.HideCommand < 0 || s.Faults.HideResults < 0 || s.Faults.Latency < 0 || s.Consistency < -1 || s.Faults.Throttle < 0 {
		return nil, usageError{errors.New("--latency, --consistency-delay, --hide-command, --hide-results, --session and --throttle: want none below 0")}
	}
	s.Accounts, s.Regions = c.Int("accounts"), c.Int("regions")
	if s.Accounts < 1 || s.Accounts > maxAccounts || s.Regions < 1 || s.Regions > len(lab.Regions) {
		return nil, usageError{fmt.Errorf("--accounts and --regions: want 1 to %d and 1 to %d", maxAccounts, len(lab.Regions))}
	}
	if err := s.Check(); err != nil {
		return nil, usageError{err}
	}
	return s, nil
}
