package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/packages"
	"aidefleet/node/regular"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

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
	state  state.Folder
	aide   aide.Program
	config aide.Config
	answer Answer

	compared      baseline.Info   // the baseline that a check compares with
	folderWatched bool            // the baseline has an entry of the folder it lies in
	found         changeSet       // what the changes are, if they are named
	asked         bool            // the package managers were asked
	packages      *packages.Files // what they said; nil if nothing
	owners        []state.Owners  // open until the run ends
	named         bool            // the changes are known by name, and their digests are written
}

// run does what all commands do before and after AIDE, and makes a line of an error.
func (o Options) run(ctx context.Context, do func(*runner, context.Context) error) Answer {
	started := o.Now()
	r := &runner{Options: o}
	r.answer.Line = result.Line{V: result.Version, Node: o.Version, NodeSHA256: self(), Started: started}
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	err := r.withLock(ctx, started, do)
	r.close()
	r.answer.Seconds = o.Now().Sub(started).Seconds()
	if err != nil {
		r.fail(ctx, err)
	}
	return r.answer
}

func (r *runner) withLock(ctx context.Context, started time.Time, do func(*runner, context.Context) error) error {
	s, err := state.Open(r.State)
	if err != nil {
		return failure{result.StateUnwritable, err}
	}
	r.state = s
	release, err := s.Lock(started)
	var busy *state.BusyError
	if errors.As(err, &busy) {
		return failure{result.Busy, err}
	} else if err != nil {
		return failure{result.StateUnwritable, err}
	}
	defer release()
	if err := r.findAIDE(ctx); err != nil {
		return err
	}
	return do(r, ctx)
}

// close gives up what a run holds open.
func (r *runner) close() {
	if r.packages != nil {
		r.packages.Close()
	}
	for _, o := range r.owners {
		o.Close()
	}
}

// fail turns the answer into the line of a run that failed. The digests of programs,
// configuration and baseline stay in it.
func (r *runner) fail(ctx context.Context, err error) {
	l := &r.answer.Line
	l.Status, l.Counts, l.Fingerprint, l.Groups, l.Paths, l.More = result.Failed, nil, "", nil, nil, 0
	l.Unread, l.UnreadPath, l.Explained, l.New, l.Since, l.Next = 0, "", 0, 0, "", ""
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		l.Reason, l.Message = result.Timeout, fmt.Sprintf("AIDE was ended after %s", r.Timeout)
	case ctx.Err() != nil:
		l.Reason, l.Message = result.Interrupted, fmt.Sprintf("the run was interrupted (%v), and AIDE was ended with it: run it again", context.Cause(ctx))
	default:
		l.Reason, l.Message = ReasonOf(err), err.Error()
	}
}

// ReasonOf is the reason of an error, unless the run was ended from outside. If the host
// does not let the node do something, that is no bug of the node.
func ReasonOf(err error) result.Reason {
	reason := result.Internal
	var f failure
	var errno syscall.Errno
	switch {
	case errors.Is(err, aide.ErrNotExecutable):
		return result.NotExecutable
	case errors.As(err, &f):
		reason = f.reason
	case errors.Is(err, aide.ErrStart):
		return result.AideFailed
	case errors.As(err, &errno), errors.Is(err, regular.ErrNot):
		reason = result.StateUnwritable // errors of the files of others have a reason of their own
	}
	if reason == result.StateUnwritable && errors.Is(err, syscall.EROFS) {
		return result.ReadOnly
	}
	return reason
}

// findAIDE finds AIDE and its configuration.
func (r *runner) findAIDE(ctx context.Context) (err error) {
	r.aide, err = aide.Find(ctx, r.AIDE)
	if errors.Is(err, aide.ErrMissing) && r.Install {
		by, failed := aide.Install(ctx)
		if failed != nil {
			return failure{result.AideMissing, failed}
		}
		r.note("AIDE was installed by %s.", by)
		r.aide, err = aide.Find(ctx, r.AIDE)
	}
	if errors.Is(err, aide.ErrMissing) {
		return failure{result.AideMissing, err}
	} else if err != nil {
		return failure{result.AideFailed, err}
	}
	r.answer.AIDE, r.answer.AIDESHA256 = r.aide.Version.String(), programDigest(r.aide.Path)
	path := r.Config
	if path == "" {
		if path, err = aide.FindConfig(); err != nil {
			return failure{result.ConfigMissing, err}
		}
	}
	r.config, err = r.aide.Version.ReadConfig(ctx, path, r.Database)
	if errors.Is(err, fs.ErrNotExist) {
		return failure{result.ConfigMissing, err}
	} else if err != nil {
		return failure{result.ConfigInvalid, err}
	}
	r.answer.Config = r.config.SHA256
	if r.config.Newer != "" {
		r.tell(fmt.Sprintf("%s was changed after %s was made of it: run update-aide.conf", r.config.Newer, path))
	}
	return nil
}

func (r *runner) job() aide.Job {
	return aide.Job{
		Config: r.config.Path, Folder: r.state.Run(), Own: r.State, Baseline: r.config.Database,
		FolderWatched: r.folderWatched, SyslogFormat: r.config.SyslogFormat, Weight: r.Weight,
	}
}

// headline sets the first line of the text for people.
func (r *runner) headline(format string, args ...any) {
	r.answer.headline = fmt.Sprintf(format, args...)
}

func (r *runner) note(format string, args ...any) {
	r.answer.Notes = append(r.answer.Notes, fmt.Sprintf(format, args...))
}
