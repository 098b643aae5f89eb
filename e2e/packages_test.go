package e2e

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// packaged is what a release of the test's package has, by path.
func packaged(version string) map[string]string {
	return map[string]string{
		"/srv/tool/tool": "tool " + version, "/srv/tool/lib": "lib " + version, "/srv/tool/tool-" + version: "of this release",
		"/etc/tool.conf": "conf " + version,
	}
}

// tree writes the files of a release below a folder.
func tree(t *testing.T, below, version string) {
	t.Helper()
	for path, content := range packaged(version) {
		at := filepath.Join(below, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		require.NoError(t, os.WriteFile(at, []byte(content+"\n"), 0o600))
		require.NoError(t, os.Chmod(at, 0o644))
	}
}

// deb builds the package tool for dpkg.
func deb(t *testing.T, version string) []byte {
	t.Helper()
	build := t.TempDir()
	tree(t, build, version)
	control := filepath.Join(build, "DEBIAN")
	require.NoError(t, os.Mkdir(control, 0o755))
	var sums strings.Builder
	for path, content := range packaged(version) {
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum([]byte(content+"\n")), path[1:])
	}
	for name, text := range map[string]string{
		"control":   "Package: tool\nVersion: " + version + "\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: t\n",
		"conffiles": "/etc/tool.conf\n", "md5sums": sums.String(),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(control, name), []byte(text), 0o600))
	}
	return built(t, filepath.Join(t.TempDir(), "tool.deb"), "dpkg-deb", "--root-owner-group", "--build", build)
}

// rpm builds it for rpm.
func rpm(t *testing.T, version string) []byte {
	t.Helper()
	top := t.TempDir()
	tree(t, filepath.Join(top, "tree"), version)
	spec := "Name: tool\nVersion: " + version + "\nRelease: 1\nSummary: t\nLicense: t\nBuildArch: noarch\n%description\nt\n" +
		"%install\ncp -a " + top + "/tree/. %{buildroot}/\n" +
		"%files\n%defattr(-,root,root)\n%dir /srv/tool\n/srv/tool/tool\n/srv/tool/lib\n/srv/tool/tool-" + version + "\n%config(noreplace) /etc/tool.conf\n"
	path := filepath.Join(top, "tool.spec")
	require.NoError(t, os.WriteFile(path, []byte(spec), 0o600))
	return built(t, filepath.Join(top, "RPMS/noarch/tool-"+version+"-1.noarch.rpm"), "rpmbuild", "-bb", "--define", "_topdir "+top, path)
}

// built runs what builds a package. dpkg-deb is told the path, rpmbuild has its own.
func built(t *testing.T, path, name string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not here: apt-get install dpkg rpm", name)
	}
	if name == "dpkg-deb" {
		args = append(args, path)
	}
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}

// manager is how a package is put onto a host of the lab.
type manager struct {
	build         func(*testing.T, string) []byte
	setUp         string
	install, drop string
}

var managers = map[string]manager{
	"dpkg": {
		build:   deb,
		setUp:   "mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers; touch /var/lib/dpkg/status /var/lib/dpkg/available",
		install: "dpkg --force-confold --log=/dev/null -i /tmp/package >&2", drop: "dpkg --log=/dev/null -r tool >&2",
	},
	"rpm": {
		build: rpm,
		// Debian's rpm has its database in the home folder, others have it here.
		setUp: "mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros; rpm --initdb", install: "rpm -U --nodeps /tmp/package >&2", drop: "rpm -e tool >&2",
	},
}

// put installs a release on a host.
func (m manager) put(f *fleet, host, version string) {
	f.t.Helper()
	f.on(host, "base64 -d >/tmp/package <<'END'\n"+base64.StdEncoding.EncodeToString(m.build(f.t, version))+"\nEND\n"+m.install)
}

// TestExplainedByPackages has packages upgraded on hosts of the lab, with the real dpkg and
// the real rpm, and what nobody packaged beside it.
func TestExplainedByPackages(t *testing.T) {
	t.Parallel()
	for name, m := range managers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := labUp(t)
			web := []string{"web-1", "web-2", "web-3"}
			for _, host := range web {
				f.on(host, m.setUp)
				m.put(f, host, "1.0")
			}
			f.run(0, "init", "--force", "--yes", "--tag", "role=web")
			for _, host := range web {
				m.put(f, host, "2.0")
			}
			f.on("web-2", "echo evil >/srv/tool/lib")
			f.on("web-3", "echo mine >>/etc/tool.conf; mkdir -p /etc/cron.d; echo x >/etc/cron.d/x")

			found := f.sweep(3, "sweep", "--tag", "role=web")
			one, two, three := found["web-1"], found["web-2"], found["web-3"]
			packages := groupAt(t, one, result.PackagesGroup)
			assert.Equal(t, 3, one.Explained, "tool, lib and tool-2.0: %+v", one)
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
			assert.Contains(t, said, ", of which packages explain 2")

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
