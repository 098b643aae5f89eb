package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Hold is a time in which the drift and the silence of some hosts are expected.
type Hold struct {
	V         int                 `json:"v"`
	ID        string              `json:"id"`
	Tags      map[string][]string `json:"tags,omitempty"` // a host has one of the values of every key
	Instances []string            `json:"instances,omitempty"`
	All       bool                `json:"all,omitempty"` // every host
	Who       string              `json:"who"`           // ARN of the caller
	Why       string              `json:"why"`
	From      time.Time           `json:"from"`
	Until     time.Time           `json:"until"`
	Ended     time.Time           `json:"ended,omitzero"` // before its time, by EndedBy
	EndedBy   string              `json:"ended_by,omitempty"`
}

// Holds says whether the hold is in force at a time.
func (h Hold) Holds(at time.Time) bool {
	return !at.Before(h.From) && at.Before(h.Until) && (h.Ended.IsZero() || at.Before(h.Ended))
}

// WriteHold writes a new hold, or one that was read and has changed since: version is
// empty or what Hold returned.
func (l *Ledger) WriteHold(ctx context.Context, h Hold, version string) error {
	h.V = Version
	data, err := encode(h)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.object(holdKey(h.ID)), err)
	}
	return l.Store.WriteIf(ctx, holdKey(h.ID), data, version)
}

// Hold reads one hold, and its version in the store.
func (l *Ledger) Hold(ctx context.Context, id string) (Hold, string, error) {
	var h Hold
	version, err := l.readJSON(ctx, holdKey(id), &h)
	return h, version, err
}

// Holds are all that are kept. It goes on after one that cannot be read, and returns all
// errors.
func (l *Ledger) Holds(ctx context.Context) ([]Hold, error) {
	keys, err := l.Store.List(ctx, "holds/")
	if err != nil {
		return nil, err
	}
	var holds []Hold
	var errs []error
	for _, key := range keys {
		var h Hold
		if _, err := l.readJSON(ctx, key, &h); err != nil {
			errs = append(errs, err)
			continue
		}
		holds = append(holds, h)
	}
	return holds, errors.Join(errs...)
}
