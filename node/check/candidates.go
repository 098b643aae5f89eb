package check

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"aidefleet/node/aide"
)

// errSpelling says that no way of spelling, or more than one, makes the names of a report
// fit the databases.
var errSpelling = errors.New("names in the report can be read in more than one way")

// mostCandidates bounds how many names are remembered with the databases that have them.
const mostCandidates = 1 << 18

// candidate is a name from the databases that the report may list.
type candidate struct {
	written  uint64    // hash of the name as the report writes it
	then     [2]uint64 // digest of its attributes in the baseline and in the new database
	contains [2]bool   // which of the two have it
}

// kind says what happened to the entry, or 0.
func (s *candidate) kind() aide.Kind {
	switch {
	case !s.contains[0]:
		return aide.Added
	case !s.contains[1]:
		return aide.Removed
	case s.then[0] != s.then[1]:
		return aide.Changed
	}
	return 0
}

// resolve finds the entries that the report lists, if it is spelled in that way. Two names
// can have one spelling, and one name can be the spelling of another: a file named
// "a\012b", in four characters, and one with a newline. The databases tell which one was
// added, removed or changed. If they do not, neither is found.
func (c *changes) resolve(s aide.Spelling, databases [2]func(func(aide.Entry) error) error) error {
	c.spelling, c.resolved = s, make(map[uint64]aide.Kind)
	names := make(map[uint64]*candidate)
	for i, read := range databases {
		if err := read(func(e aide.Entry) error { return c.collect(names, i, e) }); err != nil {
			return err
		}
	}
	groups := make(map[uint64][]uint64)
	for name, n := range names {
		groups[n.written] = append(groups[n.written], name)
	}
	for written, group := range groups {
		meant := c.listed(written)
		for _, name := range group {
			if kind := names[name].kind(); kind != 0 {
				meant[slices.Index(marked[:], kind)]--
			}
		}
		if meant != [4]int{} {
			continue // the databases have more or fewer such changes than the report
		}
		for _, name := range group {
			c.resolved[name] = names[name].kind()
		}
	}
	return nil
}

// collect takes an entry of the baseline (0) or of the new database (1) as a candidate if
// the report may list it.
func (c *changes) collect(names map[uint64]*candidate, database int, e aide.Entry) error {
	name := e.Name()
	if aide.Ordinary(name) {
		return nil
	}
	written := maphash.Bytes(c.seed, c.spelling.Spell(name))
	if c.lookUp(written) == 0 {
		return nil
	}
	hash := maphash.Bytes(c.seed, name)
	n := names[hash]
	if n == nil {
		if len(names) == mostCandidates {
			return fmt.Errorf("%w: more than %d of them hold control characters or backslashes", errSpelling, mostCandidates)
		}
		n = &candidate{written: written &^ 3}
		names[hash] = n
	}
	n.contains[database] = true
	e.Attributes(func(column string, value []byte) {
		n.then[database] += maphash.Bytes(c.seed, append([]byte(column+"="), value...))
	})
	return nil
}

// listed counts how often the report lists the name with that hash, by mark.
func (c *changes) listed(h uint64) (n [4]int) {
	for at, _ := slices.BinarySearch(c.marks, h&^3); at < len(c.marks) && c.marks[at]&^3 == h&^3; at++ {
		n[c.marks[at]&3]++
	}
	return n
}
