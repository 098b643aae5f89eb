package check

import (
	"fmt"
	"hash/maphash"
	"slices"

	"aidefleet/node/aide"
)

// changes are the entries that a report names, as the report spells them. They are compared
// with the databases, which have the true names.
//
// A report may name more files than fit into memory. So 62 bits of a hash are kept of each
// name, with the kind in the other two bits, and of many names one part at a time. Nobody
// outside of this process can foresee the hash.
type changes struct {
	json        bool // the report is JSON
	mayEscape   bool // a name that is listed holds what may be an escape
	spelling    aide.Spelling
	resolved    map[uint64]aide.Kind // by hash, of names that reports write in different ways; nil if there are none
	seed        maphash.Seed
	part, parts uint64
	marks       []uint64 // sorted by seal
	count       [4]int   // by mark of the kind
}

// partSize bounds how many names one part holds.
const partSize = 1 << 19

// marked are the kinds as the two lowest bits of a mark.
var marked = [4]aide.Kind{0, aide.Added, aide.Removed, aide.Changed}

func newChanges(json bool, seed maphash.Seed, total, part, parts int) *changes {
	return &changes{
		json: json, seed: seed, part: uint64(part), parts: uint64(parts),
		marks: make([]uint64, 0, total/parts+total/parts/16+64),
	}
}

// add takes an entry of the report.
func (c *changes) add(change aide.Change) error {
	mark := slices.Index(marked[:], change.Kind)
	c.count[mark]++
	c.mayEscape = c.mayEscape || !c.json && aide.MayBeEscaped(change.Name)
	if h := maphash.Bytes(c.seed, change.Name); h>>32%c.parts == c.part {
		c.marks = append(c.marks, h&^3|uint64(mark))
	}
	return nil
}

// seal ends adding. It fails unless the lists are as long as the counts say, and name
// nothing twice. Names that may be escaped are not compared: two of them can have one
// spelling.
func (c *changes) seal(s aide.Summary) error {
	for mark, want := range [4]int{0, s.Added, s.Removed, s.Changed} {
		if got := c.count[mark]; got != want {
			return fmt.Errorf("the report counts %d %s entries and lists %d", want, []string{"", "added", "removed", "changed"}[mark], got)
		}
	}
	slices.Sort(c.marks)
	for i := 1; !c.mayEscape && i < len(c.marks); i++ {
		if c.marks[i]&^3 == c.marks[i-1]&^3 {
			return fmt.Errorf("the report names an entry twice")
		}
	}
	return nil
}

// kind says what happened to the entry of that name, or 0.
func (c *changes) kind(name []byte) aide.Kind {
	if len(c.marks) == 0 {
		return 0
	}
	if c.json || aide.Ordinary(name) {
		return c.lookUp(maphash.Bytes(c.seed, name))
	}
	if c.resolved != nil {
		return c.resolved[maphash.Bytes(c.seed, name)]
	}
	return c.lookUp(maphash.Bytes(c.seed, c.spelling.Spell(name)))
}

func (c *changes) lookUp(h uint64) aide.Kind {
	if at, _ := slices.BinarySearch(c.marks, h&^3); at < len(c.marks) && c.marks[at]&^3 == h&^3 {
		return marked[c.marks[at]&3]
	}
	return 0
}
