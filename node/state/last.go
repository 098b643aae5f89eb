package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aidefleet/node/regular"
	"aidefleet/node/result"
)

// LastCheck is last.json: the result line of the last check that did not fail, and what
// only this host has to know.
type LastCheck struct {
	// Accepted is when its changes became the baseline, in RFC 3339, UTC; empty if
	// they have not.
	Accepted string `json:"accepted,omitempty"`
	// Parts are the fingerprints of its groups that are in the baseline.
	Parts []string `json:"parts,omitempty"`
	result.Line
	NewDatabase string `json:"newDatabase"` // SHA-256 of the database that it wrote, hex
	// Database is the path of the database that it compared with; empty if an earlier
	// version wrote this.
	Database string `json:"database"`
}

// At is when the check started, in RFC 3339, UTC.
func (l LastCheck) At() string { return l.Started.UTC().Format(time.RFC3339) }

// mostLast bounds what is read of the file, in bytes; a result line takes less.
const mostLast = 64 << 10

// ErrNoCheck says that no check has left its result here.
var ErrNoCheck = errors.New("no check has been made")

// ErrNotAsWritten says that last.json holds something else than the result of a check.
var ErrNotAsWritten = errors.New("last.json is not as a check writes it")

// KeepLast keeps what the last check found.
func (f Folder) KeepLast(l LastCheck) error {
	line, err := l.Encode() // as the line says it: names may be long
	if err != nil {
		return fmt.Errorf("keep what the check found: %w", err)
	}
	l.Line = result.Line{}
	if err := json.Unmarshal(line, &l.Line); err != nil {
		return fmt.Errorf("keep what the check found: %w", err)
	}
	text, err := result.MarshalLines(l)
	if err != nil {
		return fmt.Errorf("encode what the check found: %w", err)
	}
	return write(f.last(), text)
}

// ReadLast reads what KeepLast wrote. The error is ErrNoCheck if there is nothing, and
// wraps ErrNotAsWritten if it is something else.
func (f Folder) ReadLast() (l LastCheck, err error) {
	text, err := regular.Read(f.last(), mostLast)
	if absent(err) {
		return l, ErrNoCheck
	} else if err != nil {
		return l, err
	}
	if err := json.Unmarshal(text, &l); err != nil || !l.whole() {
		return LastCheck{}, fmt.Errorf("%w, in %s", ErrNotAsWritten, f)
	}
	return l, nil
}

// whole says whether all is there that a check always writes.
func (l LastCheck) whole() bool {
	return (l.Status == result.Clean || l.Status == result.Drift) && l.Counts != nil && !l.Started.IsZero() &&
		l.Baseline != nil && l.Baseline.SHA256 != "" && l.Config != "" && l.NewDatabase != ""
}

// MarkAccepted keeps that the changes of the last check are in the baseline.
func (f Folder) MarkAccepted(l LastCheck, now time.Time) error {
	l.Accepted = now.UTC().Format(time.RFC3339)
	return f.KeepLast(l)
}
