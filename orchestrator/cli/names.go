package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/sweep"
)

// hasNames says that hosts are targeted by their Name tags.
func hasNames(s fleet.Selector) bool {
	return slices.ContainsFunc(s.Instances, func(id string) bool { return !fleet.IsID(id) })
}

// resolveNames puts ids in the place of Name tags, each of which one host has.
func resolveNames(ctx context.Context, regions []sweep.Region, s fleet.Selector) (fleet.Selector, error) {
	if !hasNames(s) {
		return s, nil
	}
	ids := make([]string, 0, len(s.Instances))
	for _, one := range s.Instances {
		if !fleet.IsID(one) {
			_, h, err := oneHost(ctx, regions, one)
			if err != nil {
				return s, fmt.Errorf("--instance %.80q: %w", one, err)
			}
			one = h.ID
		}
		if !slices.Contains(ids, one) {
			ids = append(ids, one)
		}
	}
	s.Instances = ids
	return s, nil
}

// validateNames checks a selector in which Name tags stand beside ids.
func validateNames(s fleet.Selector) error {
	ids := make([]string, 0, len(s.Instances))
	for _, one := range s.Instances {
		switch {
		case fleet.IsID(one):
			ids = append(ids, one)
		case strings.TrimSpace(one) == "" || strings.HasPrefix(one, "i-") || strings.HasPrefix(one, "mi-"):
			return fmt.Errorf("instance %.40q: want an id such as i-0123456789abcdef0, or the Name of a host", one)
		default:
			ids = append(ids, "i-00000000") // what one is
		}
	}
	s.Instances = ids
	return s.Validate()
}
