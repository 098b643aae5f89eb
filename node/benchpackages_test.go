package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkExplained holds a check that asks RPM about 20,000 changed files of a package,
// among 100,000, against one that asks nobody, by turns. AIDE records the digest that RPM
// has, or another one, for which the node reads the files.
func BenchmarkExplained(b *testing.B) {
	for _, command := range []string{"aide", "rpm", "rpmbuild", "bwrap"} {
		if _, err := exec.LookPath(command); err != nil {
			b.Skipf("%s is not installed here: apt-get install aide rpm bubblewrap", command)
		}
	}
	if os.Getuid() != 0 {
		b.Skip("only root installs packages")
	}
	const files, packaged, rounds = 100_000, 20_000, 2
	for _, digest := range []string{"sha256", "sha512"} {
		b.Run(digest, func(b *testing.B) {
			h := benchHost{b.TempDir()}
			h.config(b)
			config, err := os.ReadFile(h.dir + "/aide.conf")
			require.NoError(b, err)
			require.NoError(b, os.WriteFile(h.dir+"/aide.conf", []byte(strings.Replace(string(config), "sha256", digest, 1)), 0o644))
			for i := range files {
				h.write(b, i, "content of a file, which is the same as long as nobody changes it\n")
			}
			measure(b, 0, "bwrap", h.node(b, "init")...)
			h.upgrade(b, packaged)
			for b.Loop() {
				var least [2]time.Duration
				for range rounds {
					for i, option := range []string{"--packages=false", "--packages"} {
						wall, _, _ := measure(b, 0, "bwrap", h.node(b, "check", option, "--workers=1")...)
						if least[i] == 0 || wall < least[i] {
							least[i] = wall
						}
					}
				}
				b.ReportMetric(float64(least[1])/float64(least[0]), "time/unasked")
			}
			out, err := exec.Command("bwrap", h.node(b, "check")...).Output()
			require.NoError(b, err)
			require.Regexp(b, `"explained":2\d{4},`, string(out[:min(len(out), 1200)]), "the files, and the folders that they are in")
		})
	}
}

// node is the command line of the node on this machine, with the package database of the
// benchmark in the place of the machine's.
func (h benchHost) node(b *testing.B, args ...string) []string {
	b.Helper()
	for _, dir := range []string{"rpm", "macros", "dpkg"} {
		require.NoError(b, os.MkdirAll(filepath.Join(h.dir, dir), 0o755))
	}
	require.NoError(b, os.MkdirAll("/var/lib/rpm", 0o755))
	require.NoError(b, os.MkdirAll("/etc/rpm", 0o755))
	require.NoError(b, os.WriteFile(h.dir+"/macros/macros", []byte("%_dbpath /var/lib/rpm\n"), 0o644))
	return append([]string{
		"--dev-bind", "/", "/", "--bind", h.dir + "/rpm", "/var/lib/rpm", "--ro-bind", h.dir + "/macros", "/etc/rpm", "--bind", h.dir + "/dpkg", "/var/lib/dpkg",
		binary, args[0], "--config", h.dir + "/aide.conf", "--state", h.dir + "/state",
	}, args[1:]...)
}

// upgrade installs a package that has other content for so many of the files.
func (h benchHost) upgrade(b *testing.B, files int) {
	b.Helper()
	build := benchHost{filepath.Join(h.dir, "package", h.dir)}
	for i := range files {
		build.write(b, i, fmt.Sprintf("other content %d\n", i))
	}
	spec := filepath.Join(h.dir, "bench.spec")
	require.NoError(b, os.WriteFile(spec, []byte("Name: bench\nVersion: 1\nRelease: 1\nSummary: b\nLicense: none\nBuildArch: noarch\n%description\nb\n"+
		"%define _binary_payload w1.gzdio\n%install\ncp -a "+h.dir+"/package/. %{buildroot}/\n%files\n%defattr(-,root,root)\n"+h.dir+"/tree/*/*\n"), 0o644))
	measure(b, 0, "rpmbuild", "-bb", "--define", "_topdir "+h.dir+"/top", spec)
	measure(b, 0, "rpm", "--dbpath", h.dir+"/rpm", "--upgrade", "--nodeps", h.dir+"/top/RPMS/noarch/bench-1-1.noarch.rpm")
}
