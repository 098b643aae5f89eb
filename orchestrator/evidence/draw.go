package evidence

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"aidefleet/orchestrator/report"
)

const (
	// gap is between two columns.
	gap = 2
	// leastText is the width to which a long text is cut, if there is no room.
	leastText = 8
	// shownDigits are as many of a digest as the table of a sweep shows.
	shownDigits = 8
)

// machine are columns that programs read; people have a page, JSON and CSV. They are left
// out first if there is no room.
var machine = []string{"RUN", "NODE_SHA256", "AIDE_SHA256", "CONFIG", "FIRST_SEEN", "BASELINE", "FINGERPRINT", "INSTANCE"}

// spare are columns that people can do without sooner than without others.
var spare = []string{"ADDED", "REMOVED", "CHANGED", "ACTION", "SWEEPS", "OPEN", "FROM"}

var (
	datePattern   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2} `)
	timePattern   = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}):[0-9]{2}Z$`)
	arnPattern    = regexp.MustCompile(`^arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:(.+)$`)
	digestPattern = regexp.MustCompile(`^[0-9a-f]{32,64}$`)
)

// draw writes the table for people, in columns of at most a width: without columns in which
// there is nothing but zeros, with short times, names and digests. If there is no room for
// it, columns for programs are left out, long texts are cut, and at last other columns are
// left out too.
func (t Table) draw(w io.Writer, width int) error {
	short := t.short()
	for _, name := range machine {
		if width > 0 && short.width() > width {
			short.drop(func(column int) bool { return short.Header[column] == name })
		}
	}
	for n := 0; width > 0 && short.width() > width && n <= len(spare); n++ {
		less := t.short()
		less.drop(func(column int) bool {
			return slices.Contains(machine, less.Header[column]) || slices.Contains(spare[:n], less.Header[column])
		})
		if less.cut(width); less.width() <= width || n == len(spare) {
			short = less
			break
		}
	}
	widths := short.widths()
	for _, row := range slices.Concat([][]string{short.Header}, short.Rows) {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(report.Pad(c, widths[i]+gap))
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// short is the table as people read it. Cells are escaped.
func (t Table) short() Table {
	s := Table{Name: t.Name}
	for _, h := range t.Header {
		s.Header = append(s.Header, strings.ToUpper(h))
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			switch {
			case c == "":
				c = "-"
			case timePattern.MatchString(c):
				c = timePattern.ReplaceAllString(c, "$1 $2")
			case arnPattern.MatchString(c):
				c = arnPattern.ReplaceAllString(c, "$1")
			case digestPattern.MatchString(c):
				c = c[:shownDigits]
			}
			cells[i] = report.Escape(c)
		}
		s.Rows = append(s.Rows, cells)
	}
	s.drop(func(column int) bool {
		return !slices.ContainsFunc(s.Rows, func(row []string) bool { return row[column] != "-" && row[column] != "0" })
	})
	return s
}

// drop leaves out columns.
func (t *Table) drop(column func(int) bool) {
	for i := len(t.Header) - 1; i >= 0; i-- {
		if len(t.Header) == 1 || !column(i) {
			continue
		}
		t.Header = slices.Delete(t.Header, i, i+1)
		for n := range t.Rows {
			t.Rows[n] = slices.Delete(t.Rows[n], i, i+1)
		}
	}
}

// widths are those of the columns.
func (t Table) widths() []int {
	widths := make([]int, len(t.Header))
	for i, h := range t.Header {
		widths[i] = len(h)
		for _, row := range t.Rows {
			widths[i] = max(widths[i], report.Width(row[i]))
		}
	}
	return widths
}

func (t Table) width() int {
	sum := -gap
	for _, n := range t.widths() {
		sum += n + gap
	}
	return sum
}

// cut shortens the longest columns until the table has a width, or none can be shorter.
func (t *Table) cut(width int) {
	for over := t.width() - width; over > 0; over = t.width() - width {
		widths := t.widths()
		for i := range widths {
			if slices.ContainsFunc(t.Rows, func(row []string) bool { return datePattern.MatchString(row[i]) }) {
				widths[i] = 0 // a time is not cut
			}
		}
		longest := slices.Index(widths, slices.Max(widths))
		to := max(leastText, len(t.Header[longest]), widths[longest]-over)
		if to >= widths[longest] {
			return
		}
		for n := range t.Rows {
			t.Rows[n][longest] = report.Clip(t.Rows[n][longest], to)
		}
	}
}
