package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/host"
	"aidefleet/node/result"
)

// aides is the folder with the AIDEs that stand in for those of the distributions, and
// the layouts for which there is one. No real 0.16 is among them: what only that can
// show is told by its databases.
func aides(t *testing.T) (folder string, layouts []string) {
	t.Helper()
	folder = os.Getenv("AIDEFLEET_AIDES")
	if folder == "" {
		folder = filepath.Join("..", ".tools", "aide")
	}
	for _, l := range host.Layouts() {
		if _, err := os.Stat(filepath.Join(folder, l.Suite(), "aide")); err != nil {
			t.Run(string(l), func(t *testing.T) { t.Skipf("no host of this layout: %v; .ci/aides fetches it", err) })
			continue
		}
		layouts = append(layouts, string(l))
	}
	if len(layouts) == 0 {
		t.Skip("no AIDE of another release is at hand: run .ci/aides")
	}
	return folder, layouts
}

// layoutsUp starts a lab with a host of each layout that there is an AIDE for.
func layoutsUp(t *testing.T, only ...string) (f *fleet, names []string) {
	t.Helper()
	folder, layouts := aides(t)
	options := []string{"--aides", folder}
	for _, l := range layouts {
		if len(only) > 0 && !slices.Contains(only, l) {
			continue
		}
		options = append(options, "--layout", l)
		names = append(names, strings.ReplaceAll(l, ".", "-"))
	}
	for _, l := range only {
		if !slices.Contains(layouts, l) {
			t.Skipf("there is no AIDE for the layout %s: run .ci/aides", l)
		}
	}
	return labUp(t, options...), names
}

// TestLayouts takes a host of each distribution through all that is done to one:
// baseline, clean, drift, acceptance, going back, and a profile.
func TestLayouts(t *testing.T) {
	t.Parallel()
	f, names := layoutsUp(t)
	const target = "env=prod"
	// each is a fleet-wide command, and what it says of each host. Fingerprints differ
	// by the digests that the rules of a distribution ask for.
	shared := map[result.Group][]string{} // hosts, by the groups of the last command
	each := func(t *testing.T, exit int, status string, args ...string) (fingerprints map[string][]string) {
		t.Helper()
		fingerprints = map[string][]string{}
		clear(shared)
		got := f.in(t).sweep(exit, append(args, "--tag", target)...)
		for _, name := range names {
			h := got[name]
			if string(h.Status) != status {
				t.Errorf("%s: %s is %s (%s): %s", args[0], name, h.Status, h.Reason, h.Message)
			}
			fingerprints[h.Fingerprint] = append(fingerprints[h.Fingerprint], "--instance", h.Instance)
			for _, g := range h.Groups {
				shared[g] = append(shared[g], name)
			}
		}
		return fingerprints
	}
	accept := func(t *testing.T, fingerprints map[string][]string) {
		t.Helper()
		for fingerprint, hosts := range fingerprints {
			f.in(t).sweep(0, append([]string{"accept", "--fingerprint", fingerprint}, hosts...)...)
		}
	}
	onEach := func(t *testing.T, script string) {
		t.Helper()
		for _, name := range names {
			f.in(t).on(name, script)
		}
	}

	t.Run("it is what it says", func(t *testing.T) {
		for _, name := range names {
			l := host.Layout(strings.Replace(name, "20-04", "20.04", 1))
			if got := f.in(t).says(name, "test -s "+l.Config()+" && test -s "+l.Database()+" && . /etc/os-release && echo $NAME $VERSION_ID"); !strings.HasPrefix(got, first(l.Platform())) {
				t.Errorf("%s says that it is %q", name, got)
			}
		}
	})
	each(t, 0, "clean", "sweep")
	onEach(t, "echo 'PermitRootLogin yes' >>/etc/ssh/sshd_config; echo x >/srv/dropped")
	changed := each(t, 3, "drift", "sweep")
	t.Run("groups do not depend on the rules", func(t *testing.T) {
		hosts := 0
		for g, on := range shared {
			if g.At == "/srv" {
				hosts = max(hosts, len(on))
			}
		}
		assert.Equal(t, len(names), hosts, "%v", shared)
	})
	accept(t, changed)
	each(t, 0, "clean", "sweep")
	each(t, 0, "clean", "accept", "--undo")
	if again := each(t, 3, "drift", "sweep"); !maps.EqualFunc(again, changed, slices.Equal) {
		t.Errorf("after the acceptance was undone the fingerprints are %v, before it %v", again, changed)
	}
	accept(t, changed)

	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(profile, []byte("# aidefleet profile\nwatch /opt/tool\nexclude /srv/app/cache\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	onEach(t, "mkdir -p /opt/tool; echo 1 >/opt/tool/a; mkdir /srv/app/cache; echo 1 >/srv/app/cache/a")
	each(t, 0, "clean", "configure", "--profile", profile)
	each(t, 0, "clean", "init", "--force", "--yes")
	onEach(t, "echo 2 >/opt/tool/a; echo 2 >/srv/app/cache/a; echo 2 >/srv/app/cache/b")
	for name, h := range f.sweep(3, "sweep", "--tag", target) {
		if !slices.Equal(h.Paths, []string{"~/opt/tool/a"}) {
			t.Errorf("%s: %q, want what the profile watches, and nothing of what it excludes", name, h.Paths)
		}
	}

	t.Run("_aide", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("only root can give files to _aide")
		}
		if !slices.Contains(names, "debian") {
			t.Skip("there is no AIDE for the layout debian: run .ci/aides")
		}
		if got := f.in(t).says("debian", "stat -c '%U:%G %a' /var/lib/aide /var/log/aide"); got != "_aide:root 700\n_aide:root 700" {
			t.Errorf("AIDE's folders are %q", got)
		}
	})
}

func first(s, _ string) string { return s }

// older puts a database of AIDE 0.16 in place of a host's baseline.
func (f *fleet) older(name string, l host.Layout) {
	f.t.Helper()
	text, err := os.ReadFile("../node/aide/testdata/databases/0.16.2/gzip.db.gz")
	if err != nil {
		f.t.Fatal(err)
	}
	cmd, _, said := f.command("lab", "exec", "--dir", f.dir, name, "--", "sh", "-c", "umask 077; rm -rf /var/lib/aide-node/last.json /var/lib/aide-node/configs; cat >"+l.Database())
	cmd.Stdin = strings.NewReader(string(text))
	if err := cmd.Run(); err != nil {
		f.t.Fatalf("%v: %s", err, said)
	}
}

// TestOldBaselines is with a database of AIDE 0.16, which has no end marker: on Amazon
// Linux 2 it is a baseline like another; on RHEL 9 it is until a minor update brings
// AIDE 0.19, which refuses it.
func TestOldBaselines(t *testing.T) {
	t.Parallel()
	f, _ := layoutsUp(t, string(host.AmazonLinux2), string(host.RHEL9))
	for _, l := range []host.Layout{host.AmazonLinux2, host.RHEL9} {
		f.older(string(l), l)
	}
	for name, h := range f.sweep(3, "sweep", "--tag", "env=prod") {
		require.NotNil(t, h.Counts, "%s: %+v", name, h)
		assert.Equal(t, 41, h.Removed, name)
	}
	accepted := false
	for name, h := range f.sweep(3, "sweep", "--tag", "layout=amazon-linux-2") {
		accepted = f.sweep(0, "accept", "--fingerprint", h.Fingerprint, "--tag", "layout=amazon-linux-2")[name].Status == "clean"
	}
	if !accepted {
		t.Error("what differs from the old baseline cannot be accepted")
	}
	f.sweep(0, "accept", "--undo", "--tag", "layout=amazon-linux-2")
	f.sweep(3, "sweep", "--tag", "layout=amazon-linux-2")

	folder, _ := aides(t)
	if _, err := os.Stat(filepath.Join(folder, "trixie", "aide")); err != nil {
		t.Skipf("there is no AIDE 0.19 for the update of RHEL 9: %v; .ci/aides fetches it", err)
	}
	f.on("rhel-9", "sed -i s,/bullseye/,/trixie/, /usr/bin/aide") // 9.7 → 9.8
	h := f.sweep(4, "sweep", "--tag", "layout=rhel-9")["rhel-9"]
	if h.Reason != "baseline_outdated" {
		t.Errorf("after the update: %+v, want baseline_outdated", h)
	}
	f.sweep(0, "init", "--force", "--yes", "--tag", "layout=rhel-9")
	f.sweep(0, "sweep", "--tag", "layout=rhel-9")
}
