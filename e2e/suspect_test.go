package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// Where a host of the lab has AIDE's files, by its layout.
const (
	amazonDatabase = "/var/lib/aide/aide.db.gz"
	amazonConfig   = "/etc/aide.conf"
)

// check sweeps one host of the lab.
func (f *fleet) check(exit int, name string) report.Host {
	f.t.Helper()
	hosts := f.sweep(exit, "sweep", "--instance", instances[name])
	require.Contains(f.t, hosts, name)
	return hosts[name]
}

// kinds are what is wrong with a host.
func kinds(h report.Host) (list []report.Suspicion) {
	for _, finding := range h.Suspect {
		list = append(list, finding.Kind)
	}
	return list
}

// rewriteByAIDE takes a baseline as AIDE's own manual does. In the second in which the one
// before was taken, the node would know of it.
const rewriteByAIDE = "sleep 1.1; aide --config " + amazonConfig + " --init && mv /var/lib/aide/aide.db.new.gz " + amazonDatabase

// TestRewrittenBaselines rewrites the baseline of a host behind the fleet's back, in each
// of the ways there are. Each hides a change, and makes the host suspect.
func TestRewrittenBaselines(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	for _, c := range []struct {
		name, host, script string
		want               []report.Suspicion
	}{
		{"aide --init and a move", "web-1", rewriteByAIDE, []report.Suspicion{report.UnexpectedBaseline}},
		{"aide-node init by force", "web-2", "aide-node init --force --yes", []report.Suspicion{report.UnexpectedBaseline}},
		{
			"aide-node accept", "web-3",
			`aide-node accept --fingerprint "$(aide-node check | head -n 1 | sed 's/.*"fingerprint":"\([0-9a-f]*\)".*/\1/')"`,
			[]report.Suspicion{report.UnexpectedBaseline},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := f.in(t)
			first := f.check(0, c.host)
			assert.True(t, first.FirstSeen)
			assert.Empty(t, first.Suspect)
			f.on(c.host, "echo 'x:x:0:0::/:/bin/sh' >>/etc/passwd")
			f.on(c.host, c.script)
			h := f.check(3, c.host)
			assert.Equal(t, report.Clean, h.Status, "%+v", h)
			assert.Equal(t, c.want, kinds(h), "%+v", h)
			assert.False(t, h.FirstSeen)
			assert.Equal(t, c.want, kinds(f.check(3, c.host)), "nobody has acknowledged it")
			f.run(0, "trust", "--instance", instances[c.host], "--why", "it was a test")
			assert.Empty(t, f.check(0, c.host).Suspect)
		})
	}

	t.Run("rules that leave out the change", func(t *testing.T) {
		f := f.in(t)
		f.run(0, "init", "--instance", instances["cache-1"])
		f.check(0, "cache-1")
		f.on("cache-1", `sed -i 's,^/etc Full,!/etc/passwd$\n&,' /etc/aide/aide.conf && echo x >>/etc/passwd && aide-node init --force --yes`)
		h := f.check(3, "cache-1")
		assert.ElementsMatch(t, []report.Suspicion{report.UnexpectedBaseline, report.UnexpectedConfig}, kinds(h), "%+v", h)
	})

	t.Run("no baseline any more", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "batch-1")
		f.on("batch-1", "rm -r /var/lib/aide/* /var/lib/aide-node")
		h := f.check(4, "batch-1")
		assert.Equal(t, "baseline_removed", string(h.Reason), "%+v", h)
		assert.Equal(t, []report.Suspicion{report.RemovedBaseline}, kinds(h), "%+v", h)
		assert.Contains(t, h.Next, "find out who")
	})
}

// TestReplayedAnswers has hosts that say again what was said before, or run another node.
func TestReplayedAnswers(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	// node puts a script in the node's place, which prints a line for each check.
	says := func(f *fleet, name, line string) {
		f.t.Helper()
		f.on(name, "mv /usr/bin/aide-node /usr/bin/aide-node.real")
		f.machine(name, "cat >/usr/bin/aide-node <<'END'\n#!/bin/sh\necho '"+line+"'\nEND\nchmod 755 /usr/bin/aide-node")
	}
	// line is what a host's last check said.
	line := func(f *fleet, name string) string {
		f.t.Helper()
		first, _ := f.document(name, "AideFleet-Check")
		require.NotContains(f.t, first, "'")
		return first
	}

	t.Run("its own line of before", func(t *testing.T) {
		f := f.in(t)
		said := line(f, "web-1")
		f.check(0, "web-1")
		says(f, "web-1", strings.Replace(said, `"started":"20`, `"started":"19`, 1))
		assert.Contains(t, kinds(f.check(3, "web-1")), report.ReplayedAnswer)
	})

	t.Run("its own line of the last sweep", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "web-2")
		report1 := f.says("web-2", `cat /var/lib/aide-node/last.json`)
		var last struct{ Report string }
		require.NoError(t, json.Unmarshal([]byte(report1), &last), report1)
		h := f.check(0, "web-2")
		said := line(f, "web-2")
		var l struct{ Report string }
		require.NoError(t, json.Unmarshal([]byte(said), &l))
		says(f, "web-2", strings.Replace(said, l.Report, h.Report, 1))
		assert.Contains(t, kinds(f.check(3, "web-2")), report.ReplayedAnswer)
	})

	t.Run("another host's line", func(t *testing.T) {
		f := f.in(t)
		f.sweep(0, "sweep", "--instance", instances["web-3"], "--instance", instances["db-1"])
		says(f, "web-3", line(f, "db-1"))
		h := f.check(3, "web-3")
		assert.Contains(t, kinds(h), report.UnexpectedBaseline, "%+v", h)
		assert.Contains(t, kinds(h), report.CopiedBaseline, "%+v", h)
	})

	t.Run("another program in the node's place", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "batch-1")
		f.on("batch-1", "printf x >>/usr/bin/aide-node")
		h := f.check(3, "batch-1")
		assert.Contains(t, kinds(h), report.UnexpectedProgram, "%+v", h)
	})
}

// TestExplainedBaselines does what operators do. Nobody is suspect.
func TestExplainedBaselines(t *testing.T) {
	t.Parallel()
	f := labUp(t)

	t.Run("a deploy that was accepted", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "web-1")
		f.on("web-1", "echo 2.0 >/srv/app/VERSION")
		drift := f.check(3, "web-1")
		f.run(0, "accept", "--fingerprint", drift.Fingerprint, "--instance", instances["web-1"], "--why", "release 2.0")
		h := f.check(0, "web-1")
		assert.Equal(t, drift.NextBaseline, h.Baseline.SHA256)
		_, said := f.run(0, "accept", "--fingerprint", drift.Fingerprint, "--instance", instances["web-1"])
		assert.Contains(t, said, drift.Fingerprint+" was accepted before, on 20")
		assert.Empty(t, h.Suspect)
		f.run(0, "accept", "--undo", "--instance", instances["web-1"], "--why", "rolled back")
		assert.Empty(t, f.check(3, "web-1").Suspect, "after going back")
	})

	t.Run("a baseline by the console", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "web-2")
		f.on("web-2", "echo 2.0 >/srv/app/VERSION")
		first, rest := f.document("web-2", "AideFleet-Init", "force=true", "yes=true")
		require.Contains(t, first, `"status":"clean"`, rest)
		assert.Empty(t, f.check(0, "web-2").Suspect)
		out, _ := f.run(0, "history", "web-2", "--output", "csv")
		assert.Regexp(t, `,init,.*,arn:aws:iam::123456789012:user/lab,`, out, "who did it in the console")
	})

	t.Run("a check and an acceptance by the console", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "batch-1")
		f.on("batch-1", "sleep 1; mkdir -p /srv/app; date >/srv/app/VERSION")
		first, _ := f.document("batch-1", "AideFleet-Check")
		var line struct{ Fingerprint string }
		require.NoError(t, json.Unmarshal([]byte(first), &line), first)
		first, rest := f.document("batch-1", "AideFleet-Accept", "fingerprint="+line.Fingerprint)
		require.Contains(t, first, `"status":"clean"`, rest)
		assert.Empty(t, f.check(0, "batch-1").Suspect)
	})

	t.Run("rules by us", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "web-3")
		profile := filepath.Join(t.TempDir(), "profile")
		require.NoError(t, os.WriteFile(profile, []byte("watch /opt/tool\n"), 0o600))
		f.run(0, "configure", "--profile", profile, "--instance", instances["web-3"])
		f.run(0, "init", "--force", "--yes", "--instance", instances["web-3"])
		assert.Empty(t, f.check(0, "web-3").Suspect)
	})

	t.Run("a new node by us", func(t *testing.T) {
		f := f.in(t)
		f.check(0, "db-1")
		packages := dist(t, "9.0.0", map[string][]byte{runtime.GOARCH: pack(t, "9.0.0", runtime.GOARCH, build(t, "9.0.0", runtime.GOARCH))})
		f.run(0, "install", "--bucket", "aidefleet-lab", "--packages", packages, "--instance", instances["db-1"])
		assert.Empty(t, f.check(3, "db-1").Suspect, "the node is a file that AIDE watches")
	})
}

// TestUpgradedAIDE is the package manager's upgrade from one real AIDE to the next.
func TestUpgradedAIDE(t *testing.T) {
	t.Parallel()
	f, names := layoutsUp(t, "debian")
	f.sweep(0, "sweep", "--tag", "env=prod")
	f.on(names[0], `sed -i 's,/bookworm/,/trixie/,' /usr/bin/aide && aide --version`)
	out, _ := f.run(0, "sweep", "--tag", "env=prod", "--output", "json")
	h := hosts(t, out)[names[0]]
	assert.True(t, strings.HasPrefix(h.AIDE, "0.19"), h.AIDE)
	assert.Empty(t, h.Suspect, "%+v", h)
}

// TestInitWantsYes: a new baseline hides what nobody has reviewed, and how much that is.
func TestInitWantsYes(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.on("web-1", "echo 2.0 >/srv/app/VERSION; echo x >/srv/app/new")
	f.on("web-2", "echo 2.0 >/srv/app/VERSION")
	f.sweep(3, "sweep", "--tag", "role=web")
	_, said := f.run(2, "init", "--force", "--tag", "role=web")
	assert.Contains(t, said, "--force would make changes the baseline that nobody has reviewed: 3, on hosts: 2")
	assert.Contains(t, said, "web-1 ("+instances["web-1"]+"): 2\nweb-2 ("+instances["web-2"]+"): 1\n")
	assert.Contains(t, said, "add --yes")
	_, said = f.run(2, "init", "--force", "--instance", instances["cache-1"])
	assert.Contains(t, said, "hosts of which nobody knows how many: 1")
	f.run(3, "sweep", "--tag", "role=web")
	f.run(0, "init", "--force", "--yes", "--tag", "role=web", "--why", "release 2.0")
	f.run(0, "sweep", "--tag", "role=web")

	// Reports are named by the second, and without its state a node knows of none before.
	f.on("web-3", "rm /var/lib/aide/aide.db* && rm -r /var/lib/aide-node && sleep 1")
	f.run(4, "sweep", "--tag", "role=web")
	_, said = f.run(2, "init", "--tag", "role=web")
	assert.Contains(t, said, "web-3 ("+instances["web-3"]+")\norchestrator: hosts that had a baseline, and it is gone: 1; find out")
	f.run(0, "init", "--force", "--yes", "--instance", instances["web-3"])
	f.run(0, "trust", "--instance", instances["web-3"], "--why", "the disk was new")
	f.run(0, "sweep", "--tag", "role=web")
}
