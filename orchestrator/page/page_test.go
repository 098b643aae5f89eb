package page

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

var started = time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)

// patchDay is a sweep of 40 hosts after an upgrade, with one intrusion and hosts that fail.
func patchDay() report.Report {
	r := report.Report{V: 1, Fleet: "env=prod", Target: "env=prod", Started: started, Finished: started.Add(9 * time.Minute)}
	packages := result.Group{At: result.PackagesGroup, Fingerprint: "77ab01cd99e0f3a2", N: 12, Versions: "a1b2c3d4e5f60718"}
	deploy := result.Group{At: "/srv/app", Fingerprint: "1cb4afc1d0b7e25f", N: 3}
	for i := range 40 {
		h := report.Host{
			Instance: fmt.Sprintf("i-%017x", i), Name: fmt.Sprintf("web-%d", i), Region: "eu-central-1", Account: "123456789012", Status: report.Drift,
			Counts: &result.Counts{Changed: 12}, Groups: []result.Group{packages}, Explained: 12, New: 12, Since: "20261126T050000Z",
			Was: report.Clean, Days: "ccccccccccmccccccccccccccccccd", Fingerprint: "9f86d081884c7d659a2feaa0c55ad015",
		}
		if i < 38 {
			h.Counts = &result.Counts{Changed: 13, Added: 2}
			h.Groups = append(h.Groups, deploy)
			h.Paths = []string{"+/srv/app/new", "~/srv/app/main"}
		}
		r.Hosts = append(r.Hosts, h)
	}
	db := &r.Hosts[39]
	db.Name = "db-3"
	db.Counts = &result.Counts{Changed: 12, Added: 1}
	db.Groups = append(db.Groups, result.Group{At: "/etc/cron.d", Fingerprint: "d2e93b10c7715a04", N: 1})
	db.Paths = []string{"+/etc/cron.d/backdoor"}
	db.Suspect = []report.Finding{{Kind: report.LoneChange, Message: "new changes that none of the other 39 hosts has: /etc/cron.d", Since: started}}
	failed := &r.Hosts[20]
	*failed = report.Host{Instance: failed.Instance, Name: "batch-7", Region: "eu-central-1", Account: "123456789012", Status: report.Failed,
		Reason: "baseline_missing", Message: "there is no /var/lib/aide/aide.db.gz", MessageFrom: report.FromHost, Next: "orchestrator init --instance " + failed.Instance, Was: report.Clean, Days: "cccf"}
	lost := &r.Hosts[21]
	*lost = report.Host{Instance: lost.Instance, Name: "batch-8", Region: "eu-central-1", Account: "123456789012", Status: report.Missing,
		Reason: report.AgentLost, Next: report.AgentLost.Next("", ""), Was: report.Missing, Days: "cchhhm", Held: &report.Held{ID: "h1", Who: "bob", Why: "new disk", Until: started.Add(time.Hour)}}
	r.SetHosts(r.Hosts)
	return r
}

func sweepPage() Page {
	r := patchDay()
	return Page{
		Title: "File integrity of env=prod", Report: &r, Accept: "orchestrator accept --tag env=prod",
		Sweeps: []evidence.Sweep{
			{Fleet: "env=prod", Started: started.AddDate(0, 0, -1), Hosts: 40, Clean: 40},
			{Fleet: "env=prod", Started: started, Hosts: 40, Changed: 38, Failed: 1, Missing: 1, Suspect: 1},
		},
		Pages:   []Link{{"2026-11-26 05:00 UTC, 123456789012 eu-central-1", "date%3D2026-11-26/20261126T050000Z-123456789012-eu-central-1-X.html"}},
		Actions: []evidence.Action{{Kind: ledger.Accept, When: started.AddDate(0, 0, -2), Who: "arn:aws:iam::123456789012:user/anna", Why: "release 2.0", Target: "env=prod", Hosts: 40}},
		Holds:   []evidence.Hold{{ID: "h1", Hosts: "i-00000000000000015", Who: "bob", Why: "new disk", From: started.AddDate(0, 0, -1), To: started.AddDate(0, 0, 1)}},
	}
}

// TestWrite holds pages against files in testdata; -update writes them anew.
func TestWrite(t *testing.T) {
	empty := report.Report{V: 1, Fleet: "env=prod", Started: started, Finished: started}
	for name, p := range map[string]Page{
		"sweep.html":  sweepPage(),
		"empty.html":  {Title: "File integrity of env=prod", Report: &empty},
		"life.html":   lifePage(),
		"tables.html": {Title: "A <title>", Tables: []evidence.Table{{Name: "Changes", Header: []string{"host", "end"}, Rows: [][]string{{"web-1", "\u202eopen"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			require.NoError(t, Write(&got, p))
			file := filepath.Join("testdata", name)
			if *update {
				require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got.String())
		})
	}
}

// TestWriteWidget is TestWrite for the widget of a dashboard.
func TestWriteWidget(t *testing.T) {
	var got bytes.Buffer
	require.NoError(t, WriteWidget(&got, sweepPage()))
	file := filepath.Join("testdata", "widget.html")
	if *update {
		require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}
