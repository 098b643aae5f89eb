package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

const checkAgain = "run aide-node check again"

// Accept makes the state that the last check found the baseline, or one group of its
// changes. The fingerprint has to be that check's, or that of a group in it, and neither the
// baseline nor the configuration may have changed since. Its answer is clean, with the number
// of entries of the new baseline as total.
func Accept(ctx context.Context, o Options, fingerprint string) Answer {
	return o.run(ctx, func(r *runner, ctx context.Context) error { return r.accept(ctx, fingerprint) })
}

// Undo goes back to the baseline before the present one. Its answer is clean,
// with the number of entries of that baseline as total.
func Undo(ctx context.Context, o Options) Answer {
	return o.run(ctx, func(r *runner, _ context.Context) error { return r.undo() })
}

func (r *runner) accept(ctx context.Context, fingerprint string) error {
	last, err := r.state.ReadLast()
	if errors.Is(err, state.ErrNoCheck) {
		return fail(result.Refused, "%w on this host: run aide-node check first", err)
	} else if err != nil {
		return fail(result.StateUnwritable, "%w: %s", err, checkAgain)
	}
	if done, err := r.isAccepted(last, fingerprint); done || err != nil {
		return err
	}
	part, err := r.partOf(last, fingerprint)
	if err != nil {
		return err
	}
	if part != nil {
		fingerprint = last.Fingerprint
	}
	if err := refusal(last, fingerprint, r.config.SHA256); err != nil {
		return failure{result.Refused, err}
	}
	if last.NewDatabase == noDatabase {
		return fail(result.Refused, "the check of %s found none of the files: nothing is there to become the baseline", last.At())
	}
	base, err := r.base()
	switch {
	case err != nil:
		return err
	case base.SHA256 != last.Baseline.SHA256:
		return fail(result.BaselineInvalid, "the baseline was changed since the check of %s: %s", last.At(), checkAgain)
	}
	fresh := r.job().NewDatabase()
	if _, err := os.Stat(fresh); errors.Is(err, fs.ErrNotExist) {
		return fail(result.Refused, "the database of the check of %s is gone, by a later run that failed: %s", last.At(), checkAgain)
	}
	if part != nil {
		return r.acceptPart(ctx, last, *part, base)
	}
	if err := r.replace(fresh, last.NewDatabase, base.SHA256); err != nil {
		return err
	}
	r.recordOwners(ctx, last.NewDatabase)
	// The baseline is replaced. An error from here on is told and does no harm: the check
	// compared with the old baseline, so that it cannot be accepted again.
	if err := errors.Join(r.state.MarkAccepted(last, r.Now()), os.Remove(fresh)); err != nil {
		r.note("The acceptance could not be noted: %v.", err)
	}
	return nil
}

// isAccepted answers if the state of the last check is the baseline already: to accept it
// once more is no failure.
func (r *runner) isAccepted(l state.LastCheck, fingerprint string) (bool, error) {
	if l.Fingerprint != fingerprint {
		return false, nil
	}
	base, err := r.base()
	if err != nil || base.SHA256 != l.NewDatabase {
		return false, err
	}
	on := l.Accepted
	if on == "" { // the node was ended before it could record that
		on = base.Created.UTC().Format(time.RFC3339)
	}
	r.tell("it was accepted already, on " + on)
	r.answerBaseline(base, "")
	return true, nil
}

// refusal says why what the last check found cannot become the baseline under this
// fingerprint and with this configuration. It is nil if it can.
func refusal(l state.LastCheck, fingerprint, config string) error {
	switch {
	case l.Status == result.Clean:
		return fmt.Errorf("the last check, of %s, found no changes: there is nothing to accept", l.At())
	case l.Fingerprint == "":
		return fmt.Errorf("the last check, of %s, could not tell the names of what changed and has no fingerprint: aide-node init --force takes the files as they are", l.At())
	case l.Fingerprint != fingerprint:
		return fmt.Errorf("the last check, of %s, has the fingerprint %s, not %s: review what it found, or %s", l.At(), l.Fingerprint, fingerprint, checkAgain)
	case l.Accepted != "":
		return fmt.Errorf("%s was already accepted on %s: %s", fingerprint, l.Accepted, checkAgain)
	case l.Config != config:
		return fmt.Errorf("AIDE's configuration was changed since the check of %s: %s", l.At(), checkAgain)
	}
	return nil
}

func (r *runner) undo() error {
	if err := aide.TrustedBaseline(r.config.Database); errors.Is(err, aide.ErrUntrusted) {
		return failure{result.BaselineInvalid, err}
	}
	was, _ := baseline.Digest(r.config.Database) // somebody may have removed it
	base, kept, err := baseline.Undo(r.config.Database)
	switch {
	case errors.Is(err, baseline.ErrNoBackup):
		return fail(result.Refused, "%w: there is nothing to go back to", err)
	case errors.Is(err, aide.ErrDatabase):
		return fail(result.BaselineInvalid, "it is no baseline to go back to; remove it to go back further: %w", err)
	case err != nil:
		return fail(result.StateUnwritable, "undo: %w", err)
	}
	r.recordBaseline(base, r.state.Baseline(base.SHA256).Config)
	r.note("This is the baseline from before the last acceptance again.")
	if kept != "" {
		r.note("What was the baseline until now is kept as %s.", kept)
	}
	r.answerBaseline(base, was)
	return nil
}

// replace makes the database with that digest the baseline, and keeps the old one, which
// has the digest was. The configuration is recorded first: a record without a baseline does
// no harm.
func (r *runner) replace(database, digest, was string) error {
	if err := r.state.RecordBaseline(state.Baseline{SHA256: digest, Config: r.config.SHA256, Since: r.Now(), Path: r.config.Database}); err != nil {
		return failure{result.StateUnwritable, err}
	}
	base, backup, err := baseline.Replace(database, digest, r.config.Database, r.Now())
	switch {
	case errors.Is(err, baseline.ErrDigest), errors.Is(err, aide.ErrDatabase):
		return fail(result.Refused, "the new database was changed since it was written; %s: %w", checkAgain, err)
	case err != nil:
		return fail(result.StateUnwritable, "replace the baseline: %w", err)
	}
	r.recordBaseline(base, r.config.SHA256)
	r.note("The old baseline is kept as %s; aide-node accept --undo goes back to it.", backup)
	if err := baseline.Prune(r.config.Database, r.Backups); err != nil {
		r.note("Older baselines could not be removed: %v.", err)
	}
	r.answerBaseline(base, was)
	return nil
}

// answerBaseline makes the answer about a baseline that is in place. was is the digest of
// the one that it replaced; empty if it replaced none.
func (r *runner) answerBaseline(base baseline.Info, was string) {
	r.headline("The baseline has %d entries.", base.Entries)
	r.answer.Status = result.Clean
	r.answer.Counts = &result.Counts{Total: base.Entries}
	r.answer.Baseline = &result.Baseline{SHA256: base.SHA256, Created: base.Created, Was: was}
}
