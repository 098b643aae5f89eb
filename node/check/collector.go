package check

import (
	"errors"

	"aidefleet/node/aide"
	"aidefleet/node/packages"
)

// collector makes a changeSet of the changes, as the databases have them.
type collector struct {
	found     int
	print     fingerprint
	grouped   *groups
	shown     sample
	explained explanations
}

func (r *runner) newCollector() *collector {
	dir := r.state.Run()
	return &collector{print: fingerprint{digests: digestSorter{dir: dir}}, grouped: newGroups(dir, r.profilePaths()), explained: explanations{dir: dir}}
}

func (c *collector) close() {
	c.print.close()
	c.grouped.close()
	c.explained.close()
}

func (c *collector) addPresent(kind aide.Kind, e aide.Entry, by *packages.Package) error {
	c.found++
	c.shown.add(kind, e.Name(), isSetuid(e))
	return errors.Join(c.print.addPresent(kind, e), c.grouped.addPresent(kind, e, by), c.explainedBy(e, by))
}

func (c *collector) addRemoved(e aide.Entry, by *packages.Package) error {
	c.found++
	c.shown.add(aide.Removed, e.Name(), false)
	return errors.Join(c.print.addRemoved(e.Name()), c.grouped.addRemoved(e, by), c.explainedBy(e, by))
}

func (c *collector) explainedBy(e aide.Entry, by *packages.Package) error {
	if by == nil {
		return nil
	}
	return c.explained.add(e.Name(), *by)
}

// changeSet is what was added, when all was.
func (c *collector) changeSet(r *runner) (n changeSet, err error) {
	n.paths = c.shown.paths()
	if n.groups, err = c.grouped.list(c.explained.versions()); err != nil {
		return n, err
	}
	if n.groups != nil {
		if n.members, err = c.grouped.members.take(); err != nil {
			return n, err
		}
	}
	n.explained = c.explained.n
	if n.packages, err = c.explained.take(); err != nil {
		return n, err
	}
	n.fingerprint, err = r.sum(&c.print)
	return n, err
}
