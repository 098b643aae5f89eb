package check

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
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
	text        []byte // the file
}

// mostLast bounds what is read of the file, in bytes; a result line takes less.
const mostLast = 64 << 10

// opening is how the file begins.
const opening = "{\n"

// errNoLast says that no check has left its result here.
var errNoLast = errors.New("no check has been made")

// keepLast notes what the last check said, and the digest of the new database
// it left behind.
func (s state) keepLast(l result.Line, newDatabase, database string) error {
	o := result.Lines()
	l.Members(o)
	o.Text("newDatabase", newDatabase) // SHA-256, hex
	o.Text("database", database)       // path
	return s.write(s.last(), append(o.Bytes(), '\n'))
}

// readLast reads what keepLast wrote. Each of the members that count has a line
// of its own there, and its value needs no escapes.
func (s state) readLast() (last, error) {
	text, err := regular.Read(s.last(), mostLast)
	if errors.Is(err, fs.ErrNotExist) {
		return last{}, errNoLast
	} else if err != nil {
		return last{}, err
	}
	members := make(map[string]string)
	for line := range bytes.Lines(text) {
		line := strings.TrimSuffix(strings.TrimSpace(string(line)), ",")
		name, value, ok := strings.Cut(strings.TrimPrefix(line, `"`), `": "`)
		if _, twice := members[name]; ok && !twice {
			members[name] = strings.TrimSuffix(value, `"`)
		}
	}
	l := last{
		status: result.Status(members["status"]), started: members["started"], fingerprint: members["fingerprint"],
		baseline: members["sha256"], config: members["config"], newDatabase: members["newDatabase"],
		accepted: members["accepted"], aide: members["aide"], text: text,
	}
	// JSON escapes in a path are also those of Go.
	l.database, _ = strconv.Unquote(`"` + members["database"] + `"`)
	if !bytes.HasPrefix(text, []byte(opening)) || l.status == "" || l.started == "" || l.baseline == "" || l.config == "" || l.newDatabase == "" {
		return last{}, fmt.Errorf("%s is not as a check writes it", s.last())
	}
	return l, nil
}

// markAccepted notes that the changes of the last check are in the baseline.
func (s state) markAccepted(l last, now time.Time) error {
	member := fmt.Appendf(nil, opening+" \"accepted\": %q,\n", now.UTC().Format(time.RFC3339))
	return s.write(s.last(), append(member, l.text[len(opening):]...))
}
