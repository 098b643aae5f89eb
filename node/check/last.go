package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"aidefleet/node/regular"
	"aidefleet/node/result"
)

// last is what has to be known of the last check to accept what it found.
type last struct {
	status      result.Status
	started     string // RFC 3339, UTC
	fingerprint string // empty if it is clean, or if the names could not be told
	baseline    string // SHA-256 of the database that was compared with
	config      string // SHA-256 of the configuration
	newDatabase string // SHA-256 of the database that the check wrote
	accepted    string // when its changes became the baseline; empty if they have not
	database    string // path of the database that was compared with; empty if an earlier version wrote this
	aide        string // version of AIDE
	file        lastFile
}

// mostLast bounds what is read of the file, in bytes; a result line takes less.
const mostLast = 64 << 10

// lastFile is last.json: the result line of the last check, and what only this host
// has to know.
type lastFile struct {
	Accepted string `json:"accepted,omitempty"` // RFC 3339, UTC
	result.Line
	NewDatabase string `json:"newDatabase"` // SHA-256, hex
	Database    string `json:"database"`    // path
}

// errNoLast says that no check has left its result here.
var errNoLast = errors.New("no check has been made")

// keepLast notes what the last check said, and the digest of the new database
// it left behind.
func (s state) keepLast(l result.Line, newDatabase, database string) error {
	return s.writeLast(lastFile{Line: l.ToSecond(), NewDatabase: newDatabase, Database: database})
}

func (s state) writeLast(f lastFile) error {
	text, err := result.MarshalLines(f)
	if err != nil {
		return fmt.Errorf("encode what the check said: %w", err)
	}
	return s.write(s.last(), text)
}

// readLast reads what keepLast wrote.
func (s state) readLast() (last, error) {
	text, err := regular.Read(s.last(), mostLast)
	if errors.Is(err, fs.ErrNotExist) {
		return last{}, errNoLast
	} else if err != nil {
		return last{}, err
	}
	var f lastFile
	err = json.Unmarshal(text, &f)
	if err != nil || f.Status == "" || f.Started.IsZero() || f.Baseline == nil || f.Baseline.SHA256 == "" || f.Config == "" || f.NewDatabase == "" {
		return last{}, fmt.Errorf("%s is not as a check writes it", s.last())
	}
	return last{
		status: f.Status, started: f.Started.Format(time.RFC3339), fingerprint: f.Fingerprint,
		baseline: f.Baseline.SHA256, config: f.Config, newDatabase: f.NewDatabase,
		accepted: f.Accepted, database: f.Database, aide: f.AIDE, file: f,
	}, nil
}

// markAccepted notes that the changes of the last check are in the baseline.
func (s state) markAccepted(l last, now time.Time) error {
	l.file.Accepted = now.UTC().Format(time.RFC3339)
	return s.writeLast(l.file)
}
