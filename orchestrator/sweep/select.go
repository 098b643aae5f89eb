package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"aidefleet/orchestrator/fleet"
)

// Selection is the targeted hosts of one account and region, or why they are not known.
type Selection struct {
	Region
	Hosts []fleet.Host
	Err   error
}

// Select looks for the targeted hosts, in all regions side by side. It fails
// if there are none anywhere, or with the error of the only region; of several
// regions each has its own. A named host is listed where it is, and with the
// first region that answered if it is nowhere.
func Select(ctx context.Context, regions []Region, s fleet.Selector) ([]Selection, error) {
	found := make([]Selection, len(regions))
	at := make([]*Selection, len(regions))
	for i, r := range regions {
		found[i].Region, at[i] = r, &found[i]
	}
	sideBySide(at, atOnce, func(one *Selection) { one.Hosts, one.Err = fleet.Find(ctx, one.Fleet, s) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(found) == 1 && found[0].Err != nil {
		return nil, found[0].Err
	}
	var nobody error
	somebody := false
	for i := range found {
		if errors.Is(found[i].Err, fleet.ErrNoMatch) {
			nobody, found[i].Err = found[i].Err, nil
		} else {
			somebody = true
		}
	}
	if !somebody {
		return nil, nobody
	}
	listOnce(found)
	return found, nil
}

// selectAll is Select that fails with the first error of any region.
func selectAll(ctx context.Context, regions []Region, s fleet.Selector) ([]Selection, error) {
	found, err := Select(ctx, regions, s)
	for _, f := range found {
		if f.Err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, f.Err)
		}
	}
	return found, err
}

// listOnce keeps a named host in one region only.
func listOnce(found []Selection) {
	listed := map[string]bool{}
	for _, f := range found {
		for _, h := range f.Hosts {
			if h.Unreachable() != fleet.NotFound {
				listed[h.ID] = true
			}
		}
	}
	for i := range found {
		found[i].Hosts = slices.DeleteFunc(found[i].Hosts, func(h fleet.Host) bool {
			if h.Unreachable() != fleet.NotFound {
				return false
			}
			twice := listed[h.ID]
			listed[h.ID] = true
			return twice
		})
	}
}

// atOnce is how many regions are looked through, and commands of a region
// watched, side by side. All commands run meanwhile, so that the rest is soon read.
const atOnce = 8

// sideBySide calls do with every element, so many of them at a time.
func sideBySide[E any](list []E, limit int, do func(E)) {
	var g errgroup.Group
	g.SetLimit(max(limit, 1))
	for _, e := range list {
		g.Go(func() error { do(e); return nil })
	}
	_ = g.Wait()
}
