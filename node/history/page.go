package history

import (
	"strings"

	"aidefleet/node/aide"
)

// page is as many entries as there is room for, in the order of the report. The report
// tells what changed in an entry further down. As the first entries grow, the last ones
// leave the page. So a page needs as much memory as it prints, whatever the report's size.
type page struct {
	format  Format
	room    int // bytes
	limit   int // entries
	size    int // bytes, of all entries
	entries []*entry
	at      map[string]*entry // by name, as the report spells it
	full    bool
}

func newPage(f Format, room, limit int) *page {
	return &page{format: f, room: room, limit: limit, at: make(map[string]*entry)}
}

// entry is a change as it is printed, without what closes it.
type entry struct {
	name   string
	body   []byte
	closer string // of the list of details, if that has begun
	cut    bool   // there are more details than were taken
}

const (
	// maxValue bounds how much of a value or a line is shown, in bytes.
	maxValue = 4000
	// maxPackage bounds how much of the name and version of a package is shown, in bytes.
	maxPackage = 200
	// longestEnd is what closes an entry at most, in bytes.
	longestEnd = 16
)

// end closes an entry.
func (e *entry) end(f Format) string {
	switch {
	case f == Lines && e.cut:
		return e.closer + `,"cut":true}` + "\n"
	case f == Lines:
		return e.closer + "}\n"
	case e.cut:
		return "\n    " + mark + "\n"
	}
	return "\n"
}

func (e *entry) size(f Format) int { return len(e.body) + len(e.end(f)) }

// add takes the next entry of the report if there is room for it. A name that is too long
// for a whole page is cut.
//
// by is the package that explains it; empty if none does.
func (p *page) add(kind aide.Kind, name []byte, by string) {
	if p.full = p.full || len(p.entries) == p.limit; p.full {
		return
	}
	e := &entry{name: string(name), body: append([]byte{byte(kind)}, ' ')}
	if p.format == Lines {
		e.body = []byte(`{"kind":"` + string(kind) + `","path":"`)
	}
	room := p.room - len(e.body) - 1 - longestEnd
	if by != "" {
		room -= longestPackage
	}
	e.body = p.format.clipped(e.body, e.name, room)
	if p.format == Lines {
		e.body = append(e.body, '"')
	}
	if by != "" {
		e.body = p.format.packaged(e.body, by)
	}
	if p.full = p.size+e.size(p.format) > p.room; p.full {
		return
	}
	p.size += e.size(p.format)
	p.entries = append(p.entries, e)
	if p.at[e.name] == nil {
		p.at[e.name] = e
	}
}

func (p *page) wants(name []byte) bool { return p.at[string(name)] != nil }

// detail takes what changed in an entry, and removes entries at the end that have no more
// room.
func (p *page) detail(name []byte, d aide.Detail) error {
	e := p.at[string(name)]
	if e == nil || e.cut {
		return nil
	}
	p.size -= e.size(p.format)
	text, closer := p.format.detail(d, e.closer != "")
	if len(e.body)+len(text)+longestEnd > p.room {
		e.cut = true
	} else {
		e.body, e.closer = append(e.body, text...), closer
	}
	p.size += e.size(p.format)
	for len(p.entries) > 1 && p.size > p.room {
		last := p.entries[len(p.entries)-1]
		p.entries = p.entries[:len(p.entries)-1]
		p.size -= last.size(p.format)
		if p.at[last.name] == last {
			delete(p.at, last.name)
		}
	}
	return nil
}

// longestPackage is what packaged appends at most, in bytes.
const longestPackage = maxPackage + 20

// packaged appends the package that explains an entry. Package databases are no more
// trusted than names of files are.
func (f Format) packaged(out []byte, by string) []byte {
	if f == Text {
		return f.clipped(append(out, "\n    package: "...), by, maxPackage)
	}
	return append(f.clipped(append(out, `,"package":"`...), by, maxPackage), '"')
}

// detail writes what changed, and returns what closes its list.
func (f Format) detail(d aide.Detail, further bool) (text []byte, closer string) {
	if f == Text {
		text = append(text, "\n    "...)
		if d.Attribute == "" {
			return f.clipped(text, strings.TrimLeft(d.Line, " "), maxValue), "\n"
		}
		text = append(f.clipped(text, d.Attribute, maxValue), ": "...)
		text = append(f.clipped(text, d.Old, maxValue), " → "...)
		return f.clipped(text, d.New, maxValue), "\n"
	}
	opening, key, closer := `,"details":{`, d.Attribute, "}"
	if key == "" {
		opening, key, closer = `,"lines":[`, d.Line, "]"
	}
	if further {
		opening = ","
	}
	text = append(f.clipped(append([]byte(opening), '"'), key, maxValue), '"')
	if d.Attribute != "" {
		text = append(f.clipped(append(text, `:{"old":"`...), d.Old, maxValue), `","new":"`...)
		text = append(f.clipped(text, d.New, maxValue), `"}`...)
	}
	return text, closer
}

// bytes is the page as it is printed.
func (p *page) bytes() []byte {
	out := make([]byte, 0, p.size)
	for _, e := range p.entries {
		out = append(append(out, e.body...), e.end(p.format)...)
	}
	return out
}
