package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// init takes a baseline if there is none. If it is forced to, it replaces the present one,
// but only with a yes to the changes that nobody has reviewed.
func (r *runner) init(ctx context.Context) error {
	base, err := r.base()
	switch {
	case errors.Is(err, aide.ErrUntrusted):
		return err
	case errors.Is(err, baseline.ErrMissing) && ReasonOf(err) == result.BaselineMissing:
		return r.takeFirst(ctx)
	case errors.Is(err, baseline.ErrMissing) && !r.Force:
		return err
	case r.Force && !r.Yes:
		return r.refuseRetake(err)
	case errors.Is(err, baseline.ErrMissing):
		return r.takeFirst(ctx)
	case r.Force:
		return r.retake(ctx)
	case errors.Is(err, aide.ErrDatabase):
		return fail(result.BaselineInvalid, "%w; aide-node init --force takes a new one and keeps this", err)
	case err != nil:
		return err
	}
	r.tellFew(base.Entries)
	r.note("There is a baseline already, of %s; it was left as it is.", base.Created.UTC().Format("2006-01-02 15:04:05 MST"))
	r.compareRecords(base)
	r.answerBaseline(base, "")
	return nil
}

// refuseRetake says what a new baseline would hide. err is what is wrong with the present one.
func (r *runner) refuseRetake(err error) error {
	r.nameBaseline()
	if errors.Is(err, baseline.ErrMissing) {
		return fail(result.Refused, "%w. Changes since then would be in the new baseline, unseen: add --yes to take it", err)
	}
	last, lastErr := r.state.ReadLast()
	if b := r.answer.Baseline; lastErr != nil || b == nil || last.Baseline.SHA256 != b.SHA256 {
		return fail(result.Refused, "no check has compared with the present baseline, so nobody knows what changes the new one would hide: run aide-node check first, or add --yes to take it")
	}
	return fail(result.Refused, "the check of %s found %s that nobody has accepted; the new baseline would hide what has changed until now: review it, or add --yes to take it",
		last.At(), changesInWords(last.Sum()))
}

func changesInWords(n int) string {
	switch n {
	case 0:
		return "no changes"
	case 1:
		return "1 change"
	}
	return strconv.Itoa(n) + " changes"
}

// takeFirst takes the first baseline.
func (r *runner) takeFirst(ctx context.Context) error {
	fresh, err := r.writeDatabase(ctx)
	if err != nil {
		return err
	}
	if err := r.state.RecordBaseline(state.Baseline{SHA256: fresh.SHA256, Config: r.config.SHA256}); err != nil {
		return failure{result.StateUnwritable, err}
	}
	base, err := baseline.Install(fresh.Path, r.config.Database)
	if err != nil {
		return failure{result.StateUnwritable, fmt.Errorf("install the baseline: %w", err)}
	}
	_ = os.Remove(fresh.Path) // it only takes room
	r.recordBaseline(base, r.config.SHA256)
	r.recordOwners(ctx, base.SHA256)
	r.note("The baseline was taken: %s.", base.Path)
	r.answerBaseline(base, "")
	return nil
}

// retake takes a baseline in place of the present one, which may be garbage.
func (r *runner) retake(ctx context.Context) error {
	fresh, err := r.writeDatabase(ctx)
	if err != nil {
		return err
	}
	was, err := baseline.Digest(r.config.Database)
	if err != nil {
		return failure{result.StateUnwritable, fmt.Errorf("read the old baseline: %w", err)}
	}
	if err := r.replace(fresh.Path, fresh.SHA256, was); err != nil {
		return err
	}
	_ = os.Remove(fresh.Path) // it only takes room
	r.recordOwners(ctx, fresh.SHA256)
	r.note("A new baseline was taken: %s.", r.config.Database)
	return nil
}

// writeDatabase lets AIDE write a database of the files as they are.
func (r *runner) writeDatabase(ctx context.Context) (baseline.Info, error) {
	o, err := r.aide.Init(ctx, r.job())
	if err != nil {
		return baseline.Info{}, err
	}
	if ctx.Err() != nil {
		return baseline.Info{}, ctx.Err()
	}
	if err := failureOf(o); err != nil {
		if o.Crashed() {
			err = r.nameCrashedFile(ctx, err)
		}
		return baseline.Info{}, err
	}
	if o.Exit != 0 && o.Said.Bus {
		return baseline.Info{}, errBus
	}
	if o.Exit != 0 {
		return baseline.Info{}, fail(result.AideFailed, "AIDE ended with status %d: %s", o.Exit, o.Complaint())
	}
	r.setUnread(o)
	fresh, err := baseline.Inspect(r.job().NewDatabase(), nil)
	if errors.Is(err, aide.ErrNoEntry) {
		return fresh, r.nothingSeen(o)
	}
	if errors.Is(err, aide.ErrDatabase) || errors.Is(err, baseline.ErrMissing) {
		return fresh, fail(result.StateUnwritable,
			"AIDE wrote no whole database, is the disk full? %w", err)
	}
	if err == nil {
		r.tellFew(fresh.Entries)
	}
	return fresh, err
}
