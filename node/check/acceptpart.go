package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"aidefleet/node/baseline"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// part is a group of the changes that the last check found.
type part struct {
	state.Group
	groups  state.Groups
	members []baseline.Name // sorted
}

// partOf is the group of the last check with that fingerprint; nil if the fingerprint is
// that of the whole check, or of nothing in it.
func (r *runner) partOf(last state.LastCheck, fingerprint string) (*part, error) {
	if fingerprint == last.Fingerprint {
		return nil, nil
	}
	groups, members, err := r.state.ReadGroups(fingerprint)
	switch {
	case errors.Is(err, state.ErrNoGroups):
		return nil, nil // the fingerprint is refused
	case err != nil:
		return nil, failure{result.StateUnwritable, err}
	case members == nil, groups.NewDatabase != last.NewDatabase, groups.Baseline != last.Baseline.SHA256:
		return nil, nil
	}
	at := slices.IndexFunc(groups.Groups, func(g state.Group) bool { return g.Fingerprint == fingerprint })
	return &part{groups.Groups[at], groups, members}, nil
}

// acceptPart makes the changes of one group the baseline: its entries are as the last check
// found them, and all others as the baseline has them.
func (r *runner) acceptPart(ctx context.Context, last state.LastCheck, p part, base baseline.Info) error {
	if slices.Contains(last.Parts, p.Fingerprint) {
		r.tell(p.At + " was accepted already")
		r.answerBaseline(base, "")
		return nil
	}
	if recorded := r.state.Baseline(base.SHA256).Config; recorded != "" && recorded != r.config.SHA256 {
		return fail(result.Refused, "AIDE's configuration was changed since the baseline was taken, so that no part can be accepted: accept the whole, %s", last.Fingerprint)
	}
	merged := filepath.Join(r.state.Run(), "merged")
	defer func() { _ = os.Remove(merged) }() // it only takes room
	takes := func(name baseline.Name) bool {
		_, found := slices.BinarySearchFunc(p.members, name, baseline.Name.Compare)
		return found
	}
	if err := r.state.CheckRoom(base.Size + Need(base.Size)); err != nil {
		return failure{result.StateUnwritable, err}
	}
	whole, err := baseline.Merge(base, r.job().NewDatabase(), merged, takes)
	if errors.Is(err, baseline.ErrUnmergeable) {
		return fail(result.Refused, "%w: accept the whole, %s, or aide-node init --force", err, last.Fingerprint)
	} else if err != nil {
		return failure{result.StateUnwritable, err}
	}
	if err := r.replace(merged, whole.SHA256, base.SHA256); err != nil {
		return err
	}
	r.keepOwnersOfPart(ctx, p, base.SHA256, whole.SHA256)
	rest := last.Sum() - p.N
	for _, g := range p.groups.Groups {
		if slices.Contains(last.Parts, g.Fingerprint) {
			rest -= g.N
		}
	}
	r.tell(fmt.Sprintf("of the changes in %s accepted: %d; of that check's others not: %d", p.At, p.N, rest))
	if err := r.state.AcceptGroup(last, p.groups, p.Fingerprint, whole.SHA256); err != nil {
		r.note("The acceptance could not be noted: %v. To accept another group, check first.", err)
	}
	return nil
}
