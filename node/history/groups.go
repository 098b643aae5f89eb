package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Group is a group of the changes of a report.
type Group struct {
	At          []byte // its name
	Fingerprint string // 32 hex digits
	N           int    // changes
}

// shownGroups bounds the groups on a page.
const shownGroups = 40

// WriteGroups keeps the groups of a report, a line of JSON each.
func (f Folder) WriteGroups(id string, groups []Group) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	for _, g := range groups {
		if err := e.Encode(g); err != nil {
			return err
		}
	}
	return f.Write(id, Groups, strings.NewReader(b.String()))
}

// groups is what a page for people begins with: the groups of the report, if they are kept.
func (f Folder) groups(r Report) (out []byte, err error) {
	if !r.has(Groups) {
		return nil, nil
	}
	in, err := f.open(r.ID, Groups)
	if err != nil {
		return nil, err
	}
	defer in.close()
	d := json.NewDecoder(bufio.NewReader(in))
	for n := 0; ; n++ {
		var g Group
		if err := d.Decode(&g); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("groups of report %s: %w", r.ID, err)
		}
		if n < shownGroups {
			out = appendGroup(out, g)
		}
	}
}

// appendGroup appends a group as people read it.
func appendGroup(out []byte, g Group) []byte {
	const longestName = 300
	out = fmt.Appendf(out, "group  %s  %d  ", g.Fingerprint, g.N)
	return append(Text.clipped(out, string(g.At), longestName), '\n')
}
