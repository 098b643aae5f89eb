package report

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"aidefleet/node/result"
)

// FewestToCompare is how many hosts have to have answered before one of them can be told
// from the others.
const FewestToCompare = 5

// Lone says which groups of changes one host alone has, and which of them are unique by
// nature: host keys, machine ids, caches. More than half of the hosts that answered have
// such a change at the very same path, each in its own way.
type Lone struct {
	answered int
	shown    map[group]int  // hosts that show a group
	versions map[string]int // hosts with these packages
	seed     maphash.Seed
	unique   map[uint64]int // hosts with a lone change at a path, by its hash; only of unique paths
	sizes    map[size]int   // hosts with a lone group of that name and number of changes
}

// group is a group of changes without what only counts or explains it.
type group struct{ at, fingerprint string }

type size struct {
	at string
	n  int
}

// UniquePath is a path at which more than half of the hosts differ, each in its own way.
type UniquePath struct {
	Path  string // with the sign of the change before it
	Hosts int
}

// FindLone looks through the groups of hosts.
func FindLone(hosts []Host) *Lone {
	l := &Lone{shown: map[group]int{}, versions: map[string]int{}, seed: maphash.MakeSeed(), unique: map[uint64]int{}, sizes: map[size]int{}}
	for i := range hosts {
		if hosts[i].Counts != nil {
			l.answered++
		}
		for _, g := range hosts[i].Groups {
			l.shown[keyOf(g)]++
			l.versions[g.Versions]++
		}
	}
	if l.answered < FewestToCompare {
		return l
	}
	for i := range hosts {
		for _, g := range hosts[i].Groups {
			if !l.Alone(g) {
				continue
			}
			l.sizes[size{g.At, g.N}]++
			for _, path := range hosts[i].PathsIn(g) {
				l.unique[maphash.String(l.seed, path)]++
			}
		}
	}
	for path, n := range l.unique {
		if 2*n <= l.answered {
			delete(l.unique, path)
		}
	}
	return l
}

func keyOf(g result.Group) group { return group{g.At, g.Fingerprint} }

// Alone says that one host alone has the group, of enough hosts that answered. What packages
// explain can be alone only beside hosts with the same packages.
func (l *Lone) Alone(g result.Group) bool {
	return l.answered >= FewestToCompare && l.shown[keyOf(g)] == 1 && (g.Versions == "" || l.versions[g.Versions] > 1)
}

// Answered is how many hosts were compared.
func (l *Lone) Answered() int { return l.answered }

// ByNature says that a lone group of a host has nothing but changes that are unique by
// nature: all of its paths that are known are, and there are no others, or as many as most
// hosts have there.
func (l *Lone) ByNature(h *Host, g result.Group) bool {
	paths := h.PathsIn(g)
	for _, path := range paths {
		if l.unique[maphash.String(l.seed, path)] == 0 {
			return false
		}
	}
	return len(paths) > 0 && (len(paths) == g.N || 2*l.sizes[size{g.At, g.N}] > l.answered)
}

// Unique are the paths that are unique by nature, those of the most hosts first.
func (l *Lone) Unique(hosts []Host) (list []UniquePath) {
	seen := map[string]bool{}
	for i := range hosts {
		if len(seen) == len(l.unique) {
			break
		}
		for _, g := range hosts[i].Groups {
			if !l.Alone(g) {
				continue
			}
			for _, path := range hosts[i].PathsIn(g) {
				if n := l.unique[maphash.String(l.seed, path)]; n > 0 && !seen[path] {
					seen[path] = true
					list = append(list, UniquePath{path, n})
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b UniquePath) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), strings.Compare(a.Path[1:], b.Path[1:]), strings.Compare(a.Path, b.Path))
	})
	return list
}

// PathsIn are the changes of a host in a group, as far as the sample has them. Names of
// groups are paths, so that the longest one that a path is in is its group.
func (h *Host) PathsIn(g result.Group) (paths []string) {
	for _, path := range h.Paths {
		if len(path) > 1 && closest(h.Groups, path[1:]) == g.At {
			paths = append(paths, path)
		}
	}
	return paths
}

// closest is the longest name of a group that a path is in; empty if it is in none.
func closest(groups []result.Group, path string) (at string) {
	for _, g := range groups {
		inside := path == g.At || strings.HasPrefix(path, strings.TrimSuffix(g.At, "/")+"/")
		if inside && len(g.At) > len(at) {
			at = g.At
		}
	}
	return at
}
