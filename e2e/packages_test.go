package e2e

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/patch"
	"aidefleet/node/result"
)

// put installs a release of the test's package on a host.
func put(f *fleet, m patch.Manager, host, version string) {
	f.t.Helper()
	pkg, err := m.Build(f.t.Context(), version)
	require.NoError(f.t, err)
	f.on(host, "base64 -d <<'END' | {\n"+base64.StdEncoding.EncodeToString(pkg)+"\nEND\n"+m.Install+"\n}")
}

// TestExplainedByPackages has packages upgraded on hosts of the lab, with the real dpkg and
// the real rpm, and what nobody packaged beside it.
func TestExplainedByPackages(t *testing.T) {
	t.Parallel()
	managers := patch.Managers()
	if len(managers) == 0 {
		t.Skip(patch.ErrNone)
	}
	for _, m := range managers {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			f := labUp(t)
			web := []string{"web-1", "web-2", "web-3"}
			for _, host := range web {
				f.on(host, m.SetUp)
				put(f, m, host, "1.0")
			}
			f.run(0, "init", "--force", "--yes", "--tag", "role=web")
			for _, host := range web {
				put(f, m, host, "2.0")
			}
			f.on("web-2", "echo evil >/srv/tool/lib")
			f.on("web-3", "echo mine >>/etc/tool.conf; mkdir -p /etc/cron.d; echo x >/etc/cron.d/x")

			found := f.sweep(3, "sweep", "--tag", "role=web")
			one, two, three := found["web-1"], found["web-2"], found["web-3"]
			packages := groupAt(t, one, result.PackagesGroup)
			assert.Equal(t, 4, one.Explained, "tool, lib, tool-2.0 and, removed, tool-1.0: %+v", one)
			// rpm writes an equal configuration anew, which is a change, and never explained.
			left := map[string]int{"dpkg": 0, "rpm": 1}[m.Name]
			assert.LessOrEqual(t, one.Sum()-one.Explained, left, "%+v", one) // or not, within one second
			assert.Equal(t, one.Explained, packages.N)
			assert.Equal(t, one.Explained-1, two.Explained, "the file that was tampered with is not")
			assert.Equal(t, packages, groupAt(t, three, result.PackagesGroup), "what else a host has changes nothing")
			assert.Equal(t, packages.Versions, groupAt(t, two, result.PackagesGroup).Versions)
			assert.NotEqual(t, packages.Fingerprint, groupAt(t, two, result.PackagesGroup).Fingerprint)

			out, _ := f.run(0, "show", "web-2", "--unexplained")
			assert.Contains(t, out, "~ /srv/tool/lib\n")
			assert.NotContains(t, out, "/srv/tool/tool\n")
			out, said := f.run(0, "show", "web-2")
			assert.Regexp(t, `(?m)^~ /srv/tool/tool\n    package: tool 2\.0`, out)
			assert.Regexp(t, `(?m)^group  [0-9a-f]{32}  3  packages$`, out)
			assert.Contains(t, said, ", of which packages explain 3")

			f.run(0, "accept", "--explained", "--tag", "role=web", "--why", "patch day")
			now := f.sweep(3, "sweep", "--tag", "role=web")
			for _, host := range web {
				assert.Zero(t, now[host].Explained, host)
				assert.Equal(t, found[host].Sum()-found[host].Explained, now[host].Sum(), "exactly the rest: %s", host)
				assert.Empty(t, kinds(now[host]), host)
			}
		})
	}
}

// TestRemovedPackage: files are explained that are gone with their package. What somebody
// else removed is not, nor what a package still has.
func TestRemovedPackage(t *testing.T) {
	t.Parallel()
	managers := patch.Managers()
	if len(managers) == 0 || managers[0].Name != "dpkg" {
		t.Skip("only dpkg itself logs what it removes, and it is not here")
	}
	f, m := labUp(t), managers[0]
	web := []string{"web-1", "web-2"}
	for _, host := range web {
		f.on(host, m.SetUp)
		put(f, m, host, "1.0")
	}
	f.run(0, "init", "--force", "--yes", "--tag", "role=web")
	f.on("web-1", "sleep 1; "+m.Remove+"; rm /srv/app/VERSION")
	f.on("web-2", "rm /srv/tool/lib")
	found := f.sweep(3, "sweep", "--tag", "role=web")
	assert.Equal(t, 4, found["web-1"].Explained, "tool, lib, tool-1.0 and their folder: %+v", found["web-1"])
	assert.Equal(t, found["web-1"].Sum()-1, found["web-1"].Explained)
	assert.Zero(t, found["web-2"].Explained)
}

// TestInterruptedUpgrade: a package that was left half installed explains nothing, nor does
// one whose digests somebody wrote anew. Afterwards the rest of it does.
func TestInterruptedUpgrade(t *testing.T) {
	t.Parallel()
	managers := patch.Managers()
	if len(managers) == 0 || managers[0].Name != "dpkg" {
		t.Skip("dpkg is not here")
	}
	f, m := labUp(t), managers[0]
	f.on("web-1", m.SetUp)
	put(f, m, "web-1", "1.0")
	f.run(0, "init", "--force", "--yes", "--instance", instances["web-1"])
	put(f, m, "web-1", "2.0")
	const status = "/var/lib/dpkg/status"
	f.on("web-1", "sed -i 's/install ok installed/install ok half-configured/' "+status)
	assert.Zero(t, f.check(3, "web-1").Explained)
	f.on("web-1", "dpkg --configure -a >&2")
	assert.Equal(t, 4, f.check(3, "web-1").Explained)
	f.on("web-1", "echo evil >/srv/tool/lib; cd / && md5sum srv/tool/* >/var/lib/dpkg/info/tool.md5sums")
	forged := f.check(3, "web-1")
	assert.Equal(t, 1, forged.Explained, "the one that is gone")
	out, _ := f.run(0, "show", "web-1", "--unexplained")
	assert.Contains(t, out, "~ /srv/tool/lib\n")
	f.on("web-1", "echo garbage >"+status)
	broken := f.check(3, "web-1")
	assert.Zero(t, broken.Explained)
	assert.Contains(t, broken.Message, "no change is explained by packages: dpkg: /usr/bin/dpkg-query ended with exit status 2")
}
