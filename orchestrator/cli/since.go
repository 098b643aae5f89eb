package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
)

// sinceFlag says where a look back begins.
func sinceFlag() cli.Flag {
	return &cli.StringFlag{Name: "since", EnvVars: env("SINCE"), Value: "90d", Usage: "`TIME` at which it begins: 12h, 90d or 13w ago, or a date such as 2026-11-01"}
}

// parseSince reads what sinceFlag takes.
func parseSince(text string, now time.Time) (time.Time, error) {
	if ago, err := parseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return at, fmt.Errorf("--since %.40q: want a time such as 12h, 90d or 13w, or a date such as 2026-11-01", text)
	}
	if at.After(now) {
		return at, fmt.Errorf("--since %s is still to come", text)
	}
	return at, nil
}

// fleetFlag says which fleet a look back is about.
func fleetFlag() cli.Flag {
	return &cli.StringFlag{Name: "fleet", EnvVars: env("FLEET"), Usage: "`NAME` of the fleet; every fleet where it is not given"}
}

// lookBack is the ledger and the part of it that the flags name.
func lookBack(c *cli.Context) (l *ledger.Ledger, q evidence.Query, err error) {
	if err := validateLedger(c); err != nil {
		return nil, q, err
	}
	now := clockOf(c.Context).Time().UTC()
	q = evidence.Query{Fleet: c.String("fleet"), To: now}
	if q.From, err = parseSince(c.String("since"), now); err != nil {
		return nil, q, usageError{err}
	}
	l, err = needLedger(c, c.String("region"))
	return l, q, err
}
