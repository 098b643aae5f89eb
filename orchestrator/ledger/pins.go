package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Digests are what a host claims that a check rests on. Each is hex, and empty if it is
// not known.
type Digests struct {
	Baseline   string `json:"baseline,omitempty"` // SHA-256 of the database
	Config     string `json:"config,omitempty"`   // SHA-256 of AIDE's configuration
	AIDE       string `json:"aide,omitempty"`     // version
	AIDESHA256 string `json:"aide_sha256,omitempty"`
	Node       string `json:"node,omitempty"` // version
	NodeSHA256 string `json:"node_sha256,omitempty"`
	Next       string `json:"next,omitempty"` // SHA-256 of the new database, which accepting makes the baseline
}

// Pin is what one instance claimed last.
type Pin struct {
	Instance string `json:"instance"`
	Name     string `json:"name,omitempty"`
	Digests
	Former []string `json:"former,omitempty"` // baselines before, the newest first, at most MaxFormer

	Status      string    `json:"status"`
	Since       time.Time `json:"since"` // when it got that status
	Seen        time.Time `json:"seen"`  // request of the sweep that these claims are from
	FirstSeen   time.Time `json:"first_seen"`
	Command     string    `json:"command,omitempty"` // that these claims answered
	Report      string    `json:"report,omitempty"`  // id of the report on the host
	Fingerprint string    `json:"fingerprint,omitempty"`
	Entries     int       `json:"entries,omitempty"` // total of the last check
	Changes     int       `json:"changes,omitempty"` // that the last check found
	// Groups are those of the changes that the last check told; nil if they were not
	// remembered.
	Groups []Group `json:"groups,omitzero"`

	Open []Finding `json:"open,omitempty"` // findings that nobody has acknowledged
}

// Group is a group of changes.
type Group struct {
	Fingerprint string `json:"f"` // as the result line has it
	N           int    `json:"n"` // changes
}

// MaxFormer is how many baselines a pin remembers beside the present one.
const MaxFormer = 10

// Finding is why a host is suspect.
type Finding struct {
	Kind    string    `json:"finding"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"` // request of the sweep that found it
	Was     string    `json:"was,omitempty"`
	Is      string    `json:"is,omitempty"`
}

// pinsHead is the first line of a pins object.
type pinsHead struct {
	versioned
	Account string `json:"account"`
	Region  string `json:"region"`
}

// Pins are those of an account and region, as they were read. They are read and written a
// line at a time: a pin takes several times its size in memory.
type Pins struct {
	ledger          *Ledger
	account, region string
	data            []byte // gzipped; nil if there are none yet
	version         string
}

// Pins reads the pins of an account and region. There are none before its first sweep.
func (l *Ledger) Pins(ctx context.Context, account, region string) (*Pins, error) {
	data, version, err := l.Store.Read(ctx, pinsKey(account, region))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return &Pins{ledger: l, account: account, region: region, data: data, version: version}, nil
}

// Each calls with each pin, in order of the instances, until see returns an error. It may
// be called again.
func (p *Pins) Each(see func(Pin) error) error {
	if p.data == nil {
		return nil
	}
	key := pinsKey(p.account, p.region)
	var seen error
	first, last := true, ""
	err := p.ledger.readLines(key, p.data, func(d *json.Decoder) error {
		if first {
			first = false
			var head pinsHead
			if err := d.Decode(&head); err != nil {
				return noEnd(err)
			}
			return head.check(p.ledger.object(key))
		}
		var pin Pin
		if err := d.Decode(&pin); err != nil {
			return err
		}
		if pin.Instance <= last {
			return fmt.Errorf("instance %.40q comes after %.40q", pin.Instance, last)
		}
		last = pin.Instance
		if seen = see(pin); seen != nil {
			return io.EOF
		}
		return nil
	})
	return errors.Join(err, seen)
}

// noEnd is an end that comes too early.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Replace writes new pins: put is called by write with each of them, in order of the
// instances. It returns ErrChanged if another sweep has written them since they were read.
func (p *Pins) Replace(ctx context.Context, write func(put func(Pin) error) error) error {
	key := pinsKey(p.account, p.region)
	data, err := zipped(func(w io.Writer) error {
		b := bufio.NewWriter(w)
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := e.Encode(pinsHead{versioned{Version}, p.account, p.region}); err != nil {
			return err
		}
		if err := write(func(pin Pin) error { return e.Encode(pin) }); err != nil {
			return err
		}
		return b.Flush()
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", p.ledger.object(key), err)
	}
	return p.ledger.Store.WriteIf(ctx, key, data, p.version)
}
