package sweep

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	documents "aidefleet/ssm-documents"
)

// recordedRun is a run that records hosts in a ledger.
func recordedRun(t *testing.T, l *ledger.Ledger, region string, at time.Time, hosts ...report.Host) *run {
	t.Helper()
	for i := range hosts {
		hosts[i].Account, hosts[i].Region = "123456789012", region
	}
	r := &run{
		Region: Region{Name: region, Account: "123456789012"},
		settings: settings{
			ledger: l, request: runcommand.Request{Document: documents.Check}, name: Name{Verb: VerbSweep, ID: at.Format("150405")},
			now: func() time.Time { return time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC) }, explain: error.Error,
		},
	}
	r.report = report.Report{V: 1, Fleet: "env=prod", Target: "env=prod", Started: at, Finished: at}
	r.report.SetHosts(hosts)
	r.recall(t.Context())
	r.record(t.Context())
	require.Empty(t, r.errs)
	_, err := index(t.Context(), []*run{r}, r.report, nil)
	require.NoError(t, err)
	return r
}

func host(id string, s report.Status) report.Host {
	h := report.Host{Instance: id, Name: "name-" + id, Status: s}
	if s == report.Clean || s == report.Drift {
		h.Counts = &result.Counts{}
	} else {
		h.Reason = report.AgentLost
	}
	return h
}

// hostOf is a host of a run.
func hostOf(t *testing.T, r *run, id string) report.Host {
	t.Helper()
	for _, h := range r.report.Hosts {
		if h.Instance == id {
			return h
		}
	}
	t.Fatalf("there is no host %s", id)
	return report.Host{}
}

func openFolder(t *testing.T) (*ledger.Ledger, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := ledger.Open(dir, "", ledger.S3API{})
	require.NoError(t, err)
	return l, dir
}

// TestRecall: hosts know what the sweep before found, and each day.
func TestRecall(t *testing.T) {
	l, _ := openFolder(t)
	day := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	first := recordedRun(t, l, "eu-central-1", day, host("i-1", report.Clean), host("i-2", report.Clean), host("i-3", report.Missing))
	assert.Empty(t, hostOf(t, first, "i-1").Was)
	assert.Equal(t, report.Days("c"), hostOf(t, first, "i-1").Days)

	recordedRun(t, l, "us-east-1", day.Add(time.Hour), host("i-1", report.Failed)) // elsewhere
	second := recordedRun(t, l, "eu-central-1", day.AddDate(0, 0, 2), host("i-1", report.Drift), host("i-2", report.Clean), host("i-4", report.Clean))
	assert.Equal(t, report.Clean, hostOf(t, second, "i-1").Was)
	assert.Equal(t, report.Days("c.d"), hostOf(t, second, "i-1").Days)
	assert.Equal(t, report.Absent, hostOf(t, second, "i-4").Was)
	assert.Equal(t, []report.Left{{Instance: "i-3", Name: "name-i-3"}}, second.report.Left)

	// Collected again, it is the same.
	again := recordedRun(t, l, "eu-central-1", day.AddDate(0, 0, 2), host("i-1", report.Drift))
	assert.Equal(t, report.Days("c.d"), hostOf(t, again, "i-1").Days)
}

// TestPages: the ledger has a page beside each sweep, and one of the fleet with the newest
// of each account and region.
func TestPages(t *testing.T) {
	l, dir := openFolder(t)
	day := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	read := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "sweeps/fleet=env%3Dprod/index.html"))
		require.NoError(t, err)
		return string(text)
	}
	recordedRun(t, l, "eu-central-1", day, host("i-1", report.Clean))
	recordedRun(t, l, "us-east-1", day.Add(time.Hour), host("i-2", report.Missing))
	recordedRun(t, l, "eu-central-1", day.AddDate(0, 0, 1), host("i-1", report.Drift))
	pages, err := filepath.Glob(filepath.Join(dir, "sweeps/fleet=env%3Dprod/date=*/*.html"))
	require.NoError(t, err)
	assert.Len(t, pages, 3)
	index := read()
	assert.Contains(t, index, "Sweep of 2026-11-23 06:00 UTC, 2 hosts")
	assert.Contains(t, index, "name-i-1")
	assert.Contains(t, index, "name-i-2")
	assert.Contains(t, index, `href="date=2026-11-24/20261124T050000Z-123456789012-eu-central-1-050000.html"`)

	// A sweep that is collected late is not what the fleet is like now.
	recordedRun(t, l, "eu-central-1", day.Add(5*time.Hour), host("i-1", report.Failed))
	assert.Equal(t, index, read())
}

func TestAcceptFor(t *testing.T) {
	for target, want := range map[string]string{
		"env=prod": "orchestrator accept --tag env=prod", "env=prod,test role=web": "orchestrator accept --tag env=prod,test --tag role=web",
		"i-01 i-02": "orchestrator accept --instance i-01 --instance i-02", "all": "orchestrator accept --all",
		"env=$(reboot)": "", "env=a b'": "", "": "", "12 hosts 9f86d081": "", "env=Müller": "",
	} {
		assert.Equal(t, want, acceptFor(target), target)
	}
}
