// Package doctor says what would make a check of this host fail, and why,
// without changing anything on it.
package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"aidefleet/node/aide"
	"aidefleet/node/result"
)

// Status says what a finding means for a check.
type Status string

// The three answers to one question.
const (
	OK      Status = "ok"
	Warning Status = "warning" // a check would run, but somebody should know this
	Failed  Status = "failed"  // a check would fail
)

// Finding is the answer to one question about the host.
type Finding struct {
	Name    string        `json:"name"`
	Status  Status        `json:"status"`
	Reason  result.Reason `json:"reason,omitempty"` // that a check would give
	Message string        `json:"message,omitempty"`
	Next    string        `json:"next,omitempty"` // what to do; not with OK
}

// Options say which AIDE, files and folder to examine.
type Options struct {
	AIDE   string // path of AIDE; empty to look for it
	Config string // path of AIDE's configuration; empty to look for it
	// Database is the path of the baseline; empty to take the configuration's.
	Database string
	State    string        // the node's own folder
	Timeout  time.Duration // for AIDE to read its configuration
	Now      func() time.Time
}

// Examine asks everything that a check depends on, in the order of a check. It answers all
// questions, whatever the first answers are.
func Examine(ctx context.Context, o Options) Diagnosis {
	e := examiner{Options: o}
	e.state(os.Geteuid())
	e.lock()
	e.program(ctx)
	e.configuration(ctx)
	e.patterns()
	e.baseline()
	e.room()
	e.last()
	e.reports()
	e.root(os.Geteuid())
	return e.found
}

// examiner collects what is found, and what later questions need of it.
type examiner struct {
	Options
	found  Diagnosis
	aide   aide.Program // its path is empty if there is none that runs
	config aide.Config  // empty if it cannot be read
	size   int64        // of the baseline, in bytes; 0 if there is none
}

func (e *examiner) ok(name, format string, args ...any) {
	e.add(&Finding{Name: name, Status: OK, Message: fmt.Sprintf(format, args...)})
}

func (e *examiner) warn(name, next, format string, args ...any) {
	e.add(&Finding{Name: name, Status: Warning, Message: fmt.Sprintf(format, args...), Next: next})
}

func (e *examiner) fail(name string, reason result.Reason, next string, err error) {
	e.add(&Finding{Name: name, Status: Failed, Reason: reason, Message: err.Error(), Next: next})
}

func (e *examiner) add(f *Finding) {
	f.Message, f.Next = oneLine(f.Message), oneLine(f.Next)
	e.found = append(e.found, f)
}

// oneLine makes text safe for a terminal: AIDE's messages and paths are in it.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(result.EscapeInvalid(s), func(r rune) bool {
		return unicode.IsControl(r) || r == ' '
	}), " ")
}

// root says whether the node has the rights to read everything.
func (e *examiner) root(uid int) {
	const name = "root"
	if uid == 0 {
		e.ok(name, "runs as root")
		return
	}
	e.warn(name, "run aide-node as root",
		"runs as user %d: what only root may read counts as removed or changed, and the baseline may be out of reach", uid)
}
