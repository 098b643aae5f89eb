package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/history"
	"aidefleet/node/result"
)

// report prints a page and returns its cursor and the rest.
func (h host) report(options ...string) (history.Cursor, string) {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	if exit := run(context.Background(), append([]string{"report", "--state", h.state}, options...), &stdout, &stderr); exit != 0 || stderr.Len() > 0 {
		h.t.Fatalf("report %q: exit %d, stderr %q", options, exit, stderr.String())
	}
	if stdout.Len() > history.MaxBytes {
		h.t.Errorf("report %q: %d bytes", options, stdout.Len())
	}
	first, text, _ := strings.Cut(stdout.String(), "\n")
	var c history.Cursor
	if err := json.Unmarshal([]byte(first), &c); err != nil {
		h.t.Fatalf("%v in the cursor %q", err, first)
	}
	return c, text
}

// TestReport changes many files with odd names, and finds each of them, with what
// changed in it, on one page of the report.
func TestReport(t *testing.T) { aidetest.Each(t, testReport) }

// plainSize is how a plain report says that a size was 6 and is 9.
var plainSize = regexp.MustCompile(`(?m)^ +Size +: 6 +\| 9$`)

func testReport(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	odd := []string{"a b", "new\nline", "tab\t", "\x1b[31m", "日本", "a : b", `q"`, `back\slash`, "\nFile: ∕etc∕passwd\n Size : 1 | 2", "--------------------------", "\x7f"}
	name := func(prefix string, i int) string {
		return fmt.Sprintf("%s %d %s", prefix, i, odd[i%len(odd)])
	}
	const each = 150
	for i := range each {
		h.write("tree/"+name("removed", i), "")
		h.write("tree/"+name("changed", i), "before")
	}
	if l, text := h.run("init"); l.Status != result.Clean {
		t.Fatal(text)
	}
	var want []string
	for i := range each {
		_ = os.Remove(filepath.Join(h.tree, name("removed", i)))
		h.write("tree/"+name("changed", i), "behind it")
		h.write("tree/"+name("added", i), "")
		for kind, prefix := range map[string]string{"-": "removed", "~": "changed", "+": "added"} {
			want = append(want, kind+filepath.Join(h.tree, name(prefix, i)))
		}
	}
	l, text := h.run("check")
	if l.Counts == nil || l.Sum() != 3*each {
		t.Fatalf("%+v\n%s", l, text)
	}
	// A page of a plain report has a name as AIDE spells it, which differs by build.
	spell := func(path string) string {
		if !a.Since(18) {
			path = strings.NewReplacer("\n", `\012`, "\t", `\011`, "\x1b", `\033`, "\x7f", `\177`).Replace(path)
		}
		return path
	}
	var got []string
	pages := 0
	for offset, more := 0, true; more; pages++ {
		c, page := h.report("--format", "json", "--offset", strconv.Itoa(offset))
		if c.Report != l.Report || c.Kind != "changes" || c.Total != 3*each {
			t.Fatalf("%+v of the check %+v", c, l)
		}
		for line := range strings.Lines(page) {
			var e struct {
				Kind, Path string
				Details    map[string]struct{ Old, New string }
				Lines      []string // of a plain report, up to 0.17
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			got = append(got, spell(e.Kind+e.Path))
			size := e.Details["size"]
			told := size.Old == "6" && size.New == "9"
			if !a.Since(18) {
				told = slices.ContainsFunc(e.Lines, plainSize.MatchString)
			}
			if strings.Contains(e.Path, "\n ") && !a.Since(18) {
				continue // as a build that escapes nothing writes it, this name looks like a detail
			}
			if told != (e.Kind == "~") {
				t.Errorf("what changed in %q: %v %q", e.Path, e.Details, e.Lines)
			}
		}
		offset, more = c.Next, c.Next > 0
	}
	for i := range want {
		want[i] = spell(want[i])
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%d pages name %d changes, want %d", pages, len(got), len(want))
		for _, path := range want {
			if !slices.Contains(got, path) {
				t.Errorf("%q is on none", path)
			}
		}
	}
	c, page := h.report("--id", l.Report, "--limit", "2", "--offset", strconv.Itoa(2*each))
	told := strings.Contains(page, "    size: 6 → 9\n    sha256: ")
	if !a.Since(18) {
		told = plainSize.MatchString(page)
	}
	if strings.Count(page, "\n~ ") != 1 || !told || c.Count != 2 || c.Next != 2*each+2 {
		t.Errorf("a page for people: %+v\n%s", c, page)
	}
	if exit := run(context.Background(), []string{"check", "--config", h.config, "--state", h.state, "--aide", h.aide, "--keep-max-bytes", "1"}, new(bytes.Buffer), new(bytes.Buffer)); exit != 0 {
		t.Errorf("check --keep-max-bytes 1: exit %d", exit)
	}
	var refused bytes.Buffer
	if exit := run(context.Background(), []string{"check", "--keep-max-bytes", "-1"}, &refused, new(bytes.Buffer)); exit != 1 || !strings.Contains(refused.String(), "negative") {
		t.Errorf("check --keep-max-bytes -1: exit %d, %s", exit, refused.String())
	}
	if kept, err := history.In(h.state).List(); err != nil || len(kept) != 1 || kept[0].ID == l.Report {
		t.Errorf("%+v is kept in one byte, %v, want the newest alone", kept, err)
	}
}

func TestReportOfAFailure(t *testing.T) { aidetest.Each(t, testReportOfAFailure) }

func testReportOfAFailure(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	l, _ := h.run("check", "--aide", h.fake("echo '  ERROR: of some kind' >&2; exit 18"))
	c, page := h.report()
	if c.Kind != "failed" || c.Report != l.Report || c.Next != 0 || !strings.Contains(page, "ERROR: of some kind") || !strings.Contains(page, "status 18") {
		t.Errorf("%+v of %+v\n%s", c, l, page)
	}
}

func TestReportArguments(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		args []string
		want result.Reason
		text string // in the message
	}{
		{nil, result.BadArguments, "aide-node check"},
		{[]string{"--id", "../../etc/passwd"}, result.BadArguments, "is no id"},
		{[]string{"--id", "20261123T050000Z"}, result.BadArguments, "none is kept"},
		{[]string{"--offset", "-1"}, result.BadArguments, "negative"},
		{[]string{"--limit", "0"}, result.BadArguments, "1 or more"},
		{[]string{"--format", "xml"}, result.BadArguments, `"xml"`},
		{[]string{"--state", "relative"}, result.BadArguments, "absolute"},
		{[]string{"--state", h.config}, result.ReportUnreadable, "aide.conf"},
		{[]string{"extra"}, result.BadArguments, `"extra"`},
	} {
		var stdout, stderr bytes.Buffer
		exit := run(context.Background(), append([]string{"report", "--state", h.state}, c.args...), &stdout, &stderr)
		l, err := result.Parse(stdout.Bytes())
		if err != nil || exit != 1 || l.Reason != c.want || !strings.Contains(l.Message, c.text) || stderr.Len() == 0 {
			t.Errorf("%q: exit %d, %+v, %v, want %s with %q", c.args, exit, l, err, c.want, c.text)
		}
	}
}
