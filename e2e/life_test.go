package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// TestLife is a fleet's life, from an account with nothing but hosts: documents,
// the node, a profile and baselines, checks by hand and by the schedule, a deploy and
// a break-in, acceptance, and an upgrade of the node.
func TestLife(t *testing.T) {
	t.Parallel()
	f := labUp(t, "--bare")
	const fleet = "role=web,db" // web-1, web-2, web-3 and db-1
	of := func(version string) string {
		return dist(t, version, map[string][]byte{runtime.GOARCH: pack(t, version, runtime.GOARCH, build(t, version, runtime.GOARCH))})
	}
	statuses := func(hosts map[string]report.Host) (list []string) {
		for name, h := range hosts {
			list = append(list, strings.TrimSpace(name+" "+string(h.Status)+" "+string(h.Reason)))
		}
		slices.Sort(list)
		return list
	}
	all := func(what string) []string {
		return []string{"db-1 " + what, "web-1 " + what, "web-2 " + what, "web-3 " + what}
	}
	check := func(when string, got map[string]report.Host, want []string) map[string]report.Host {
		t.Helper()
		if got := statuses(got); !slices.Equal(got, want) {
			t.Fatalf("%s: %q, want %q", when, got, want)
		}
		return got
	}

	// Nothing is there, and each command says what comes before it.
	if _, said := f.run(1, "sweep", "--tag", fleet); !strings.Contains(said, "orchestrator documents publish") {
		t.Errorf("without documents: %s", said)
	}
	f.run(0, "documents", "publish")
	check("without a node", f.sweep(4, "sweep", "--tag", fleet), all("failed node_missing"))
	check("install", f.sweep(0, "install", "--bucket", "aidefleet-lab", "--packages", of("1.0.0"), "--tag", fleet), all("clean"))
	check("without a baseline", f.sweep(4, "sweep", "--tag", fleet), all("failed baseline_missing"))

	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(profile, []byte("watch /var/tool\nexclude /srv/app/cache\npermissions /var/log/app\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"web-1", "web-2", "web-3", "db-1"} {
		f.on(host, "mkdir -p /srv/app/cache /var/tool /var/log/app; echo 1 >/var/tool/run; echo 1 >/var/log/app/log")
	}
	check("init", f.sweep(0, "init", "--install-aide", "--profile", profile, "--tag", fleet), all("clean"))
	check("the first sweep", f.sweep(0, "sweep", "--tag", fleet), all("clean"))

	// A day passes: logs grow and caches fill, and that is none of AIDE's business.
	for _, host := range []string{"web-1", "web-2", "web-3", "db-1"} {
		f.on(host, "echo 2 >>/var/log/app/log; echo 1 >/srv/app/cache/page")
	}
	check("an ordinary day", f.sweep(0, "sweep", "--tag", fleet), all("clean"))

	// A deploy on the web servers, and a break-in on one of them and the database.
	for _, host := range []string{"web-1", "web-2", "web-3"} {
		f.on(host, "echo 2.0 >/srv/app/VERSION; echo 2 >/var/tool/run")
	}
	f.on("web-3", "echo 'x:x:0:0::/:/bin/sh' >>/etc/passwd")
	f.on("db-1", "chmod 666 /var/log/app/log")
	found := check("a deploy and a break-in", f.sweep(3, "sweep", "--tag", fleet), all("drift"))
	deploy := found["web-1"].Fingerprint
	require.Equal(t, deploy, found["web-2"].Fingerprint, "%+v", found)
	require.NotEqual(t, deploy, found["web-3"].Fingerprint)
	require.NotEqual(t, deploy, found["db-1"].Fingerprint)
	require.Contains(t, found["web-3"].Paths, "~/etc/passwd")
	require.Equal(t, []string{"~/var/log/app/log"}, found["db-1"].Paths)
	for metric, want := range map[string]float64{"added": 0, "changed": 2, "removed": 0} {
		got := f.maximum("web-1", metric)
		require.NotEmpty(t, got, "%s of web-1 is %v", metric, got)
		assert.Equal(t, want, got[len(got)-1], metric)
	}
	out, _ := f.run(0, "show", "web-1")
	assert.Contains(t, out, "/srv/app/VERSION")
	assert.Contains(t, out, "/var/tool/run")

	// The deploy is accepted, and only that.
	broken := []string{"db-1 drift", "web-1 clean", "web-2 clean", "web-3 drift"}
	check("accept", f.sweep(3, "accept", "--fingerprint", deploy, "--tag", fleet), broken)
	check("after accepting", f.sweep(3, "sweep", "--tag", fleet), broken)

	// The break-in is mended, and the node upgraded; the schedule finds all well.
	f.on("web-3", "sed -i '$d' /etc/passwd")
	f.on("db-1", "chmod 644 /var/log/app/log")
	f.run(0, "accept", "--fingerprint", f.sweep(3, "sweep", "--tag", fleet)["web-3"].Fingerprint, "--tag", fleet)
	upgraded := check("upgrade", f.sweep(0, "install", "--bucket", "aidefleet-lab", "--packages", of("1.1.0"), "--tag", fleet), all("clean"))
	assert.Equal(t, "1.1.0", upgraded["db-1"].Node, "db-1 has %+v after the upgrade", upgraded["db-1"])
	assert.Equal(t, "aide-node 1.0.0", f.says("db-1", "/var/lib/aide-node/previous/aide-node version"))
	// The node is a program in /usr/bin: that it changed is seen as any other deploy,
	// and accepted as one. The database's AIDE takes other digests, and so has another
	// fingerprint.
	found = check("the upgrade is seen", f.sweep(3, "sweep", "--tag", fleet), all("drift"))
	for name, h := range found {
		same := h.Fingerprint == found["web-1"].Fingerprint
		assert.Equal(t, strings.HasPrefix(name, "web-"), same, "%s after the upgrade: %+v", name, h)
		assert.Equal(t, []string{"~/usr/bin/aide-node"}, h.Paths, "%s after the upgrade", name)
	}
	f.run(0, "accept", "--fingerprint", found["web-1"].Fingerprint, "--tag", "role=web")
	f.run(0, "accept", "--fingerprint", found["db-1"].Fingerprint, "--tag", "role=db")
	check("after the upgrade", f.sweep(0, "sweep", "--tag", fleet), all("clean"))

	s := simulated{t, f.dir, f.url}
	function := newFunction(t, s)
	started := function.want("started", `{"sweep":{"tags":{"role":["web","db"]},"fleet":"shop"},"scheduled":"`+time.Now().UTC().Format(time.RFC3339)+`"}`)
	s.await(started.Command)
	published := function.want("published", endEvent(started.Command, "Success"))
	function.want("nothing", endEvent(started.Command, "Success"))
	s.publishedOnce("shop")
	r := s.kept(published.Report)
	byName := map[string]report.Host{}
	for _, h := range r.Hosts {
		byName[h.Name] = h
		if h.Node != "1.1.0" {
			t.Errorf("%s was checked by aide-node %s", h.Name, h.Node)
		}
	}
	check("by the schedule", byName, all("clean"))
}
