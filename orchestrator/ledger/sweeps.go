package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// HostRow is what a sweep found on one host, flat, as tables want it.
type HostRow struct {
	V           int       `json:"v"`
	Run         string    `json:"run"`
	Started     time.Time `json:"started"` // of the sweep
	Account     string    `json:"account"`
	Region      string    `json:"region"`
	Instance    string    `json:"instance"`
	Name        string    `json:"name,omitempty"`
	Status      string    `json:"status"`
	Reason      string    `json:"reason,omitempty"`
	Added       *int      `json:"added,omitempty"` // nil if there are no counts
	Removed     *int      `json:"removed,omitempty"`
	Changed     *int      `json:"changed,omitempty"`
	Total       int       `json:"total,omitempty"`
	New         int       `json:"new,omitempty"`
	Explained   int       `json:"explained,omitempty"` // changes that packages explain
	Unread      int       `json:"unread,omitempty"`
	Fingerprint string    `json:"fingerprint,omitempty"`
	Report      string    `json:"report,omitempty"`
	Seconds     float64   `json:"seconds,omitempty"`
	AIDE        string    `json:"aide,omitempty"`
	AIDESHA256  string    `json:"aide_sha256,omitempty"`
	Node        string    `json:"node,omitempty"`
	NodeSHA256  string    `json:"node_sha256,omitempty"`
	Baseline    string    `json:"baseline,omitempty"`
	Config      string    `json:"config,omitempty"`
	Suspect     []string  `json:"suspect,omitempty"` // kinds of its findings
	FirstSeen   bool      `json:"first_seen,omitempty"`
	Held        string    `json:"held,omitempty"` // id of the hold
	Was         string    `json:"was,omitempty"`  // status in the sweep before, or "absent"; empty if none is known
	// Days is what was found on the host on each day up to this sweep's, as report.Days has
	// it: a letter a day, the newest last.
	Days string `json:"days,omitempty"`
}

// WriteSweep writes the report of a fleet's sweep, and returns where it is. write writes it
// as JSON.
func (l *Ledger) WriteSweep(ctx context.Context, fleet string, r Run, write func(io.Writer) error) (at string, err error) {
	key := sweepKey(fleet, r)
	return l.object(key), l.writeZipped(ctx, key, write)
}

// WriteHosts writes the hosts of a fleet's sweep. rows calls put with each.
func (l *Ledger) WriteHosts(ctx context.Context, fleet string, r Run, rows func(put func(HostRow) error) error) error {
	return l.writeZipped(ctx, hostsKey(fleet, r), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		err := rows(func(row HostRow) error {
			row.V, row.Run, row.Started = Version, r.ID, r.Started
			return e.Encode(row)
		})
		return errors.Join(err, b.Flush())
	})
}

func (l *Ledger) writeZipped(ctx context.Context, key string, write func(io.Writer) error) error {
	data, err := zipped(write)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.object(key), err)
	}
	return l.Store.Write(ctx, key, data)
}

// Sweeps are the sweeps of a fleet between two times, the oldest first. Without a fleet
// those of all.
func (l *Ledger) Sweeps(ctx context.Context, fleet string, from, to time.Time) ([]SweepID, error) {
	prefix := "sweeps/"
	if fleet != "" {
		prefix += "fleet=" + escape(fleet) + "/"
	}
	keys, err := l.Store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var sweeps []SweepID
	page := ""
	for _, key := range keys { // a page comes before its report
		if name, isPage := strings.CutSuffix(key, ".html"); isPage {
			page = name
			continue
		}
		if s, ok := parseKey(key); ok && !s.Time.Before(from.Truncate(time.Second)) && !s.Time.After(to) {
			s.HasPage = page+".json.gz" == key
			sweeps = append(sweeps, s)
		}
	}
	return sweeps, nil
}

// farBack is how far back the sweep before is looked for.
const farBack = 90 * 24 * time.Hour

// Before is the last sweep of a fleet in an account and region before a time; false if
// there is none within 90 days. It looks at that day and the day before first: a fleet that
// is swept each day has years of sweeps.
func (l *Ledger) Before(ctx context.Context, fleet, account, region string, at time.Time) (SweepID, bool, error) {
	prefix := "sweeps/fleet=" + escape(fleet) + "/"
	day := at.UTC().Format(dateLayout)
	dayBefore := at.UTC().AddDate(0, 0, -1).Format(dateLayout)
	for _, under := range []string{prefix + "date=" + day + "/", prefix + "date=" + dayBefore + "/", prefix} {
		keys, err := l.Store.List(ctx, under)
		if err != nil {
			return SweepID{}, false, err
		}
		for _, key := range slices.Backward(keys) {
			s, ok := parseKey(key)
			if ok && s.Account == escape(account) && s.Region == escape(region) && s.Time.Before(at.Truncate(time.Second)) && at.Sub(s.Time) < farBack {
				return s, true, nil
			}
		}
	}
	return SweepID{}, false, nil
}

// WritePage writes the page of a fleet's sweep beside its report, and returns where it is.
func (l *Ledger) WritePage(ctx context.Context, fleet string, r Run, write func(io.Writer) error) (at string, err error) {
	key := strings.TrimSuffix(sweepKey(fleet, r), ".json.gz") + ".html"
	data, err := l.plain(key, write)
	if err != nil {
		return "", err
	}
	return l.object(key), l.Store.Write(ctx, key, data)
}

// WriteIndex writes the page of a fleet.
func (l *Ledger) WriteIndex(ctx context.Context, fleet string, write func(io.Writer) error) error {
	key := indexKey(fleet)
	data, err := l.plain(key, write)
	if err != nil {
		return err
	}
	return l.Store.Write(ctx, key, data)
}

// plain is what write writes.
func (l *Ledger) plain(key string, write func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, fmt.Errorf("write %s: %w", l.object(key), err)
	}
	return b.Bytes(), nil
}

// Report is the JSON of a sweep's report.
func (l *Ledger) Report(ctx context.Context, s SweepID) ([]byte, error) {
	data, _, err := l.Store.Read(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	return l.unzip(s.Key, data)
}

// Hosts calls with each host of a sweep.
func (l *Ledger) Hosts(ctx context.Context, s SweepID, see func(HostRow)) error {
	key := "hosts" + s.Key[len("sweeps"):len(s.Key)-len(".json.gz")] + ".jsonl.gz"
	data, _, err := l.Store.Read(ctx, key)
	if err != nil {
		return err
	}
	return l.readLines(key, data, func(d *json.Decoder) error {
		var row HostRow
		if err := d.Decode(&row); err != nil {
			return err
		}
		if err := (versioned{row.V}).check(l.object(key)); err != nil {
			return err
		}
		see(row)
		return nil
	})
}
