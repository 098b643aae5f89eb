package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// TestParseCorpus runs real runs of AIDE in five versions through the command,
// and holds its line against what is true.
func TestParseCorpus(t *testing.T) {
	runs, err := filepath.Glob("aide/testdata/corpus/*/*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(runs), 80, "runs in the corpus")
	for _, dir := range runs {
		t.Run(strings.TrimPrefix(dir, "aide/testdata/corpus/"), func(t *testing.T) {
			exit := strings.TrimSpace(string(readFile(t, dir+"/exit")))
			l := parseLine(t, "--exit", exit, "--stderr", dir+"/stderr", dir+"/stdout")
			var want struct {
				Status                         string
				Added, Removed, Changed, Total *int
				AddedFiles                     []string `json:"added_files"`
				RemovedFiles                   []string `json:"removed_files"`
				ChangedFiles                   []string `json:"changed_files"`
			}
			if err := json.Unmarshal(readFile(t, dir+"/expect.json"), &want); err != nil {
				t.Fatal(err)
			}
			status := map[string]result.Status{"clean": result.Clean, "differences": result.Drift, "error": result.Failed, "init": result.Failed}[want.Status]
			if want.Status == "differences" && want.Added == nil { // the report cannot tell
				status = result.Failed
			}
			if l.Status != status {
				t.Fatalf("%+v, want %s", l, status)
			}
			if l.Counts == nil {
				return
			}
			assert.Equal(t, *want.Added, l.Added, "%+v", *l.Counts)
			assert.Equal(t, *want.Removed, l.Removed)
			assert.Equal(t, *want.Changed, l.Changed)
			if l.Total != 0 && want.Total != nil {
				assert.Equal(t, *want.Total, l.Total)
			}
			var names []string
			for prefix, files := range map[string][]string{"+": want.AddedFiles, "-": want.RemovedFiles, "~": want.ChangedFiles} {
				for _, f := range files {
					names = append(names, prefix+f)
				}
			}
			for _, p := range l.Paths {
				if len(names) > 0 && !slices.Contains(names, p) {
					t.Errorf("%q is no change of %q", p, names)
				}
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parseLine(t *testing.T, args ...string) result.Line {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit := run(context.Background(), append([]string{"parse"}, args...), &stdout, &stderr)
	l, err := result.Parse(stdout.Bytes())
	require.NoError(t, err, "parse %q", args)
	require.Equal(t, l.Status == result.Failed, exit == 1, "parse %q: exit %d in %q", args, exit, stdout.String())
	return l
}

// plainReport is a report of AIDE 0.16 with one change of each kind.
const plainReport = `AIDE found differences between database and filesystem!!

Summary:
  Total number of entries:	13
  Added entries:		1
  Removed entries:		1
  Changed entries:		1

---------------------------------------------------
Added entries:
---------------------------------------------------

f++++++++++++++: /a

---------------------------------------------------
Removed entries:
---------------------------------------------------

f--------------: /b

---------------------------------------------------
Changed entries:
---------------------------------------------------

f > ...     C  : /c

`

const cleanReport = "AIDE found NO differences between database and filesystem. Looks okay!!\n\nNumber of entries:\t12\n\n"

func timed(report string) string {
	return "Start timestamp: 2026-11-23 04:55:33 +0000 (AIDE 0.17.4)\n" + report
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		report string
		exit   string // empty if it is not given
		want   result.Reason
		counts result.Counts
	}{
		"as it is":              {plainReport, "7", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"exit not known":        {plainReport, "", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"of a cron job":         {"WARNING: something\n" + plainReport + "\nEnd timestamp: x\n", "", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"another status":        {plainReport, "4", result.ReportUnreadable, result.Counts{}},
		"two runs in a file":    {plainReport + plainReport, "7", result.ReportUnreadable, result.Counts{}},
		"a false summary above": {"Entry /x\n" + strings.Split(plainReport, "---")[0] + " has different attributes\n" + plainReport, "7", result.ReportUnreadable, result.Counts{}},
		"a list cut short":      {strings.Split(plainReport, "f > ...")[0], "7", result.ReportUnreadable, result.Counts{}},
		"everything is added":   {strings.NewReplacer("13", "1", "ed entries:\t\t1", "ed entries:\t\t1").Replace(strings.Replace(strings.Replace(plainReport, "Removed entries:\t\t1", "Removed entries:\t\t0", 1), "Changed entries:\t\t1", "Changed entries:\t\t0", 1)), "1", result.BaselineInvalid, result.Counts{}},
		"cut in a number":       {strings.Split(plainReport, "	13")[0] + "	1", "7", result.ReportUnreadable, result.Counts{}},
		"a log appended to":     {timed(cleanReport) + timed(plainReport), "", result.ReportUnreadable, result.Counts{}},
		"with a start":          {timed(plainReport), "7", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"JSON cut in its counts": {`{"outline":"AIDE found differences between database and filesystem!!","number_of_entries":{"total":9,"added":1`, "",
			result.ReportUnreadable, result.Counts{}},
		"empty, clean":                          {"", "0", "", result.Counts{}},
		"empty, drift":                          {"", "5", result.ReportUnreadable, result.Counts{}},
		"empty, not known":                      {"", "", result.ReportUnreadable, result.Counts{}},
		"killed":                                {plainReport, "137", result.AideCrashed, result.Counts{}},
		"crashed":                               {plainReport, "-11", result.AideCrashed, result.Counts{}},
		"an error":                              {"", "18", result.AideFailed, result.Counts{}},
		"configuration":                         {"", "17", result.ConfigInvalid, result.Counts{}},
		"database refused":                      {"", "24", result.BaselineInvalid, result.Counts{}},
		"no file selected":                      {"AIDE found NO differences between database and filesystem. Looks okay!!\n\nNumber of entries:\t0\n", "0", result.ConfigInvalid, result.Counts{}},
		"minimal, clean":                        {"AIDE found NO differences between database and filesystem. Looks okay!!\n", "0", "", result.Counts{}},
		"minimal, drift":                        {"AIDE found differences between database and filesystem!!\n", "4", result.ReportUnreadable, result.Counts{}},
		"of an init":                            {"AIDE successfully initialized database.\n", "0", result.ReportUnreadable, result.Counts{}},
		"not a report":                          {"\x00\x01garbage", "0", result.ReportUnreadable, result.Counts{}},
		"JSON of an init":                       {`{"start_time":"2026-11-23 04:55:33 +0000","outline":"AIDE successfully initialized database.","number_of_entries":{"total":9}}`, "0", result.ReportUnreadable, result.Counts{}},
		"JSON of a comparison of two databases": {`{"outline":"AIDE found NO differences between the two databases. Looks okay!!","number_of_entries":{"total":9}}`, "0", result.ReportUnreadable, result.Counts{}},
		"JSON without an outline":               {`{"number_of_entries":{"total":9}}`, "0", result.ReportUnreadable, result.Counts{}},
		"JSON with two outlines": {`{"outline":"AIDE found NO differences between database and filesystem. Looks okay!!","outline":"AIDE found differences between database and filesystem!!","number_of_entries":{"total":9,"added":1,"removed":0,"changed":0}}`, "1",
			result.ReportUnreadable, result.Counts{}},
		"JSON with an outline in a name": {`{"outline":"AIDE found differences between database and filesystem!!","number_of_entries":{"total":9,"added":1},"added":{"/a":"f"},"outline":"AIDE found NO differences between database and filesystem. Looks okay!!"}`, "1", "",
			result.Counts{Added: 1, Total: 9}},
		"JSON in lines of CR LF": {strings.ReplaceAll("{\n\"outline\":\"AIDE found differences between database and filesystem!!\",\n\"number_of_entries\":{\"total\":9,\"added\":1},\n\"added\":{\"/a\":\"f\"}\n}\n", "\n", "\r\n"), "1", "",
			result.Counts{Added: 1, Total: 9}},
		"JSON behind stderr": {"WARNING: failed to access '/b': No (skipping)\n{\n\"outline\":\"AIDE found differences between database and filesystem!!\",\n\"number_of_entries\":{\"total\":9,\"added\":1},\n\"added\":{\"/a\":\"f\"}\n}\n", "1", "",
			result.Counts{Added: 1, Total: 9}},
		"CR LF":                              {strings.ReplaceAll(plainReport, "\n", "\r\n"), "7", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"CR LF, clean":                       {strings.ReplaceAll(timed(cleanReport), "\n", "\r\n"), "0", "", result.Counts{Total: 12}},
		"no newline at the end":              {strings.TrimSpace(plainReport), "7", "", result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 13}},
		"no newline at the end of the count": {strings.TrimSpace(cleanReport), "0", result.ReportUnreadable, result.Counts{}},
		"quiet and clean, of 0.16":           {"gcry_md_enable 7 failedgcry_md_enable 7 failed", "0", "", result.Counts{}},
		"quiet and clean, with stderr":       {"WARNING: opendir() failed for '/a' (fullpath: '/a'): Permission denied\n", "0", "", result.Counts{}},
		"quiet and not known":                {"gcry_md_enable 7 failed", "", result.ReportUnreadable, result.Counts{}},
		"JSON cut at the start":              {`{"outline":"AIDE found`, "0", result.ReportUnreadable, result.Counts{}},
		"JSON cut in a list": {`{"outline":"AIDE found differences between database and filesystem!!","number_of_entries":{"total":9,"added":1},"added":{"/`, "1", "",
			result.Counts{Added: 1, Total: 9}},
		"JSON counted twice": {`{"outline":"AIDE found differences between database and filesystem!!","number_of_entries":{"total":9,"added":1},"added":{"/a":"f"},"number_of_entries":{"total":9,"added":0}}`, "1", "",
			result.Counts{Added: 1, Total: 9}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "report")
			if err := os.WriteFile(path, []byte(c.report), 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{path}
			if c.exit != "" {
				args = []string{"--exit", c.exit, path}
			}
			l := parseLine(t, args...)
			assert.Equal(t, c.want, l.Reason, "%+v", l)
			if c.want == "" {
				assert.Equal(t, c.counts, *l.Counts)
			}
		})
	}
	for _, args := range [][]string{nil, {"a", "b"}, {"--exit", "x", "a"}, {"--exit", "300", "a"}, {"/nowhere/report"}, {"/"}, {"--stderr", "/nowhere", "parse_test.go"}} {
		if l := parseLine(t, args...); l.Reason != result.BadArguments {
			t.Errorf("parse %q: %+v, want %s", args, l, result.BadArguments)
		}
	}
}

// TestParseUnread holds that what AIDE could not look at is told of a saved report as
// of a check.
func TestParseUnread(t *testing.T) {
	const warning = "WARNING: hash calculation: open() failed for /srv/a: Permission denied\n"
	many := strings.Repeat("WARNING: about nothing\n", 10000) + warning // behind what is kept
	for name, c := range map[string]struct {
		stderr, report string
		unread         int
		path           string
	}{
		"on stderr":             {warning, cleanReport, 1, "/srv/a"},
		"far down on stderr":    {many, cleanReport, 1, "/srv/a"},
		"in the report's file":  {"", warning + timed(cleanReport), 1, "/srv/a"},
		"in both":               {warning, warning + timed(cleanReport), 1, "/srv/a"},
		"of 0.16":               {"", "gcry_md_enable 7 failedopen_dir(): Permission denied: /srv/b\n" + cleanReport, 1, "/srv/b"},
		"before JSON":           {"", warning + "{\n\"outline\":\"AIDE found NO differences between database and filesystem. Looks okay!!\",\"number_of_entries\":{\"total\":3}}", 1, "/srv/a"},
		"nothing":               {"WARNING: Dead symlink detected at /srv/l\n", cleanReport, 0, ""},
		"quiet, and one unread": {"", warning, 1, "/srv/a"},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"stderr": c.stderr, "report": c.report} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l := parseLine(t, "--exit", "0", "--stderr", dir+"/stderr", dir+"/report")
		if l.Status != result.Clean {
			t.Errorf("%s: %+v, want clean", name, l)
		}
		if l.Unread != c.unread {
			t.Errorf("%s: %d entries unread, want %d", name, l.Unread, c.unread)
		}
		if l.UnreadPath != c.path {
			t.Errorf("%s: %q is unread, want %q", name, l.UnreadPath, c.path)
		}
	}
}

// TestParseSpelling holds that a report is decoded as a whole or not at all.
func TestParseSpelling(t *testing.T) {
	for name, c := range map[string]struct{ a, b, c, want string }{
		"escapes":               {`/a\012b`, `/b\134012`, "/c", "+/a\nb -/b\\012 ~/c"},
		"raw control character": {`/a\012b`, "/b\tb", "/c", "+/a\\012b -/b\tb ~/c"},
		"no code of AIDE's":     {`/a\012b`, `/b\999`, "/c", `+/a\012b -/b\999 ~/c`},
	} {
		path := filepath.Join(t.TempDir(), "report")
		report := strings.NewReplacer(": /a", ": "+c.a, ": /b", ": "+c.b, ": /c", ": "+c.c).Replace(plainReport)
		if err := os.WriteFile(path, []byte(report), 0o600); err != nil {
			t.Fatal(err)
		}
		l := parseLine(t, path)
		slices.SortFunc(l.Paths, func(a, b string) int { return strings.Compare(a[1:], b[1:]) })
		if got := strings.Join(l.Paths, " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
