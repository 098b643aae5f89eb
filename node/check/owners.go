package check

import (
	"context"
	"errors"
	"os"
	"strings"

	"aidefleet/node/baseline"
	"aidefleet/node/packages"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// recordOwners records of which package each file is, for a baseline that is of the files as
// they are: later nobody can tell of a file that is gone. Without, removed files are not
// explained.
func (r *runner) recordOwners(ctx context.Context, of string) {
	if !r.Packages {
		return
	}
	files, err := packages.Ask(ctx, packages.Query{Folder: r.state.Run(), Weight: r.Weight.Weight, Limit: packagesTime})
	if errors.Is(err, packages.ErrNone) {
		return
	}
	if err == nil {
		defer files.Close()
		err = r.keepOwners(files, of)
	}
	if err != nil {
		r.note("Packages will not explain files that are removed: %v.", err)
	}
}

func (r *runner) keepOwners(files *packages.Files, of string) error {
	kept := state.Owners{Baseline: of}
	index := map[packages.Package]uint32{}
	var members []state.Owner
	err := files.Each(func(f packages.File) error {
		if f.Parent {
			return nil
		}
		at, known := index[f.Package]
		if !known {
			at = uint32(len(kept.Packages))
			index[f.Package] = at
			kept.Packages = append(kept.Packages, f.String())
		}
		members = append(members, state.Owner{Name: baseline.NameOf([]byte(f.Path)), Package: at})
		return nil
	})
	if err != nil {
		return err
	}
	return r.state.KeepOwners(kept, members)
}

// recordMissingOwners records the owners of a baseline that a check found nothing changed
// from, if they are not known yet.
func (r *runner) recordMissingOwners(ctx context.Context, of string) {
	known, err := r.state.OpenOwners(of)
	if known.Close(); errors.Is(err, os.ErrNotExist) {
		r.recordOwners(ctx, of)
	}
}

// keepOwnersOfPart keeps the owners for the baseline that a part made.
func (r *runner) keepOwnersOfPart(ctx context.Context, p part, from, to string) {
	if p.At == result.PackagesGroup {
		r.recordOwners(ctx, to)
		return
	}
	if err := r.state.RebaseOwners(from, to); err != nil {
		r.note("Packages will not explain files that are removed: %v.", err)
	}
}

// gone explains removed entries.
type gone struct {
	owners    state.Owners
	installed map[packages.Package]bool
	newer     map[string]string // versions of packages that were installed since the baseline
	removed   map[packages.Package]bool
}

// by is the package that explains that an entry is gone: the version that does not have it
// any more, or the one that was removed.
func (g *gone) by(name []byte) (*packages.Package, error) {
	if g == nil {
		return nil, nil
	}
	text, err := g.owners.Find(baseline.NameOf(name))
	if err != nil || text == "" {
		return nil, err
	}
	var owner packages.Package
	owner.Name, owner.Version, _ = strings.Cut(text, " ")
	switch now := g.newer[owner.Name]; {
	case g.installed[owner]:
	case now != "":
		return &packages.Package{Name: owner.Name, Version: now}, nil
	case g.removed[owner]:
		return &owner, nil
	}
	return nil, nil
}
