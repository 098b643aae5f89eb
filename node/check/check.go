// Package check is one check of a host, from the lock to the result line.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/history"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// Options say how a check is run.
type Options struct {
	AIDE   string // path of AIDE; empty to look for it
	Config string // path of AIDE's configuration; empty to look for it
	// Database is the path of the baseline; empty to take the configuration's.
	Database string
	State    string        // the node's own folder
	Packages bool          // ask package managers which changes they explain
	Install  bool          // install AIDE if there is none
	Force    bool          // take a baseline although there is one
	Yes      bool          // and although its changes are not reviewed
	Backups  int           // how many old baselines are kept, at least 1
	Timeout  time.Duration // after which AIDE is killed; 0 for none
	Keep     time.Duration // how long reports are kept
	// KeepBytes bounds what all reports together take on disk; 0 is no limit.
	KeepBytes int64
	Weight    aide.Weight
	Version   string // the node's
	Now       func() time.Time
}

// Answer is a result line and what only a person reads.
type Answer struct {
	result.Line
	Notes []string

	headline string // what the answer is about; empty after a check
	groups   []state.Group
}

// Check compares the host's files with its baseline. It always has an answer.
func Check(ctx context.Context, o Options) Answer {
	return o.run(ctx, (*runner).check)
}

// Init takes a baseline if there is none, or if it is forced to. Its answer is clean, with the number
// of entries of the baseline as total.
func Init(ctx context.Context, o Options) Answer {
	return o.run(ctx, (*runner).init)
}

// Need is the room in bytes that a check needs in the state folder. The new database is
// about as large as the baseline, and reports need room too.
func Need(baseline int64) int64 { return baseline + baseline/4 + 1<<20 }

func (r *runner) check(ctx context.Context) error {
	base, err := inspect(r.aide, r.config, r.State, r.watchFolder())
	if err != nil {
		r.nameBaseline()
		return err
	}
	r.compared = base
	r.answer.Baseline = &result.Baseline{SHA256: base.SHA256, Created: base.Created}
	r.compareRecords(base)
	if err := r.state.CheckRoom(Need(base.Size)); err != nil {
		return failure{result.StateUnwritable, err}
	}
	id, err := r.state.Reports().NewID(r.answer.Started)
	if err != nil {
		return failure{result.StateUnwritable, err}
	}
	o, reports, err := r.aide.Update(ctx, r.job())
	if err != nil {
		return err
	}
	var newDatabase string
	if err = ctx.Err(); err == nil {
		newDatabase, err = r.answerFrom(ctx, base, o, reports)
		if o.Exit == databaseRefused {
			err = r.refusedError(base, o.Complaint())
		}
	}
	if o.Crashed() {
		err = r.nameCrashedFile(ctx, err)
	}
	if keepErr := r.keepReport(id, o, reports, err); err == nil && keepErr != nil {
		err = failure{result.StateUnwritable, keepErr}
	}
	if err != nil {
		return err
	}
	r.setUnread(o)
	if newDatabase != noDatabase {
		r.answer.Next = newDatabase
	}
	r.countNew(base)
	if err := r.state.KeepLast(state.LastCheck{Line: r.answer.Line, NewDatabase: newDatabase, Database: base.Path}); err != nil {
		return err
	}
	if r.answer.Status == result.Clean {
		r.recordMissingOwners(ctx, base.SHA256)
	}
	r.keepGroups(newDatabase)
	r.keepChanges(base)
	return nil
}

// nameBaseline names in the answer the file in the baseline's place, which a check cannot
// compare with: whoever watches the host from outside sees that it is another.
func (r *runner) nameBaseline() {
	if digest, err := baseline.Digest(r.config.Database); err == nil {
		r.answer.Baseline = &result.Baseline{SHA256: digest}
	}
}

// errBus is the error of a run in which AIDE ended itself.
var errBus = fail(result.AideCrashed, "AIDE ended itself (SIGBUS): a file became shorter while AIDE read it, or the disk cannot read one; AIDE 0.18 goes on without it")

// nothingSeen is the error of a run in which AIDE looked at no file: the rules select none,
// or it could not look at a folder on the way. 0.19.1 skips a folder whose number of
// folders changes just then (open_for_reading in its db_disk.c).
func (r *runner) nothingSeen(o aide.Outcome) error {
	if o.Said.Unread.Entries > 0 {
		return fail(result.AideFailed, "AIDE looked at no file: %s", o.Said.First)
	}
	return fail(result.ConfigInvalid, "%s selects no file to look at", r.config.Path)
}

// answerFrom makes the answer from what AIDE left behind, and returns the digest of the new
// database.
func (r *runner) answerFrom(ctx context.Context, base baseline.Info, o aide.Outcome, reports aide.Reports) (newDatabase string, err error) {
	if err := failureOf(o); err != nil {
		return "", err
	}
	summary, all, err := reports.Counts()
	if err != nil && o.Said.Bus {
		return "", errBus
	}
	if err != nil {
		return "", fail(result.ReportUnreadable, "AIDE ended with status %d: %w: %s", o.Exit, err, o.Complaint())
	}
	if all.Status() != o.Exit {
		return "", fail(result.ReportUnreadable, "AIDE ended with status %d, its report says %d added, %d removed, %d changed",
			o.Exit, all.Added, all.Removed, all.Changed)
	}
	if summary.Total == 0 && !r.allGone(summary) {
		return "", r.nothingSeen(o)
	}
	r.tellNarrow(summary, all)
	r.answer.Counts = &result.Counts{Added: summary.Added, Removed: summary.Removed, Changed: summary.Changed, Total: summary.Total}
	r.answer.Status = result.Clean
	if summary.Differences {
		r.answer.Status = result.Drift
	}
	if err := r.tellPassedOver(base, summary); err != nil {
		return "", err
	}
	return r.findChangeSet(ctx, summary, reports)
}

// setUnread puts into the answer what AIDE could not look at.
func (r *runner) setUnread(o aide.Outcome) {
	r.answer.Unread, r.answer.UnreadPath = o.Said.Unread.Entries, o.Said.Unread.First
	if o.Said.Lines > 0 {
		r.note("AIDE gave %d warnings; the first: %s", o.Said.Lines, o.Said.First)
	}
}

// keepReport keeps the report and, if the run failed, what AIDE said.
func (r *runner) keepReport(id string, o aide.Outcome, reports aide.Reports, failed error) error {
	r.answer.Report = id
	kept := r.state.Reports()
	full, err := reports.Full()
	if err == nil {
		defer func() { _ = full.Close() }()
		kind := history.Plain
		if reports.JSON {
			kind = history.JSON
		}
		err = kept.Write(id, kind, full)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if explained := r.found.packages; explained != nil {
		defer func() { _ = explained.Close() }()
		err = errors.Join(err, kept.Write(id, history.Packages, explained))
	}
	if failed == nil && len(r.found.groups) > 0 {
		groups := make([]history.Group, 0, len(r.found.groups))
		for _, g := range inOrder(r.found.groups) {
			groups = append(groups, history.Group{At: []byte(g.At), Fingerprint: g.Fingerprint, N: g.N})
		}
		err = errors.Join(err, kept.WriteGroups(id, groups))
	}
	if failed != nil {
		said := fmt.Appendf(nil, "%v\nexit status %d, signal %d\n\nstderr:\n%s\nstdout:\n%s", failed, o.Exit, o.Signal, o.Stderr, o.Stdout)
		err = errors.Join(err, kept.Write(id, history.Failed, bytes.NewReader(said)))
	}
	// Pruning may make the room that was missing.
	return errors.Join(err, kept.Prune(r.answer.Started, r.Keep, r.KeepBytes))
}

// databaseRefused is AIDE's exit status if it cannot read a database (DATABASE_ERROR).
const databaseRefused = 24

// endedBySignal is AIDE's exit status if it was asked to end (0.19 and later; up to 0.18 it
// ignores SIGTERM).
const endedBySignal = 25

// failureOf is the error of a run that failed. It is nil for status 0 to 7, with which AIDE
// has a result.
func failureOf(o aide.Outcome) error {
	said := o.Complaint()
	switch {
	case o.Exit == endedBySignal, o.Signal == syscall.SIGTERM, o.Signal == syscall.SIGINT, o.Signal == syscall.SIGHUP:
		return fail(result.Interrupted, "AIDE was asked to end, and did: run it again")
	case o.Signal == syscall.SIGKILL:
		return fail(result.AideCrashed, "AIDE was killed (SIGKILL): out of memory, or by somebody")
	case o.Signal != 0:
		return fail(result.AideCrashed, "AIDE was ended by signal %d (%s)", o.Signal, o.Signal)
	case o.Exit == 17:
		return fail(result.ConfigInvalid, "AIDE refused its configuration: %s", said)
	case o.Exit == databaseRefused:
		return fail(result.BaselineInvalid, "AIDE refused the baseline: %s", said)
	case o.Exit < 0 || o.Exit > 7:
		return fail(result.AideFailed, "AIDE ended with status %d: %s", o.Exit, said)
	}
	return nil
}
