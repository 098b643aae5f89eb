package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

func drawn(t *testing.T, r Report, s Style) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, r, s))
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, "→") {
			continue // a command is copied whole
		}
		assert.LessOrEqual(t, terminal.StringWidth(strings.TrimRight(line, "\n")), s.Width, line)
	}
	return b.String()
}

func failedHosts(n int, status Status, reason Reason, message func(i int) string) Report {
	r := Report{Fleet: "env=prod"}
	var hosts []Host
	for i := range n {
		id := fmt.Sprintf("i-%04x", i)
		hosts = append(hosts, Host{Instance: id, Name: fmt.Sprintf("web-%02d", i), Status: status, Reason: reason, Message: message(i), Next: reason.Next(id, "")})
	}
	r.SetHosts(hosts)
	return r
}

// TestBlockOfFailures: hosts that failed for one reason are one block.
func TestBlockOfFailures(t *testing.T) {
	silent := func(int) string { return "" }
	assert.Equal(t, `
env=prod  37 hosts  0001-01-01 00:00:00 UTC

STATUS   HOST      INSTANCE  ADDED  REMOVED  CHANGED  WHAT
missing  37 hosts                -        -        -  cancelled
         web-00 web-01 web-02 web-03 web-04 web-05 web-06 web-07 web-08 web-09
         web-10 web-11 web-12 web-13 web-14 web-15 web-16 web-17 web-18 web-19
         web-20 web-21 web-22 web-23 web-24 web-25 web-26 and 10 more
         → sweep again

37 hosts: 0 clean, 0 changed, 0 failed, 37 missing, in 0s
`, drawn(t, failedHosts(37, Missing, Cancelled, silent), Style{Width: 80}))

	few := drawn(t, failedHosts(3, Failed, Reason(result.BaselineMissing), silent), Style{Width: 80})
	assert.Contains(t, few, "→ orchestrator init --instance i-0000 --instance i-0001 --instance i-0002\n")
	many := drawn(t, failedHosts(30, Failed, Reason(result.BaselineMissing), silent), Style{Width: 80})
	assert.Contains(t, many, "→ orchestrator init --instance i-0000, and so for the others\n")
	each := drawn(t, failedHosts(30, Failed, Reason(result.BaselineMissing), silent), Style{Width: 80, AllHosts: true})
	assert.Equal(t, 30, strings.Count(each, "→ orchestrator init --instance "))

	said := drawn(t, failedHosts(5, Failed, Reason(result.Timeout), func(i int) string { return fmt.Sprintf("after %d s", i) }), Style{Width: 80})
	assert.Contains(t, said, "after 2 s\n")
	assert.Contains(t, said, "and 2 other messages; --all-hosts has them\n")
	same := drawn(t, failedHosts(5, Failed, Reason(result.Timeout), func(int) string { return "after 9 s" }), Style{Width: 80})
	assert.Equal(t, 1, strings.Count(same, "after 9 s"))
}

// TestFoldToTheScreen: clean hosts have rows if there are lines for all hosts.
func TestFoldToTheScreen(t *testing.T) {
	r := large(30)
	assert.Contains(t, drawn(t, r, Style{Width: 120, Lines: 24}), "hosts; --all-hosts lists them\n")
	assert.Contains(t, drawn(t, r, Style{Width: 120, Lines: 32}), "hosts; --all-hosts lists them\n")
	assert.NotContains(t, drawn(t, r, Style{Width: 120, Lines: 60}), "--all-hosts")
	assert.NotContains(t, drawn(t, r, Style{Width: 120, Lines: 24, AllHosts: true}), "--all-hosts")
}

// TestDid: an action has no counts.
func TestDid(t *testing.T) {
	r := failedHosts(1, Failed, Reason(result.AideMissing), func(int) string { return "" })
	r.SetHosts(append(r.Hosts, Host{Instance: "i-1", Name: "db-1", Status: Clean, Counts: &result.Counts{Total: 1370}}))
	did := func(h Host) string { return "baseline of " + Number(h.Total) + " entries" }
	assert.Equal(t, `
env=prod  2 hosts  0001-01-01 00:00:00 UTC

STATUS  HOST    INSTANCE  WHAT
failed  web-00  i-0000    aide_missing
        → orchestrator init --install-aide --instance i-0000
done    db-1    i-1       baseline of 1,370 entries

2 hosts: 1 done, 1 failed, 0 missing, in 0s
`, drawn(t, r, Style{Width: 80, Did: did}))
	var b bytes.Buffer
	require.NoError(t, WriteRows(&b, r, did))
	assert.Equal(t, "failed\tweb-00\ti-0000\t-\t-\t-\taide_missing\ndone\tdb-1\ti-1\t-\t-\t-\tbaseline of 1,370 entries\n", b.String())
}
