package page

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/report"
)

// hostsView is the section of the hosts: a square for each, and the list that the script
// makes.
type hostsView struct {
	Count  string
	Last   string // the day that the strips end with
	Mosaic mosaic
	Long   bool // the list begins with what is not clean
}

// mosaic is a square for each host, in the order of the list.
type mosaic struct {
	Columns, Width, Height int
	Pixels                 int // width on a screen that has the room
	Paths                  []path
	Text                   string
}

type path struct{ Class, D string }

// cell is the size of a square in units of the drawing.
const cell = 10

// cellPixels is the size of a square of a small fleet on a screen.
const (
	cellPixels = 20
	mostPixels = 1200
)

// longList is how many hosts make a list in which nobody reads the clean ones.
const longList = 200

// class is what colours a host. A held one that is clean is clean.
func class(h *report.Host) string {
	if h.Held != nil && h.Status != report.Clean {
		return "held"
	}
	return string(h.Status)
}

func viewOf(hosts []report.Host, last time.Time) *hostsView {
	v := &hostsView{Count: hostsText(len(hosts)), Long: len(hosts) > longList}
	if !last.IsZero() {
		v.Last = last.UTC().Format(time.DateOnly)
	}
	columns := max(min(10, len(hosts)), int(math.Ceil(math.Sqrt(float64(len(hosts)*4)))))
	m := mosaic{Columns: columns, Width: columns * cell, Pixels: min(mostPixels, columns*cellPixels), Height: (len(hosts) + columns - 1) / columns * cell}
	runs := map[string]*strings.Builder{}
	counts := map[string]int{}
	draw := func(class string, from, to int) { // squares that stand together
		b := runs[class]
		if b == nil {
			b = &strings.Builder{}
			runs[class] = b
		}
		for from < to {
			end := min(to, (from/columns+1)*columns)
			fmt.Fprintf(b, "M%d %dh%dv%dh-%dz", from%columns*cell, from/columns*cell, (end-from)*cell, cell, (end-from)*cell)
			from = end
		}
	}
	began := 0
	for i := range hosts {
		c := class(&hosts[i])
		counts[c]++
		if i+1 == len(hosts) || class(&hosts[i+1]) != c {
			draw(c, began, i+1)
			began = i + 1
		}
		if len(hosts[i].Suspect) > 0 {
			counts["suspect"]++
			draw("suspect", i, i+1)
		}
	}
	var text []string
	for _, c := range []string{"clean", "held", "missing", "failed", "drift", "suspect"} {
		if b := runs[c]; b != nil {
			m.Paths = append(m.Paths, path{c, b.String()})
			text = append(text, report.Number(counts[c])+" "+c)
		}
	}
	m.Text = strings.Join(text, ", ")
	v.Mosaic = m
	return v
}

// longestWhat bounds what is said of a host in the list, in characters.
const longestWhat = 160

// writeHosts writes the hosts as JSON, one at a time, for the script of the page. The
// encoder escapes what could end a script element.
func writeHosts(w *bufio.Writer, hosts []report.Host, last string) error {
	var places, strips []string
	placeAt, stripAt := map[string]int{}, map[report.Days]int{}
	for i := range hosts {
		h := &hosts[i]
		if place := placeOf(h); !has(placeAt, place) {
			placeAt[place] = len(places)
			places = append(places, place)
		}
		if !has(stripAt, h.Days) {
			stripAt[h.Days] = len(strips)
			strips = append(strips, string(h.Days.Safe()))
		}
	}
	head, err := json.Marshal(map[string]any{"places": slices.Concat([]string{}, places), "strips": slices.Concat([]string{}, strips), "last": last})
	if err != nil {
		return err
	}
	_, _ = w.Write(head[:len(head)-1]) // Flush tells
	_, _ = w.WriteString(`,"hosts":[`)
	for i := range hosts {
		h := &hosts[i]
		row := []any{class(h), report.Escape(h.Name), report.Escape(h.Instance), placeAt[placeOf(h)], stripAt[h.Days]}
		if h.Counts != nil {
			row = append(row, h.Added, h.Removed, h.Changed)
		} else {
			row = append(row, nil, nil, nil)
		}
		if what := what(h); what != "" || len(h.Suspect) > 0 {
			row = append(row, what)
		}
		if len(h.Suspect) > 0 {
			row = append(row, 1)
		}
		text, err := json.Marshal(row)
		if err != nil {
			return err
		}
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.Write(text)
	}
	_, err = w.WriteString("]}")
	return err
}

func has[K comparable](m map[K]int, key K) bool {
	_, ok := m[key]
	return ok
}

// placeOf is the account and region of a host.
func placeOf(h *report.Host) string {
	return report.Escape(strings.TrimSpace(h.Account + " " + h.Region))
}

// what is the reason of a host without counts, or its first changes.
func what(h *report.Host) string {
	var parts []string
	for _, f := range h.Suspect {
		parts = append(parts, string(f.Kind))
	}
	switch {
	case h.Reason != "":
		parts = append(parts, strings.Join(slices.DeleteFunc([]string{string(h.Reason), h.Says()}, func(s string) bool { return s == "" }), ": "))
	case len(h.Paths) > 0:
		parts = append(parts, strings.Join(h.Paths, " "))
	case h.Unread > 0:
		parts = append(parts, strings.TrimSpace(report.Number(h.Unread)+" unread "+h.UnreadPath))
	}
	if h.Held != nil {
		parts = append(parts, "held: "+cmp.Or(h.Held.Why, h.Held.ID))
	}
	return report.Excerpt(strings.Join(parts, "; "), longestWhat)
}
