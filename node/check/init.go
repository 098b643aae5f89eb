package check

import (
	"context"
	"errors"
	"fmt"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
)

// init takes a baseline if there is none.
func (r *runner) init(ctx context.Context) error {
	base, err := baseline.Inspect(r.config.Database, nil)
	switch {
	case err == nil:
		r.note("There is a baseline already, of %s; it was left as it is.", base.Created.UTC().Format("2006-01-02 15:04:05 MST"))
	case errors.Is(err, baseline.ErrMissing):
		if base, err = r.create(ctx); err != nil {
			return err
		}
		r.note("The baseline was taken: %s.", base.Path)
	default:
		return baselineFailure(err)
	}
	r.answer.Status = result.Clean
	r.answer.Counts = &result.Counts{Total: base.Entries}
	r.answer.Baseline = &result.Baseline{SHA256: base.SHA256, Created: base.Created}
	return nil
}

func (r *runner) create(ctx context.Context) (baseline.Info, error) {
	o, err := r.aide.Init(ctx, r.job())
	if err != nil {
		return baseline.Info{}, err
	}
	if ctx.Err() != nil {
		return baseline.Info{}, ctx.Err()
	}
	if err := judge(o); err != nil {
		return baseline.Info{}, err
	}
	if o.Exit != 0 {
		return baseline.Info{}, fail(result.AideFailed, "AIDE ended with status %d: %s", o.Exit, o.Complaint())
	}
	fresh, err := baseline.Inspect(r.job().NewDatabase(), nil)
	if errors.Is(err, aide.ErrDatabase) || errors.Is(err, baseline.ErrMissing) {
		return fresh, fail(result.StateUnwritable,
			"AIDE wrote no whole database: is the disk full, or does %s select no file? %w", r.config.Path, err)
	} else if err != nil {
		return fresh, err
	}
	if err := baseline.Install(fresh.Path, r.config.Database); err != nil {
		return fresh, failure{result.StateUnwritable, fmt.Errorf("install the baseline: %w", err)}
	}
	return baseline.Inspect(r.config.Database, nil)
}
