package suspect

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// drifted adds a group with these paths to a host. who tells groups apart that hosts have
// in their own way.
func drifted(h *report.Host, at, who string, n int, paths ...string) {
	h.Status = report.Drift
	h.Counts = &result.Counts{Total: 1000, Changed: n}
	h.New += n
	h.Groups = append(h.Groups, result.Group{At: at, Fingerprint: fmt.Sprintf("%.16s", fmt.Sprintf("%x", at+who+strings.Repeat("0", 16))), N: n})
	h.Paths = append(h.Paths, paths...)
}

// fleetOf are hosts that were clean in the sweep before, with what has happened to each since.
func fleetOf(t *testing.T, n int, happen func(i int, h *report.Host)) (m memory, hosts []report.Host) {
	t.Helper()
	var pins []ledger.Pin
	for i := range n {
		h := claim(fmt.Sprintf("i-%02d", i))
		happen(i, &h)
		pins, hosts = append(pins, pinned(h.Instance)), append(hosts, h)
	}
	return remember(t, pins...), hosts
}

// suspects are the hosts with a lone change, by number.
func suspects(hosts []report.Host) (list []int) {
	for i, h := range hosts {
		if slices.Contains(kinds(h), report.LoneChange) {
			list = append(list, i)
		}
	}
	return list
}

// TestLoneChange: one host has a change of its own while all get a patch with host keys and
// some a deploy.
func TestLoneChange(t *testing.T) {
	patchDay := func(i int, h *report.Host) {
		drifted(h, result.PackagesGroup, "", 300, "~/usr/bin/openssl")
		h.Groups[0].Versions = strings.Repeat("e", 16)
		drifted(h, "/etc", h.Instance, 2, "~/etc/machine-id", "~/etc/ssh_host_key")
		if i < 3 {
			drifted(h, "/srv/app", "", 5, "~/srv/app/VERSION")
		}
	}
	for name, c := range map[string]struct {
		happen func(i int, h *report.Host)
		want   []int
	}{
		"a patch day and a deploy": {patchDay, nil},
		"a file in a folder of its own": {func(i int, h *report.Host) {
			if patchDay(i, h); i == 7 {
				drifted(h, "/etc/cron.d", "x", 1, "+/etc/cron.d/x")
			}
		}, []int{7}},
		"a file beside those that are unique": {func(i int, h *report.Host) {
			if patchDay(i, h); i == 7 {
				h.Groups[1].N, h.Paths = 3, slices.Insert(h.Paths, 1, "~/etc/passwd")
			}
		}, []int{7}},
		"one more that is not in the sample": {func(i int, h *report.Host) {
			if patchDay(i, h); i == 7 {
				h.Groups[1].N = 3
			}
		}, []int{7}},
		"many that are unique, of which some are told": {func(_ int, h *report.Host) {
			drifted(h, "/var/cache", h.Instance, 40, "~/var/cache/a", "~/var/cache/b")
		}, nil},
		"the same packages and other files": {func(i int, h *report.Host) {
			if patchDay(i, h); i == 7 {
				h.Groups[0].Fingerprint = strings.Repeat("f", 16)
			}
		}, []int{7}},
		"packages that no other host has": {func(i int, h *report.Host) {
			if patchDay(i, h); i == 7 {
				h.Groups[0].Fingerprint, h.Groups[0].Versions = strings.Repeat("f", 16), strings.Repeat("f", 16)
			}
		}, nil},
		"a host that is held": {func(i int, h *report.Host) {
			if i == 7 {
				drifted(h, "/etc/cron.d", "x", 1, "+/etc/cron.d/x")
				h.Held = &report.Held{ID: "1"}
			}
		}, nil},
		"two hosts with the same": {func(i int, h *report.Host) {
			if i > 37 {
				drifted(h, "/etc/cron.d", "x", 1, "+/etc/cron.d/x")
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, hosts := fleetOf(t, 40, c.happen)
			assert.Equal(t, c.want, suspects(m.compare("now", now, nil, hosts...)))
		})
	}
}

// TestLoneChangeOfFew: with four answers nobody can be told from the others, with five one can.
func TestLoneChangeOfFew(t *testing.T) {
	for n, want := range map[int][]int{4: nil, 5: {0}} {
		m, hosts := fleetOf(t, n, func(i int, h *report.Host) {
			if i == 0 {
				drifted(h, "/etc", "x", 1, "~/etc/passwd")
			}
		})
		hosts = append(hosts, report.Host{Instance: "i-99", Status: report.Failed})
		assert.Equal(t, want, suspects(m.compare("now", now, nil, hosts...)), n)
	}
}

// TestLoneChangeStays: it is found once, stays while it is there, and goes when it is accepted.
func TestLoneChangeStays(t *testing.T) {
	intrusion := func(i int, h *report.Host) {
		if i == 2 {
			drifted(h, "/etc/cron.d", "x", 1, "+/etc/cron.d/x")
		}
	}
	m, hosts := fleetOf(t, 6, intrusion)
	found := m.compare("now", now, nil, hosts...)[2].Suspect
	assert.Len(t, found, 1)
	assert.Equal(t, "new changes that none of the other 5 hosts has: /etc/cron.d (+/etc/cron.d/x)", found[0].Message)

	again := func() []report.Host {
		_, hosts := fleetOf(t, 6, intrusion)
		for i := range hosts {
			hosts[i].Report, hosts[i].New, hosts[i].Began = "again", 0, now.Add(2*time.Hour)
		}
		return hosts
	}
	assert.Equal(t, found, m.compare("again", now.Add(time.Hour), nil, again()...)[2].Suspect)

	_, accepted := fleetOf(t, 6, func(int, *report.Host) {})
	for i := range accepted {
		accepted[i].Report, accepted[i].Began = "accepted", now.Add(3*time.Hour)
	}
	accepted[2].Baseline = &result.Baseline{SHA256: sha("9")}
	act := ledger.Action{
		Kind: ledger.Accept, Group: "/etc/cron.d", Fingerprint: found[0].Is + strings.Repeat("0", 16), When: now.Add(90 * time.Minute),
		Hosts: []ledger.Change{{Instance: "i-02", Done: true, Was: sha("a"), After: ledger.Digests{Baseline: sha("9")}}},
	}
	assert.Empty(t, m.compare("accepted", now.Add(2*time.Hour), []ledger.Action{act}, accepted...)[2].Suspect)
}

// TestKnownDrift: what a host had before the ledger knew of groups is not new.
func TestKnownDrift(t *testing.T) {
	var pins []ledger.Pin
	var hosts []report.Host
	for i := range 6 {
		h, pin := claim(fmt.Sprintf("i-%02d", i)), pinned(fmt.Sprintf("i-%02d", i))
		drifted(&h, "/etc", h.Instance, 1, "~/etc/"+h.Instance)
		pin.Status = "drift"
		if i == 0 {
			pin.Groups = []ledger.Group{} // it had none
		}
		pins, hosts = append(pins, pin), append(hosts, h)
	}
	assert.Equal(t, []int{0}, suspects(remember(t, pins...).compare("now", now, nil, hosts...)))
}
