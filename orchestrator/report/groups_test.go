package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// patched is a fleet after a deploy on all hosts: each has a cache of its own, and one has
// a file in /etc/cron.d.
func patched(n int) Report {
	r := Report{Fleet: "env=prod"}
	for i := range n {
		h := Host{Instance: fmt.Sprintf("i-%08x", i), Name: fmt.Sprintf("web-%d", i), Status: Drift, Counts: &result.Counts{Changed: 5}}
		h.Fingerprint = fmt.Sprintf("%032x", i)
		h.Groups = []result.Group{{At: "/srv/app", Fingerprint: strings.Repeat("a", 16), N: 3}}
		if i == n-1 {
			h.Groups = append(h.Groups, result.Group{At: "/etc/cron.d", Fingerprint: strings.Repeat("b", 16), N: 1})
		}
		r.SetHosts(append(r.Hosts, h))
	}
	return r
}

// TestSharedGroups: what one host alone has comes first, and what is in no group is counted.
func TestSharedGroups(t *testing.T) {
	shared, untold := SharedGroups(patched(40).Hosts)
	require.Len(t, shared, 2)
	assert.Equal(t, "/etc/cron.d", shared[0].At)
	require.Len(t, shared[0].Hosts, 1)
	assert.Equal(t, "web-39", shared[0].Hosts[0].Name)
	assert.Equal(t, "/srv/app", shared[1].At)
	assert.Len(t, shared[1].Hosts, 40)
	assert.Equal(t, 40*5-40*3-1, untold)
}

// TestTableOfGroups: the table says what hosts with different fingerprints share.
func TestTableOfGroups(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, patched(40), Style{Width: 80}))
	assert.Contains(t, b.String(), `
The changes by group:
bbbbbbbb  /etc/cron.d  1 change, 1 host: web-39
aaaaaaaa  /srv/app  3 changes, 40 hosts: web-0 web-1 web-10 web-11 web-12 web-1…
and 79 changes in no group: see orchestrator show HOST
`)
}

// TestNextSteps: under each group stands what to do, ready to be pasted.
func TestNextSteps(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, patched(40), Style{Width: 80, Accept: "orchestrator accept --tag env=prod"}))
	assert.Contains(t, b.String(), "1 host: web-39\n  → orchestrator show i-00000027 --unexplained\n")
	assert.Contains(t, b.String(), "…\n  → orchestrator accept --tag env=prod --fingerprint aaaaaaaaaaaa\n")
}

// TestSharedRows: hosts that changed alike share a row, unless each is to have one.
func TestSharedRows(t *testing.T) {
	r := patched(5)
	for i := range r.Hosts {
		r.Hosts[i].Counts = &result.Counts{Changed: 3 + len(r.Hosts[i].Groups) - 1}
	}
	draw := func(all bool) string {
		var b bytes.Buffer
		require.NoError(t, WriteTable(&b, r, Style{Width: 120, AllHosts: all}))
		return b.String()
	}
	assert.Regexp(t, `(?m)^drift +web-0 web-1 web-2 web-3  4 hosts  .* 3$`, draw(false))
	assert.Regexp(t, `(?m)^drift +web-4  .*i-00000004 .* 4$`, draw(false))
	assert.Equal(t, 5, strings.Count(draw(true), "\ndrift "))
}

// TestDifferingPackages: hosts with the packages of others and other files are told.
func TestDifferingPackages(t *testing.T) {
	r := patched(4)
	for i := range r.Hosts {
		digit := map[bool]string{true: "d", false: "c"}[i == 3]
		r.Hosts[i].Explained = 7
		r.Hosts[i].Groups = append(r.Hosts[i].Groups, result.Group{At: result.PackagesGroup, Fingerprint: strings.Repeat(digit, 16), N: 7, Versions: strings.Repeat("e", 16)})
	}
	r.Count()
	assert.Equal(t, 28, r.Summary.Explained)
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, r, Style{Width: 80}))
	assert.Contains(t, b.String(), "\ncccccccc  packages  7 changes, 3 hosts: web-0 web-1 web-2\n")
	assert.Contains(t, b.String(), "\ndddddddd  packages  7 changes, 1 host: web-3\n")
	assert.Contains(t, b.String(), "\ndddddddd  the same packages as cccccccc, and other files, 1 host: web-3\n")
	assert.Contains(t, b.String(), " 28 explained, in ")
	assert.Contains(t, b.String(), "7 explained")
	fits(t, b.String(), 80)
}

// TestHostileGroup: a host's name for a group does nothing on a terminal.
func TestHostileGroup(t *testing.T) {
	r := patched(2)
	r.Hosts[0].Groups[0].At = "/\x1b[31m\u202e" + strings.Repeat("x", 200)
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, r, Style{Width: 80}))
	assert.Contains(t, b.String(), `/\x1b[31m\u202e`)
	assert.NotContains(t, b.String(), "\x1b")
	fits(t, b.String(), 80)
}

// TestCohortsInJSON: groups with the hosts that share them are once at the end of a report,
// which can be read as one without them.
func TestCohortsInJSON(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, WriteJSON(&b, patched(3)))
	var got struct {
		Hosts   []Host
		Cohorts []GroupCohort
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got), b.String())
	assert.Len(t, got.Hosts, 3)
	assert.Equal(t, []GroupCohort{
		{Group: "/etc/cron.d", Fingerprint: strings.Repeat("b", 16), Changes: 1, Hosts: []string{"i-00000002"}},
		{Group: "/srv/app", Fingerprint: strings.Repeat("a", 16), Changes: 3, Hosts: []string{"i-00000000", "i-00000001", "i-00000002"}},
	}, got.Cohorts)
	b.Reset()
	require.NoError(t, WriteJSON(&b, sample()))
	assert.NotContains(t, b.String(), "cohorts")
}

// TestGroupsInCSV: no name of a group can pass for two.
func TestGroupsInCSV(t *testing.T) {
	h := patched(3).Hosts[2]
	h.Groups[0].At = "/srv/a;"
	record := record(h)
	assert.Equal(t, `/srv/a\x3b 3 `+strings.Repeat("a", 16)+"; /etc/cron.d 1 "+strings.Repeat("b", 16), record[slices.Index(csvHeader, "groups")])
}
