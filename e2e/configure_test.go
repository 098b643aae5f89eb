package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/report"
)

// TestLabConfigure has hosts of both layouts look at what a profile names, by way
// of the document, with the real AIDE. It is the story of a profile: it is shown, sent,
// brought into the baseline and obeyed; then it would hide a change, is refused on one
// host, written by hand, and removed; last a new host begins with it.
func TestLabConfigure(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(profile, []byte(`# of the lab
watch       /var/tool
exclude     /srv/app/cache
permissions /var/log/app
permissions /var/lib/users/*/.bash_history
`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"web-1", "web-2", "web-3", "db-1", "cache-1"} {
		f.on(host, "mkdir -p /srv/app/cache /var/tool /var/log/app /var/lib/users/bob; echo 1 >/srv/app/cache/x; echo 1 >/var/tool/bin; echo 1 >/var/log/app/log; echo 1 >/var/lib/users/bob/.bash_history")
	}
	// db-1 reads a folder, as Debian does.
	f.on("db-1", `mkdir -m 755 /etc/aide/aide.conf.d; printf '@@x_include /etc/aide/aide.conf.d ^[a-zA-Z0-9_-]+$\n' >>/etc/aide/aide.conf`)

	t.Run("a dry run", func(t *testing.T) {
		f := f.in(t)
		out, said := f.run(0, "configure", "--profile", profile, "--tag", "env=prod", "--dry-run")
		for _, want := range []string{`!/srv/app/cache(/|$)`, `/var/tool(/|$) p+ftype+l+u+g+s+X+sha256`, "\tagent_lost\n", "web-1\ti-0a1de0000000000a1\twould run AideFleet-Configure\n"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
		if !strings.Contains(said, "nothing was sent") {
			t.Error(said)
		}
		if out, _ := f.run(0, "init", "--profile", profile, "--tag", "env=prod", "--dry-run"); !strings.Contains(out, "would run AideFleet-Configure, then AideFleet-Init\n") {
			t.Error(out)
		}
		f.on("web-1", "! grep aidefleet /etc/aide.conf")
	})

	t.Run("on the hosts of a tag", func(t *testing.T) {
		f := f.in(t)
		out, said := f.run(4, "configure", "--profile", profile, "--tag", "env=prod")
		assert.Equal(t, 5, strings.Count(out, "done\t"), "%s\n%s", out, said)
		assert.Contains(t, out, "agent_lost")
		assert.Contains(t, said, "orchestrator init --force")
		f.on("web-1", "head -n 1 /etc/aide.conf | grep -q 'BEGIN aidefleet' && test $(stat -c %a /etc/aide.conf) = 600")
		f.on("db-1", "test $(stat -c %a /etc/aide/aide.conf.d/00_aidefleet) = 644 && ! grep aidefleet /etc/aide/aide.conf")
		// What came into view is drift, with the new configuration's digest.
		h := f.sweep(3, "sweep", "--tag", "role=db")["db-1"]
		assert.True(t, slices.ContainsFunc(h.Groups, func(g result.Group) bool { return g.At == "/var/tool" }), "db-1: %+v", h)
		assert.Equal(t, 0, h.Removed, "db-1")
		assert.Contains(t, h.Message, "configuration was changed since the baseline was taken", "db-1")
	})

	t.Run("AIDE does as told", func(t *testing.T) {
		f := f.in(t)
		f.run(0, "init", "--force", "--yes", "--tag", "role=web,db,cache")
		f.run(0, "sweep", "--tag", "role=web,db,cache")
		for _, host := range []string{"web-1", "db-1"} {
			f.on(host, "echo 2 >/srv/app/cache/x; echo 2 >/srv/app/cache/y; echo 2 >>/var/log/app/log; echo 2 >>/var/lib/users/bob/.bash_history")
		}
		f.run(0, "sweep", "--tag", "role=web,db,cache")
		for _, host := range []string{"web-1", "db-1"} {
			f.on(host, "chmod 666 /var/lib/users/bob/.bash_history; echo 2 >/var/tool/bin")
		}
		got := f.sweep(3, "sweep", "--tag", "role=web,db,cache")
		for _, host := range []string{"web-1", "db-1"} {
			h := got[host]
			require.NotNil(t, h.Counts, "%s: %+v", host, h)
			assert.Equal(t, 2, h.Sum(), host)
			assert.Contains(t, h.Paths, "~/var/tool/bin", host)
			assert.Contains(t, h.Paths, "~/var/lib/users/bob/.bash_history", host)
		}
		if h := got["web-2"]; h.Status != "clean" {
			t.Errorf("web-2: %+v", h)
		}
	})

	t.Run("a change that a profile would hide", func(t *testing.T) {
		f := f.in(t)
		for _, host := range []string{"web-1", "db-1"} {
			f.on(host, "echo 'second:x:0:0::/root:/bin/sh' >>/etc/passwd")
			f.document(host, "AideFleet-Configure", "permissions=/etc:/var:/srv")
		}
		got := f.sweep(3, "sweep", "--tag", "role=web,db")
		for host, path := range map[string]string{"web-1": "~/etc/aide.conf", "db-1": "~/etc/aide/aide.conf.d/00_aidefleet"} {
			h := got[host]
			assert.Equal(t, report.Status("drift"), h.Status, "%s: %+v", host, h)
			assert.Contains(t, h.Paths, path, host)
			assert.Contains(t, h.Message, "configuration was changed", host)
			first, _ := f.document(host, "AideFleet-Configure", "exclude=/etc")
			assert.Contains(t, first, "bad_arguments", "%s: %s", host, first)
			assert.Contains(t, first, "its own configuration", host)
			f.on(host, "sed -i '$d' /etc/passwd")
		}
	})

	t.Run("refused on one host", func(t *testing.T) {
		f := f.in(t)
		f.on("web-2", "cp /etc/aide.conf /srv/before; echo 'no rule' >>/etc/aide.conf")
		got := f.sweep(4, "init", "--force", "--yes", "--profile", "testdata/other.profile", "--tag", "role=web")
		h := got["web-2"]
		assert.Equal(t, report.Status("failed"), h.Status, "web-2: %+v", h)
		assert.Equal(t, report.Reason("config_invalid"), h.Reason, "web-2")
		assert.Contains(t, h.Message, "is there again", "web-2")
		for _, host := range []string{"web-1", "web-3"} {
			h := got[host]
			require.Equal(t, report.Status("clean"), h.Status, "%s: %+v", host, h)
			assert.GreaterOrEqual(t, h.Total, 10, host)
		}
		f.on("web-2", "sed -i '$d' /etc/aide.conf && cmp /srv/before /etc/aide.conf")
		f.on("web-1", "grep '^/var/other' /etc/aide.conf && ! grep /var/tool /etc/aide.conf")
	})

	t.Run("by hand in the SSM console", func(t *testing.T) {
		f := f.in(t)
		first, text := f.document("cache-1", "AideFleet-Configure", "watch=/var/tool:/var/other", "permissions=/var/lib/users/*/.bash_history")
		assert.Contains(t, first, `"status":"clean"`, "%s\n%s", first, text)
		assert.Contains(t, first, `"total":3`)
		assert.Contains(t, text, "init --force")
		first, text = f.document("cache-1", "AideFleet-Configure", "remove=true")
		assert.Contains(t, first, `"status":"clean"`, "%s\n%s", first, text)
		assert.Contains(t, text, "no profile")
		if first, _ := f.document("cache-1", "AideFleet-Configure"); !strings.Contains(first, "bad_arguments") {
			t.Errorf("without anything: %s", first)
		}
		first, _ = f.document("cache-1", "AideFleet-Configure", "watch=/srv/../etc")
		assert.Contains(t, first, "bad_arguments", "a path that leads elsewhere")
		assert.Contains(t, first, "want it as /etc", "a path that leads elsewhere")
	})

	t.Run("removed", func(t *testing.T) {
		f := f.in(t)
		f.run(0, "configure", "--remove", "--tag", "role=web,db")
		for _, host := range []string{"web-1", "web-2", "web-3"} {
			f.on(host, "! grep aidefleet /etc/aide.conf && test ! -e /etc/.aide.conf.aidefleet")
		}
		f.on("db-1", "test -z \"$(ls -A /etc/aide/aide.conf.d)\"")
	})

	t.Run("a new host", func(t *testing.T) {
		f := f.in(t)
		f.on("cache-1", "rm -rf /var/lib/aide/* /var/lib/aide-node")
		h := f.sweep(0, "init", "--install-aide", "--profile", profile, "--tag", "role=cache")["cache-1"]
		assert.Equal(t, report.Status("clean"), h.Status, "cache-1: %+v", h)
		assert.NotNil(t, h.Baseline, "cache-1")
		f.run(3, "sweep", "--tag", "role=cache") // the ledger knows that it had a baseline
		f.run(0, "trust", "--tag", "role=cache", "--why", "set up anew")
		f.run(0, "sweep", "--tag", "role=cache")
		f.on("cache-1", "echo 3 >/var/tool/bin")
		if h := f.sweep(3, "sweep", "--tag", "role=cache")["cache-1"]; !slices.Equal(h.Paths, []string{"~/var/tool/bin"}) {
			t.Errorf("cache-1: %+v", h)
		}
	})
}
