package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Told is what people were told of the hosts of an account and region, and is still so. It
// keeps a finding from being told again with each sweep.
type Told struct {
	Hosts map[string][]string // keys of findings, by instance
	Known bool                // it was written before

	key     string
	version string
}

// toldObject is Told as it is written.
type toldObject struct {
	versioned
	Account string              `json:"account"`
	Region  string              `json:"region"`
	Hosts   map[string][]string `json:"hosts"`
}

// Told reads what was told of an account and region. Before the first time it is empty.
func (l *Ledger) Told(ctx context.Context, account, region string) (*Told, error) {
	t := &Told{Hosts: map[string][]string{}, key: toldKey(account, region)}
	data, version, err := l.Store.Read(ctx, t.key)
	if errors.Is(err, ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if data, err = l.unzip(t.key, data); err != nil {
		return nil, err
	}
	var in toldObject
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, &BrokenError{l.object(t.key), err}
	}
	if err := in.check(l.object(t.key)); err != nil {
		return nil, err
	}
	t.version, t.Known = version, true
	if in.Hosts != nil {
		t.Hosts = in.Hosts
	}
	return t, nil
}

// ReplaceTold writes what was told. It returns ErrChanged if another sweep has written it
// since it was read.
func (l *Ledger) ReplaceTold(ctx context.Context, account, region string, t *Told) error {
	data, err := zipped(func(w io.Writer) error {
		return json.NewEncoder(w).Encode(toldObject{versioned{Version}, account, region, t.Hosts})
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", l.object(t.key), err)
	}
	return l.Store.WriteIf(ctx, t.key, data, t.version)
}
