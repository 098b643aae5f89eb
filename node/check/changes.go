package check

import (
	"fmt"

	"aidefleet/node/aide"
)

// changes are the entries a report names, as the report spells them. They are
// held against the databases, which have the true names.
type changes struct {
	json  bool // the report is JSON
	kinds map[string]aide.Kind
	count map[aide.Kind]int
}

func newChanges(json bool) *changes {
	return &changes{json: json, kinds: make(map[string]aide.Kind), count: make(map[aide.Kind]int)}
}

// add takes an entry of the report.
func (c *changes) add(change aide.Change) error {
	if _, twice := c.kinds[change.Name]; twice {
		return fmt.Errorf("the report names %.100q twice", change.Name)
	}
	c.kinds[change.Name] = change.Kind
	c.count[change.Kind]++
	return nil
}

// agree fails unless the lists are as long as the counts say.
func (c *changes) agree(s aide.Summary) error {
	for _, list := range []struct {
		name string
		kind aide.Kind
		want int
	}{{"added", aide.Added, s.Added}, {"removed", aide.Removed, s.Removed}, {"changed", aide.Changed, s.Changed}} {
		if got := c.count[list.kind]; got != list.want {
			return fmt.Errorf("the report counts %d %s entries and lists %d", list.want, list.name, got)
		}
	}
	return nil
}

// kind says what happened to the entry of that name, or 0.
func (c *changes) kind(name []byte) aide.Kind {
	for _, spelling := range aide.Spellings(name, c.json) {
		if kind, ok := c.kinds[spelling]; ok {
			return kind
		}
	}
	return 0
}
