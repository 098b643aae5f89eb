package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/result"
)

// scripts is a sweep of hosts that are named in many scripts.
func scripts() Report {
	r := Report{Fleet: "env=prod"}
	for i, name := range []string{
		"ascii", "Zürich", "東京-web-1", "서울-데이터베이스", "ｆｕｌｌ", "Ελλάδα", "москва", "क्षेत्र", "e\u0301cole", "🐧-box", "שלום",
		strings.Repeat("a-very-long-name-", 12), strings.Repeat("長い名前", 20),
	} {
		h := Host{Instance: fmt.Sprintf("i-0123456789abcde%02d", i), Name: name, Status: Drift, Counts: &result.Counts{Changed: i}}
		h.Fingerprint, h.Paths = strings.Repeat("ab", 16), []string{"~/srv/" + name, "~/etc/passwd"}
		r.SetHosts(append(r.Hosts, h))
	}
	return r
}

// fits fails where a line that a table clips is wider than the terminal.
func fits(t *testing.T, text string, width int) {
	t.Helper()
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		whole := strings.HasPrefix(strings.TrimLeft(l, " "), "→ ") || strings.Contains(l, " in ") || strings.Contains(l, "does not exist") ||
			strings.Contains(l, "--output") || strings.Contains(l, "UTC") // may be wrapped
		if n := terminal.StringWidth(l); n > width && !whole {
			t.Errorf("%d columns, the terminal has %d: %s", n, width, l)
		}
	}
}

func TestTableFits(t *testing.T) {
	for width := 40; width < 220; width += 9 {
		for _, r := range []Report{sample(), scripts()} {
			var b bytes.Buffer
			if err := WriteTable(&b, r, Style{Width: width}); err != nil {
				t.Fatal(err)
			}
			fits(t, b.String(), width)
		}
	}
}

// TestTableOfAFleet: of a large fleet the clean hosts are counted, all others
// have a row, and the lists stay as long as people read.
func TestTableOfAFleet(t *testing.T) {
	draw := func(n int, all bool) string {
		var b bytes.Buffer
		if err := WriteTable(&b, large(n), Style{Width: 120, AllHosts: all}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	small, text, all := draw(50, false), draw(10_000, false), draw(10_000, true)
	for start, want := range map[string]int{"drift ": 500, "failed ": 250, "missing ": 250, "clean ": 9000} {
		assert.Equal(t, want, strings.Count(all, "\n"+start), "%s with a row each", start)
	}
	if n := strings.Count(small, "\nclean "); n != 42 {
		t.Errorf("%d rows of clean hosts, want one each:\n%s", n, small)
	}
	for start, want := range map[string]int{"drift ": 125, "failed ": 1, "missing ": 1, "clean ": 1} {
		if n := strings.Count(text, "\n"+start); n != want {
			t.Errorf("%d lines begin with %q, want %d", n, start, want)
		}
	}
	for _, want := range []string{
		"\nclean    9,000 hosts; --all-hosts lists them\n",
		"\n10,000 hosts: 9,000 clean, 500 changed, 250 failed, 250 missing, in 0s\n",
		"\nand 105 other changes\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(text, "the same change"); n != fewCohorts {
		t.Errorf("%d cohorts, want %d", n, fewCohorts)
	}
	if all := draw(51, false); strings.Count(all, "\nclean ") != 1 {
		t.Errorf("got\n%s", all)
	}
}

// TestMessageOfAHostThatChecked: what a host has to say beside its counts is seen in
// every form, also of a clean one among thousands.
func TestMessageOfAHostThatChecked(t *testing.T) {
	const said = "AIDE's configuration was changed \x1b[31m"
	for _, n := range []int{0, 10_000} {
		r := large(n)
		r.SetHosts(append(r.Hosts, Host{Instance: "i-1", Name: "quiet", Region: "eu-central-1", Status: Clean, Counts: &result.Counts{Total: 9}, Message: said},
			Host{Instance: "i-2", Name: "loud", Region: "eu-central-1", Status: Drift, Counts: &result.Counts{Changed: 1}, Paths: []string{"~/etc/aide.conf"}, Message: said}))
		for name, c := range map[string]struct {
			write func(*bytes.Buffer) error
			want  []string
		}{
			"table": {func(b *bytes.Buffer) error { return WriteTable(b, r, Style{Width: 120}) }, []string{
				" quiet ", "AIDE's configuration was changed \\x1b[31m\n",
			}},
			"rows": {func(b *bytes.Buffer) error { return WriteRows(b, r, nil) }, []string{
				"clean\tquiet\ti-1\t0\t0\t0\tAIDE's configuration was changed \\x1b[31m\n",
				"drift\tloud\ti-2\t0\t0\t1\t~/etc/aide.conf: AIDE's configuration was changed \\x1b[31m\n",
			}},
			"csv":  {func(b *bytes.Buffer) error { return WriteCSV(b, r) }, []string{`i-1,quiet,,eu-central-1,clean,,0,0,0,9,,AIDE's configuration was changed \x1b[31m,,`}},
			"json": {func(b *bytes.Buffer) error { return WriteJSON(b, r) }, []string{`"message": "AIDE's configuration was changed \u001b[31m"`}},
		} {
			var b bytes.Buffer
			if err := c.write(&b); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(b.String(), want) {
					t.Errorf("%s of %d hosts: no %q", name, len(r.Hosts), want)
				}
			}
			if wantLine := "clean    9,000 hosts; --all-hosts"; name == "table" && n > 0 && !strings.Contains(b.String(), wantLine) {
				t.Errorf("no %q: the host with a row is not counted again", wantLine)
			}
		}
	}
}

// TestTableIsLinear: four times the hosts, four times the work.
func TestTableIsLinear(t *testing.T) {
	work := func(r Report) float64 {
		return testing.AllocsPerRun(1, func() { _ = WriteTable(io.Discard, r, Style{Width: 120}) })
	}
	if few, many := work(large(2000)), work(large(8000)); many > 5*few {
		t.Errorf("%.0f allocations for 2,000 hosts, %.0f for 8,000", few, many)
	}
}

func TestClip(t *testing.T) {
	for _, tc := range []struct {
		in   string
		n    int
		want string
	}{
		{"", 5, ""}, {"abcde", 5, "abcde"}, {"abcdef", 5, "abcd…"}, {"abc", 1, "…"}, {"abc", 0, "…"}, {"abc", -3, "…"},
		{"東京", 4, "東京"}, {"東京都", 5, "東京…"}, {"東京都", 4, "東…"}, {"e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := clip(tc.in, tc.n); got != tc.want {
			t.Errorf("clip(%q, %d) = %q, want %q", tc.in, tc.n, got, tc.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234: "-1,234", -123: "-123", 1234567: "1,234,567"} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %s, want %s", n, got, want)
		}
	}
}

// TestUnreadIsNoPlainClean holds that a host on which AIDE could not look at
// something is told apart from one that is clean, in every form.
func TestUnreadIsNoPlainClean(t *testing.T) {
	h := Host{Instance: "i-1", Status: Clean, Counts: &result.Counts{Total: 9}, Unread: 2, UnreadPath: "/srv/a"}
	r := Report{Fleet: "f"}
	r.SetHosts(append(r.Hosts, h))
	for n := range fewHosts {
		r.SetHosts(append(r.Hosts, Host{Instance: fmt.Sprintf("i-x%d", n), Status: Clean, Counts: &result.Counts{Total: 9}}))
	}
	for name, write := range map[string]func(io.Writer, Report) error{
		"table": func(w io.Writer, r Report) error { return WriteTable(w, r, Style{Width: 120}) },
		"rows":  func(w io.Writer, r Report) error { return WriteRows(w, r, nil) }, "JSON": WriteJSON, "CSV": WriteCSV,
	} {
		var b strings.Builder
		if err := write(&b, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(b.String(), "/srv/a") {
			t.Errorf("%s does not name what is unread:\n%s", name, b.String())
		}
	}
	if got := Sum(r, false); !strings.Contains(got, "2 entries unread") {
		t.Errorf("the sum is %q, want what is unread in it", got)
	}
	if got := detail(h); got != "2 unread: /srv/a" {
		t.Errorf("what = %q", got)
	}
	h.Paths = []string{"+/srv/b"}
	if got := detail(h); got != "2 unread: /srv/a; +/srv/b" {
		t.Errorf("what = %q", got)
	}
}
