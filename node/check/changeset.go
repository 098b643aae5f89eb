package check

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"strings"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// errLists says that the lists of a report contradict its counts or the databases.
var errLists = errors.New("the report's counts and its lists disagree")

// noDatabase stands for the digest of a new database without an entry, which cannot become
// a baseline.
var noDatabase = strings.Repeat("0", 64)

// changeSet is what is told of the changes that a report lists.
type changeSet struct {
	fingerprint string
	groups      []state.Group
	members     *os.File // the names in the groups; nil if no groups are known
	explained   int      // by packages
	packages    *os.File // those that explain, by name; nil if nothing is explained
	paths       []string
}

// findChangeSet looks up the names of the report in the databases, and puts the fingerprint
// and the sample of paths into the answer. It also checks that the new database is whole,
// and returns its digest.
func (r *runner) findChangeSet(ctx context.Context, s aide.Summary, reports aide.Reports) (newDatabase string, err error) {
	if !s.Differences {
		fresh, err := r.inspectNew(s, nil)
		if err == nil {
			_, err = r.sum(&fingerprint{})
			r.named = true
		}
		return fresh.SHA256, err
	}
	named, fresh, err := r.readChangeSet(ctx, s, reports.JSON, reports.Changes)
	invalid := errors.Is(err, aide.ErrInvalidJSON)
	if invalid || errors.Is(err, errLists) {
		var again error
		if named, fresh, again = r.readMultiline(ctx, s, reports); again == nil {
			err = nil
		}
	}
	switch {
	case err == nil:
		r.answer.Fingerprint, r.answer.Groups, r.answer.Paths = named.fingerprint, told(inOrder(named.groups)), named.paths
		r.answer.Explained = named.explained
		r.found, r.answer.groups = named, inOrder(named.groups)
		r.named = true
		return fresh.SHA256, nil
	case invalid, errors.Is(err, errSpelling): // the counts are certain all the same
		r.note("The changed files cannot be named: %v.", err)
		fresh, err = r.inspectNew(s, nil)
		return fresh.SHA256, err
	case errors.Is(err, errLists):
		return "", failure{result.ReportUnreadable, err}
	}
	return "", err
}

// readMultiline reads the report once more, with the names from the databases that can make
// it ambiguous.
func (r *runner) readMultiline(ctx context.Context, s aide.Summary, reports aide.Reports) (changeSet, baseline.Info, error) {
	odd := make(aide.MultilineNames)
	collect := func(e aide.Entry) error { odd.Add(e.Name(), reports.JSON); return nil }
	if _, err := r.inspectNew(s, collect); err != nil {
		return changeSet{}, baseline.Info{}, err
	}
	if _, err := baseline.Inspect(r.config.Database, collect); err != nil {
		return changeSet{}, baseline.Info{}, err
	}
	return r.readChangeSet(ctx, s, reports.JSON, func(visit func(aide.Change) error) error { return reports.ChangesMultiline(odd, visit) })
}

// inspectNew reads the new database and hands each entry to visit, which may be nil.
func (r *runner) inspectNew(s aide.Summary, visit func(aide.Entry) error) (baseline.Info, error) {
	fresh, err := baseline.Inspect(r.job().NewDatabase(), visit)
	switch {
	case errors.Is(err, aide.ErrNoEntry) && s.Total == 0: // all files are gone
		return baseline.Info{SHA256: noDatabase}, nil
	case errors.Is(err, aide.ErrDatabase), errors.Is(err, baseline.ErrMissing):
		return fresh, fail(result.StateUnwritable, "the new database is not whole, is the disk full? %w", err)
	case err != nil:
		return fresh, err
	case fresh.Marked && !r.compared.Marked && !r.aide.Version.Marks() && fresh.Writer == r.compared.Writer:
		// Some builds of 0.16 always end a database with the marker.
		return fresh, fail(result.BaselineInvalid, "%s does not end with @@end_db, as this AIDE ends its databases: it was cut short after %d entries",
			r.compared.Path, r.compared.Entries)
	case fresh.Entries != s.Total:
		return fresh, fail(result.ReportUnreadable, "the report counts %d entries, the new database has %d", s.Total, fresh.Entries)
	}
	return fresh, nil
}

// readChangeSet reads the report with reader, and looks up its names in the databases. If a
// name may be escaped, it tries each way of spelling, and wants exactly one to fit.
func (r *runner) readChangeSet(ctx context.Context, s aide.Summary, json bool, reader func(func(aide.Change) error) error) (n changeSet, fresh baseline.Info, err error) {
	n, fresh, mayEscape, err := r.readAs(ctx, s, json, nil, reader)
	if !mayEscape {
		return n, fresh, err
	}
	found := make(map[string]changeSet) // by fingerprint
	for _, spelling := range aide.Spellings {
		n, fresh, _, err = r.readAs(ctx, s, json, &spelling, reader)
		if err == nil {
			found[n.fingerprint] = n
		} else if !errors.Is(err, errLists) {
			return n, fresh, err
		}
	}
	if len(found) != 1 {
		return changeSet{}, fresh, fmt.Errorf("%w (%w)", errSpelling, errLists)
	}
	for _, n := range found {
		return n, fresh, nil
	}
	panic("not reached")
}

// readAs reads the report in as many parts as its names need, and looks up the names: as
// they are or, if a spelling is given, as that would write them. mayEscape says that a
// spelling is needed.
func (r *runner) readAs(ctx context.Context, s aide.Summary, json bool, spelling *aide.Spelling, reader func(func(aide.Change) error) error) (n changeSet, fresh baseline.Info, mayEscape bool, err error) {
	total := s.Added + s.Removed + s.Changed
	c := r.newCollector()
	defer c.close()
	parts := 1 + total/partSize
	seed := maphash.MakeSeed()
	old := func(visit func(aide.Entry) error) error {
		_, err := baseline.Inspect(r.config.Database, visit)
		return err
	}
	now := func(visit func(aide.Entry) error) (err error) { fresh, err = r.inspectNew(s, visit); return err }
	for part := range parts {
		listed := newChanges(json, seed, total, part, parts)
		if err := reader(listed.add); err != nil {
			return n, fresh, false, err
		}
		if err := listed.seal(s); err != nil {
			return n, fresh, false, fmt.Errorf("%w: %w", errLists, err)
		}
		if listed.mayEscape {
			if spelling == nil {
				return n, fresh, true, nil
			}
			if err := listed.resolve(*spelling, [2]func(func(aide.Entry) error) error{old, now}); err != nil {
				return n, fresh, true, err
			}
		}
		claimed, err := r.claim(ctx, listed)
		if err == nil && (s.Removed > 0 || claimed != nil) {
			err = old(func(e aide.Entry) error {
				claimed.see(e)
				if listed.kind(e.Name()) != aide.Removed {
					return nil
				}
				by, err := claimed.explainRemoved(e)
				return errors.Join(err, c.addRemoved(e, by))
			})
		}
		if err == nil {
			err = now(func(e aide.Entry) error {
				kind := listed.kind(e.Name())
				if kind != aide.Added && kind != aide.Changed {
					return nil
				}
				by, err := claimed.explain(e)
				return errors.Join(err, c.addPresent(kind, e, by))
			})
		}
		if err != nil {
			return n, fresh, false, err
		}
	}
	if c.found != total {
		return n, fresh, false, fmt.Errorf("%w: it names %d entries, the databases know %d of them", errLists, total, c.found)
	}
	n, err = c.changeSet(r)
	return n, fresh, false, err
}
