package doctor

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"aidefleet/node/state"
)

// last tells what the last check said. It is no obstacle to the next one.
func (e *examiner) last() {
	const name, next = "last", "aide-node check"
	said, err := e.folder().ReadLast()
	switch at := said.At(); {
	case errors.Is(err, state.ErrNoCheck):
		e.warn(name, next, "no check has come to an end here yet")
	case errors.Is(err, state.ErrNotAsWritten):
		e.warn(name, next, "%v", err)
	case err != nil:
		e.warn(name, next, "what the last check said cannot be read: %v", err)
	case said.Started.After(e.Now()):
		e.warn(name, "look at the host's clock", "the last check was at %s, which is yet to come", at)
	case said.Accepted != "":
		e.ok(name, "%s at %s, accepted at %s", said.Status, at, said.Accepted)
	case said.Unread > 0:
		e.warn(name, next+" says what AIDE could not look at", "%s at %s, and %d entries unread", said.Status, at, said.Unread)
	default:
		e.ok(name, "%s at %s: %d added, %d changed, %d removed", said.Status, at, said.Added, said.Changed, said.Removed)
	}
}

// reports counts the reports of earlier checks, and says if the newest check failed. Files
// are named by the start of a check.
func (e *examiner) reports() {
	const name = "reports"
	files, err := os.ReadDir(string(e.folder().Reports()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
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
