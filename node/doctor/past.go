package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"aidefleet/node/regular"
	"aidefleet/node/result"
)

// absent says that a file is not there, or not the folder it would be in.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// last tells what the last check said. It is no obstacle to the next one.
func (e *examiner) last() {
	const name, next = "last", "aide-node check"
	text, err := regular.Read(filepath.Join(e.State, "last.json"), 64<<10)
	said := members(text)
	status, at := said["status"], said["started"]
	started, unreadable := time.Parse(time.RFC3339, at)
	switch {
	case absent(err):
		e.warn(name, next, "no check has come to an end here yet")
	case err != nil:
		e.warn(name, next, "what the last check said cannot be read: %v", err)
	case unreadable != nil, status != string(result.Clean) && status != string(result.Drift):
		e.warn(name, next, "last.json is not as a check writes it")
	case started.After(e.Now()):
		e.warn(name, "look at the host's clock", "the last check was at %s, which is yet to come", at)
	case said["accepted"] != "":
		e.ok(name, "%s at %s, accepted at %s", status, at, said["accepted"])
	case said["unread"] != "":
		e.warn(name, next+" says what AIDE could not look at", "%s at %s, and %s entries unread", status, at, said["unread"])
	default:
		e.ok(name, "%s at %s: %s added, %s changed, %s removed", status, at, said["added"], said["changed"], said["removed"])
	}
}

// members reads last.json, where each member has a line of its own and the first
// of a name is the result line's. The values asked for here need no escapes; the
// decoder of encoding/json would add 110 KiB to the program for them.
func members(text []byte) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ","), ": ")
		name = strings.Trim(name, `"`)
		if _, twice := all[name]; ok && !twice {
			all[name] = strings.Trim(value, `"`)
		}
	}
	return all
}

// reports counts what is kept of earlier checks, and sees whether the newest of
// them failed. Files are named by the time at which a check began.
func (e *examiner) reports() {
	const name = "reports"
	files, err := os.ReadDir(filepath.Join(e.State, "reports"))
	if err != nil && !absent(err) {
		e.warn(name, "see to the state folder", "the reports kept cannot be listed: %v", err)
		return
	}
	var n, bytes int64
	var newest string
	var failed bool           // the newest
	for _, f := range files { // in the order of their names
		id, kind, _ := strings.Cut(f.Name(), ".")
		info, err := f.Info()
		if err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(kind, ".gz") || !strings.HasPrefix(id, "2") {
			continue
		}
		failed = kind == "failed.gz" || failed && id == newest
		n, bytes, newest = n+1, bytes+info.Size(), id
	}
	if failed {
		e.warn(name, "aide-node report --id "+newest, "%d kept, %d KiB; the newest check, %s, failed", n, bytes>>10, newest)
		return
	}
	e.ok(name, "%d kept, %d KiB", n, bytes>>10)
}
