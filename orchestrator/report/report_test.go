package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

var update = flag.Bool("update", false, "write the golden files")

// sample is a sweep in which everything happens.
func sample() Report {
	r := Report{
		V: Version, Fleet: "env=prod",
		Started:  time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC),
		Finished: time.Date(2026, 11, 23, 5, 0, 12, 345e6, time.UTC),
		Commands: []Command{{ID: "12345678-90ab-cdef-1234-567890abcdef", Region: "eu-central-1", Account: "111122223333"}},
	}
	host := func(n, name string, status Status) Host {
		return Host{Instance: "i-0123456789abcdef" + n, Name: name, Region: "eu-central-1", Account: "111122223333", Status: status}
	}
	deploy := func(n, name string) Host {
		h := host(n, name, Drift)
		h.Counts = &result.Counts{Added: 2, Changed: 1, Total: 40}
		h.Fingerprint = "9f86d081884c7d659a2feaa0c55ad015"
		h.Paths = []string{"+/srv/app/release-2", "+/srv/app/lib", "~/srv/app/current"}
		return h
	}
	db := host("4", "db-1", Drift)
	db.Counts = &result.Counts{Added: 1, Removed: 2, Changed: 120, Total: 400}
	db.Fingerprint = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	db.Paths, db.More = []string{"~/etc/passwd", "+/etc/cron.d/\x1b[31m\u202etxt.exe"}, 121
	failed := host("5", "cache-1", Failed)
	failed.Reason, failed.Message = "baseline_missing", "/var/lib/aide/aide.db.gz does not exist"
	missing := host("6", "", Missing)
	missing.Reason = "agent_lost"
	clean := host("7", "batch-1", Clean)
	clean.Counts = &result.Counts{Total: 12}
	clean.Unread, clean.UnreadPath = 3, "/srv/\x1b[2Jsecret"
	hosts := []Host{clean, missing, db, deploy("2", "web-2"), deploy("1", "web-1"), failed}
	for i := range hosts {
		hosts[i].Next = hosts[i].Reason.Next(hosts[i].Instance, r.Commands[0].ID)
	}
	r.SetHosts(append(r.Hosts, hosts...))
	return r
}

func TestGolden(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer, Report) error{
		"table.txt":       func(b *bytes.Buffer, r Report) error { return WriteTable(b, r, Style{Width: 120}) },
		"table-40.txt":    func(b *bytes.Buffer, r Report) error { return WriteTable(b, r, Style{Width: 40}) },
		"table-80.txt":    func(b *bytes.Buffer, r Report) error { return WriteTable(b, r, Style{Width: 80}) },
		"table-200.txt":   func(b *bytes.Buffer, r Report) error { return WriteTable(b, r, Style{Width: 200}) },
		"table-color.txt": func(b *bytes.Buffer, r Report) error { return WriteTable(b, r, Style{Width: 120, Color: true}) },
		"rows.txt":        func(b *bytes.Buffer, r Report) error { return WriteRows(b, r, nil) },
		"scripts.txt":     func(b *bytes.Buffer, _ Report) error { return WriteTable(b, scripts(), Style{Width: 120}) },
		"scripts-80.txt":  func(b *bytes.Buffer, _ Report) error { return WriteTable(b, scripts(), Style{Width: 80}) },
		"report.csv":      func(b *bytes.Buffer, r Report) error { return WriteCSV(b, r) },
		"report.json":     func(b *bytes.Buffer, r Report) error { return WriteJSON(b, r) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := write(&b, sample()); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
			if name == "table-color.txt" {
				return // colours are control characters, put there on purpose
			}
			for _, r := range b.String() {
				if !strings.ContainsRune("\n\t\r", r) && !unicode.IsPrint(r) {
					t.Errorf("%q of a host reaches the terminal", r)
				}
			}
		})
	}
}

func TestJSONIsTrue(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	err := WriteJSON(&again, back)
	assert.NoError(t, err, "read back and written again it is\n%s", again.String())
	assert.Equal(t, b.String(), again.String())
	if got := back.Hosts[0].Paths[1]; got != "+/etc/cron.d/\x1b[31m\u202etxt.exe" {
		t.Errorf("path %q: escapes must not change the name", got)
	}
	for _, h := range back.Hosts {
		if (h.Counts != nil) != (h.Status == Clean || h.Status == Drift) {
			t.Errorf("host %s is %s, counts %v", h.Name, h.Status, h.Counts)
		}
	}
}

func TestSummary(t *testing.T) {
	want := Summary{Targeted: 6, Reported: 4, Clean: 1, Changed: 3, Failed: 1, Missing: 1, Unread: 3}
	if got := sample().Summary; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCohorts(t *testing.T) {
	r := sample()
	unknown := Host{Status: Drift, Counts: &result.Counts{Added: 1}}
	r.SetHosts(append(r.Hosts, unknown, unknown))
	var got []string
	for _, c := range r.Cohorts() {
		got = append(got, c.Fingerprint+" "+strings.Repeat("x", len(c.Hosts)))
	}
	require.Len(t, got, 4, "hosts without a fingerprint stand apart: xx, x, x, x")
	assert.Equal(t, "9f86d081884c7d659a2feaa0c55ad015 xx", got[0], "the large one comes first")
}
