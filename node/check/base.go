package check

import (
	"errors"
	"fmt"
	"os"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// Inspect reads the baseline that a configuration names, and says why a check by that AIDE
// and with that state folder cannot compare with it. It takes no lock and writes nothing.
// ReasonOf tells the reason of its error.
func Inspect(by aide.Program, c aide.Config, dir string) (baseline.Info, error) {
	return inspect(by, c, dir, nil)
}

func inspect(by aide.Program, c aide.Config, dir string, visit func(aide.Entry) error) (baseline.Info, error) {
	in := state.Folder(dir)
	if err := aide.TrustedBaseline(c.Database); errors.Is(err, aide.ErrUntrusted) {
		return baseline.Info{}, fail(result.BaselineInvalid, "%w; then aide-node init --force if you do not know what it holds", err)
	}
	base, err := baseline.Inspect(c.Database, visit)
	switch {
	case errors.Is(err, baseline.ErrMissing):
		return base, removedOrMissing(in, c, err)
	case errors.Is(err, aide.ErrDatabase), errors.Is(err, os.ErrPermission):
		return base, failure{result.BaselineInvalid, err}
	case err != nil:
		return base, err
	}
	if err := compareSize(in, base); err != nil {
		return base, err
	}
	if by.Path != "" && !by.Version.Reads(base.Database) {
		return base, outdatedError(in, by, base)
	}
	return base, nil
}

// base is the baseline, if it can be compared with.
func (r *runner) base() (baseline.Info, error) { return Inspect(r.aide, r.config, r.State) }

// compareSize compares a baseline with its record, because one without an end marker can be
// cut short behind any line. The record is found by the time at which AIDE wrote it: no two
// runs of AIDE on a host end in the same second, except runs of this node.
func compareSize(in state.Folder, base baseline.Info) error {
	if !in.Baseline(base.SHA256).Since.IsZero() {
		return nil
	}
	for _, n := range in.Baselines() {
		if n.Path == base.Path && n.Written != "" && n.Written == base.Written {
			return fail(result.BaselineInvalid, "%s is not as AIDE wrote it at %s any more: it had %d entries in %d bytes then, and has %d in %d: it was cut short or changed",
				base.Path, n.Written, n.Entries, n.Size, base.Entries, base.Size)
		}
	}
	return nil
}

// removedOrMissing is the error about a baseline that is not there: it was removed, or was
// never taken. Only what is known of the same path counts.
func removedOrMissing(in state.Folder, c aide.Config, missing error) error {
	var at time.Time
	var how string
	saw := func(t time.Time, by string) {
		if t.After(at) {
			at, how = t, by
		}
	}
	if n, ok := in.LastBaseline(c.Database); ok {
		saw(n.Since, "aide-node had put it there")
	}
	if l, err := in.ReadLast(); err == nil && (l.Database == c.Database || l.Database == "" && l.Config == c.SHA256) {
		saw(l.Started, "a check compared with it")
	}
	backup := baseline.LastBackup(c.Database)
	saw(backup, "it took the place of its newest backup")
	if at.IsZero() {
		return failure{result.BaselineMissing, notMoved(c, missing)}
	}
	undo := ""
	if !backup.IsZero() {
		undo = "accept --undo goes back to the newest backup, "
	}
	return fail(result.BaselineRemoved, "%w any more: at %s %s. Find out who removed it; then %saide-node init --force takes a new one",
		missing, at.UTC().Format(time.RFC3339), how, undo)
}

// notMoved names the database that AIDE wrote for its user if it was never made the
// baseline.
func notMoved(c aide.Config, missing error) error {
	info, err := os.Stat(c.NewDatabase)
	if c.NewDatabase == "" || c.NewDatabase == c.Database || err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return missing
	}
	return fmt.Errorf("%w; AIDE wrote %s on %s, and nobody moved it there: look at it, then mv %s %s, or aide-node init takes another",
		missing, c.NewDatabase, info.ModTime().UTC().Format(time.RFC3339), c.NewDatabase, c.Database)
}

// outdatedError is the error about a baseline of another AIDE, which this one cannot read.
func outdatedError(in state.Folder, by aide.Program, base baseline.Info) error {
	from := base.Writer
	if l, err := in.ReadLast(); from == "" && err == nil && l.Baseline.SHA256 == base.SHA256 {
		from = l.AIDE
	}
	verb := "upgraded"
	if by.Version.OlderThan(from) {
		verb = "downgraded"
	}
	if from == "" {
		from = "another release"
	}
	return fail(result.BaselineOutdated, "AIDE was %s from %s to %s; take a new baseline: aide-node init --force. It cannot read the one there is",
		verb, from, by.Version)
}

// refusedError says why AIDE refused a baseline that is whole.
func (r *runner) refusedError(base baseline.Info, said string) error {
	if base.Writer != "" && base.Writer != r.aide.Version.String() {
		return outdatedError(r.state, r.aide, base)
	}
	return fail(result.BaselineInvalid, "AIDE refused the baseline: %s", said)
}
