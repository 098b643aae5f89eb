// Package check is one check of a host, from the lock to the result line.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
)

// Options say how a check is run.
type Options struct {
	AIDE    string        // path of AIDE; empty to look for it
	Config  string        // path of AIDE's configuration; empty to look for it
	State   string        // the node's own folder
	Timeout time.Duration // after which AIDE is killed; 0 for none
	Keep    time.Duration // how long reports are kept
	Weight  aide.Weight
	Version string // the node's
	Now     func() time.Time
}

// Answer is a result line and what only a person reads.
type Answer struct {
	result.Line
	Notes []string
}

// failure is an error with the reason that a result line gives.
type failure struct {
	reason result.Reason
	err    error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

func fail(reason result.Reason, format string, args ...any) error {
	return failure{reason, fmt.Errorf(format, args...)}
}

// runner is one run, of a check or of an init.
type runner struct {
	Options
	state  state
	aide   aide.Program
	config aide.Config
	answer Answer
}

// Check compares the host's files with its baseline. It always has an answer.
func Check(ctx context.Context, o Options) Answer {
	return o.run(ctx, (*runner).check)
}

// Init takes a baseline if there is none. Its answer is clean, with the number
// of entries of the baseline as total.
func Init(ctx context.Context, o Options) Answer {
	return o.run(ctx, (*runner).init)
}

// run does what comes before and behind AIDE, and makes a line of an error.
func (o Options) run(ctx context.Context, do func(*runner, context.Context) error) Answer {
	started := o.Now()
	r := &runner{Options: o}
	r.answer.Line = result.Line{V: result.Version, Node: o.Version, Started: started}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	err := r.locked(ctx, started, do)
	r.answer.Seconds = o.Now().Sub(started).Seconds()
	if err != nil {
		r.fail(ctx, err)
	}
	return r.answer
}

func (r *runner) locked(ctx context.Context, started time.Time, do func(*runner, context.Context) error) error {
	s, err := openState(r.State)
	if err != nil {
		return failure{result.StateUnwritable, err}
	}
	r.state = s
	release, err := lock(s.lock(), started)
	var busy busyError
	if errors.As(err, &busy) {
		return failure{result.Busy, err}
	} else if err != nil {
		return failure{result.StateUnwritable, err}
	}
	defer release()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	return do(r, ctx)
}

// fail turns the answer into the line of a check that failed. What is known of
// AIDE and the configuration stays.
func (r *runner) fail(ctx context.Context, err error) {
	l := &r.answer.Line
	l.Status, l.Counts, l.Fingerprint, l.Paths, l.More = result.Failed, nil, "", nil, 0
	l.Reason, l.Message = result.Internal, err.Error()
	var f failure
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		l.Reason, l.Message = result.Timeout, fmt.Sprintf("AIDE was ended after %s", r.Timeout)
	case ctx.Err() != nil:
		l.Message = "the check was interrupted"
	case errors.As(err, &f):
		l.Reason = f.reason
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EDQUOT):
		l.Reason = result.StateUnwritable
	}
}

// prepare finds AIDE and its configuration.
func (r *runner) prepare(ctx context.Context) (err error) {
	r.aide, err = aide.Find(ctx, r.AIDE)
	if errors.Is(err, aide.ErrMissing) {
		return failure{result.AideMissing, err}
	} else if err != nil {
		return failure{result.AideFailed, err}
	}
	r.answer.AIDE = r.aide.Version.String()
	path := r.Config
	if path == "" {
		if path, err = aide.FindConfig(); err != nil {
			return failure{result.ConfigMissing, err}
		}
	}
	r.config, err = aide.ReadConfig(path)
	if errors.Is(err, fs.ErrNotExist) {
		return failure{result.ConfigMissing, err}
	} else if err != nil {
		return failure{result.ConfigInvalid, err}
	}
	r.answer.Config = r.config.SHA256
	return nil
}

func (r *runner) job() aide.Job {
	return aide.Job{Config: r.config.Path, Folder: r.state.run(), Exclude: r.State, Weight: r.Weight}
}

func (r *runner) check(ctx context.Context) error {
	base, err := baseline.Inspect(r.config.Database, nil)
	if err != nil {
		return baselineFailure(err)
	}
	r.answer.Baseline = &result.Baseline{SHA256: base.SHA256, Created: base.Created}
	// The new database is about as large as the baseline; reports need room too.
	if err := r.state.room(base.Size + base.Size/4 + 1<<20); err != nil {
		return failure{result.StateUnwritable, err}
	}
	id := r.state.newID(r.answer.Started)
	o, reports, err := r.aide.Update(ctx, r.job())
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	newDatabase, err := r.read(o, reports)
	if keepErr := r.keep(id, o, reports, err); err == nil && keepErr != nil {
		err = failure{result.StateUnwritable, keepErr}
	}
	if err != nil {
		return err
	}
	if n := o.Warnings(); n > 0 {
		r.note("AIDE gave %d warnings; the first: %s", n, firstWarning(o.Stderr))
	}
	return r.state.keepLast(r.answer.Line, newDatabase)
}

// read makes the answer of what AIDE left behind, and returns the digest of the
// new database.
func (r *runner) read(o aide.Outcome, reports aide.Reports) (newDatabase string, err error) {
	if err := judge(o); err != nil {
		return "", err
	}
	summary, err := reports.Counts()
	if err != nil {
		return "", fail(result.ReportUnreadable, "AIDE ended with status %d: %w: %s", o.Exit, err, o.Complaint())
	}
	if summary.Status() != o.Exit {
		return "", fail(result.ReportUnreadable, "AIDE ended with status %d, its report says %d added, %d removed, %d changed",
			o.Exit, summary.Added, summary.Removed, summary.Changed)
	}
	if summary.Total == 0 && summary.Removed == 0 {
		return "", fail(result.ConfigInvalid, "%s selects no file to look at", r.config.Path)
	}
	r.answer.Counts = &result.Counts{Added: summary.Added, Removed: summary.Removed, Changed: summary.Changed, Total: summary.Total}
	r.answer.Status = result.Clean
	if summary.Differences {
		r.answer.Status = result.Drift
	}
	return r.name(summary, reports)
}

// name holds the names of the report against the databases, and finds the
// fingerprint and the sample. It also sees whether the new database is whole.
func (r *runner) name(summary aide.Summary, reports aide.Reports) (newDatabase string, err error) {
	listed := newChanges(reports.JSON)
	known := true
	if summary.Differences {
		err := reports.Changes(listed.add)
		switch {
		case errors.Is(err, aide.ErrInvalidJSON):
			known = false
			r.note("The names of the changed files cannot be told: %v.", err)
		case err != nil:
			return "", failure{result.ReportUnreadable, err}
		default:
			if err := listed.agree(summary); err != nil {
				return "", failure{result.ReportUnreadable, err}
			}
		}
	}
	var print fingerprint
	var shown sample
	found := 0
	fresh, err := baseline.Inspect(r.job().NewDatabase(), func(e aide.Entry) error {
		if kind := listed.kind(e.Name()); kind == aide.Added || kind == aide.Changed {
			found++
			print.now(kind, e)
			shown.add(kind, e.Name(), isSetuid(e))
		}
		return nil
	})
	switch {
	case errors.Is(err, aide.ErrDatabase), errors.Is(err, baseline.ErrMissing):
		return "", fail(result.StateUnwritable, "the new database is not whole, is the disk full? %w", err)
	case err != nil:
		return "", err
	case fresh.Entries != summary.Total:
		return "", fail(result.ReportUnreadable, "the report counts %d entries, the new database has %d", summary.Total, fresh.Entries)
	}
	if !summary.Differences || !known {
		return fresh.SHA256, nil
	}
	if summary.Removed > 0 {
		if _, err := baseline.Inspect(r.config.Database, func(e aide.Entry) error {
			if listed.kind(e.Name()) == aide.Removed {
				found++
				print.removed(e.Name())
				shown.add(aide.Removed, e.Name(), false)
			}
			return nil
		}); err != nil {
			return "", baselineFailure(err)
		}
	}
	if want := summary.Added + summary.Removed + summary.Changed; found != want {
		return "", fail(result.ReportUnreadable, "the report names %d entries, the databases know %d of them", want, found)
	}
	r.answer.Fingerprint, r.answer.Paths = print.sum(), shown.paths()
	return fresh.SHA256, nil
}

// keep keeps the report, or what AIDE said where it failed.
func (r *runner) keep(id string, o aide.Outcome, reports aide.Reports, failed error) error {
	r.answer.Report = id
	full, err := reports.Full()
	if err == nil {
		defer func() { _ = full.Close() }()
		name := id + ".txt"
		if reports.JSON {
			name = id + ".json"
		}
		err = r.state.keepReport(name, full)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if failed != nil {
		said := fmt.Appendf(nil, "%v\nexit status %d, signal %d\n\nstderr:\n%s\nstdout:\n%s", failed, o.Exit, o.Signal, o.Stderr, o.Stdout)
		err = errors.Join(err, r.state.keepReport(id+".failed", bytes.NewReader(said)))
	}
	if err == nil {
		err = r.state.prune(r.answer.Started, r.Keep)
	}
	return err
}

// judge tells a run that has a result, status 0 to 7, from one that failed.
func judge(o aide.Outcome) error {
	said := o.Complaint()
	switch {
	case o.Signal == syscall.SIGKILL:
		return fail(result.AideCrashed, "AIDE was killed (SIGKILL): out of memory, or by somebody")
	case o.Signal != 0:
		return fail(result.AideCrashed, "AIDE was ended by signal %d (%s)", o.Signal, o.Signal)
	case o.Exit == 17:
		return fail(result.ConfigInvalid, "AIDE refused its configuration: %s", said)
	case o.Exit == 24:
		return fail(result.BaselineInvalid, "AIDE refused the baseline; after an upgrade of AIDE it may be too old: %s", said)
	case o.Exit < 0 || o.Exit > 7:
		return fail(result.AideFailed, "AIDE ended with status %d: %s", o.Exit, said)
	}
	return nil
}

func baselineFailure(err error) error {
	switch {
	case errors.Is(err, baseline.ErrMissing):
		return failure{result.BaselineMissing, err}
	case errors.Is(err, aide.ErrDatabase):
		return failure{result.BaselineInvalid, err}
	case errors.Is(err, os.ErrPermission):
		return failure{result.BaselineInvalid, err}
	}
	return err
}

func (r *runner) note(format string, args ...any) {
	r.answer.Notes = append(r.answer.Notes, fmt.Sprintf(format, args...))
}

func firstWarning(stderr []byte) string {
	for line := range bytes.Lines(stderr) {
		if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("WARNING")) {
			return string(line)
		}
	}
	return ""
}
