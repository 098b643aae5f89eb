package page

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/report"
)

// largePage has hosts of which 3 in 10 are not clean, each with a life of its own.
func largePage(hosts int) Page {
	r := report.Report{Fleet: "env=prod", Started: started, Finished: started}
	for i := range hosts {
		h := report.Host{
			Instance: fmt.Sprintf("i-%017x", i*7919), Name: fmt.Sprintf("host-%d", i), Account: "123456789012", Region: "eu-central-1", Status: report.Clean,
			Counts: &result.Counts{Total: 9000}, Days: report.Days(strings.Repeat("c", 89)), Was: report.Clean,
		}
		last := "c"
		switch i % 10 {
		case 0:
			last = "d"
			h.Status, h.Counts = report.Drift, &result.Counts{Changed: i}
			h.Groups = []result.Group{{At: "/srv/app", Fingerprint: fmt.Sprintf("%016x", i%30), N: i}}
			h.Paths = []string{fmt.Sprintf("~/srv/app/%d/main", i)}
		case 3:
			last = "f"
			h.Status, h.Counts, h.Reason = report.Failed, nil, report.Reason("timeout")
			h.Message = fmt.Sprintf("AIDE did not end within %d s", i)
		case 7:
			last = "m"
			h.Status, h.Counts, h.Reason = report.Missing, nil, report.AgentLost
		}
		days := []byte(h.Days)
		days[i%89] = "cdfmh."[i%6]
		h.Days = report.Days(days) + report.Days(last)
		r.Hosts = append(r.Hosts, h)
	}
	r.SetHosts(r.Hosts)
	return Page{Title: "File integrity of env=prod", Report: &r}
}

// mostBytes is the size that a page of 50,000 hosts may have.
const mostBytes = 10_000_000

func TestSizeOfLarge(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, largePage(50_000)))
	assert.Less(t, b.Len(), mostBytes)
}

// BenchmarkOpen measures how long a page of 50,000 hosts takes in Chromium until its list is
// there, and until a search of it is.
func BenchmarkOpen(b *testing.B) {
	one := newTab(b)
	p := largePage(50_000)
	var size bytes.Buffer
	require.NoError(b, Write(&size, p))
	for b.Loop() {
		began := time.Now()
		one.open(b, p, 1280, 800, "light")
		one.do(b, chromedp.WaitVisible(chromedp.CSS("#rows tr")))
		b.ReportMetric(time.Since(began).Seconds(), "s/open")
		began = time.Now()
		require.True(b, value[bool](b, one, `{const s = document.querySelector("#search"); s.value = "host-49999"; s.dispatchEvent(new Event("input"))}`))
		b.ReportMetric(time.Since(began).Seconds(), "s/search")
	}
	b.ReportMetric(float64(size.Len()), "bytes")
}
