package report

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// records reads CSV back, as a program in another country would with another
// separator.
func records(t *testing.T, text string, comma rune) [][]string {
	t.Helper()
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.LazyQuotes, in.FieldsPerRecord = comma, comma != ',', -1
	list, err := in.ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return list
}

// executable says whether a spreadsheet would run a cell (OWASP, CSV Injection).
func executable(cell string) bool {
	cell = strings.TrimLeft(cell, ` "`)
	return cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0])
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"web-1":             "web-1",
		"=1+1":              "'=1+1",
		"+a":                "'+a",
		"-a":                "'-a",
		"@SUM(A1)":          "'@SUM(A1)",
		"\t=1":              `\t=1`,
		"\r=1":              `\r=1`,
		"＝1":                "'＝1",
		"  =1":              "  '=1",
		`"=1"`:              `'"=1"`,
		"a;=1":              "a;'=1",
		"a; -1; b":          "a; '-1; b",
		"a,=1":              "a,=1",
		"a=1-2":             "a=1-2",
		"'=1":               "'=1",
		"\x1b]8;;=x\u202e":  `\x1b]8;;'=x\u202e`,
		"two\nlines\r\n=1;": `two\nlines\r\n=1;`,
	} {
		if got := Cell(in); got != want {
			t.Errorf("Cell(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestCSV(t *testing.T) {
	r := sample()
	r.SetHosts(append(r.Hosts, Host{
		Instance: "mi-0123456789abcdef8", Name: `=cmd|' /C calc'!A0`, Status: Drift, Counts: &result.Counts{Removed: 1, Total: 7},
		Paths:  []string{`-/srv/"a", b`, "~/x; ~/etc/passwd"},
		Unread: 2, UnreadPath: `=cmd|' /C calc'!A0`,
	}))
	var b bytes.Buffer
	if err := WriteCSV(&b, r); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\r\n")
	require.Len(t, lines, len(r.Hosts)+2)
	assert.Empty(t, lines[len(lines)-1], "%d lines", len(lines))
	list := records(t, b.String(), ',')
	if !slices.Equal(list[0], csvHeader) {
		t.Errorf("header %q", list[0])
	}
	at := slices.IndexFunc(list, func(c []string) bool { return c[0] == "mi-0123456789abcdef8" })
	want := []string{
		"mi-0123456789abcdef8", `'=cmd|' /C calc'!A0`, "", "", "drift", "", "0", "1", "0", "7", "", "", "",
		`'-/srv/"a", b; ~/x\x3b ~/etc/passwd`, "2", `'=cmd|' /C calc'!A0`, "", "0", "", "", "", "0",
	}
	require.GreaterOrEqual(t, at, 0)
	assert.Equal(t, want, list[at], "record %d\ngot  %q\nwant %q", at, list[at], want)
	for _, c := range list[1:] {
		counted := c[4] == "clean" || c[4] == "drift"
		for i := range 4 {
			if (c[6+i] != "") != counted {
				t.Errorf("%s is %s and has %s %q", c[0], c[4], csvHeader[6+i], c[6+i])
			}
		}
	}
}

// FuzzCSV: whatever a host says, the file reads back to as many records and
// cells as there are, and nothing in it is executed, whichever separator the
// reader takes.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"plain", "=1+1", "a;=1", "a;\"=1", "\r\n=1", "\x00\xff", `"`, `","=1`, "; ;+", "＝1;\u00a0-1"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, path string) {
		drift := Host{Instance: "i-1", Name: name, Status: Drift, Counts: &result.Counts{Added: 1}, Paths: []string{"+" + path, path}}
		failed := Host{Instance: "i-2", Name: name, Status: Failed, Reason: Reason(path), Message: name, Next: path, Region: name, Account: path}
		var b bytes.Buffer
		if err := WriteCSV(&b, Report{Hosts: []Host{drift, failed}}); err != nil {
			t.Fatal(err)
		}
		list := records(t, b.String(), ',')
		if len(list) != 3 {
			t.Fatalf("%d records in\n%s", len(list), b.String())
		}
		for i, c := range list {
			if len(c) != len(csvHeader) {
				t.Errorf("record %d has %d cells", i, len(c))
			}
			for _, text := range c {
				if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("cell %q is not printable", text)
				}
			}
		}
		// Undone, the guard leaves what Escape made of the name.
		if undone := strings.ReplaceAll(list[1][1], "'", ""); undone != strings.ReplaceAll(Escape(name), "'", "") {
			t.Errorf("name %q became %q", name, list[1][1])
		}
		for _, comma := range ",;" {
			for _, c := range records(t, b.String(), comma) {
				for _, text := range c {
					if executable(text) {
						t.Errorf("cell %q is executed where the separator is %q:\n%s", text, comma, b.String())
					}
				}
			}
		}
	})
}
