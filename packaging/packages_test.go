package packaging_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// run returns what a command prints, and fails the test if the command does.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// need skips the test where a command is missing, and says how to get it.
func need(t *testing.T, command, hint string) {
	t.Helper()
	if _, err := exec.LookPath(command); err != nil {
		t.Skipf("%s is not installed here: %s", command, hint)
	}
}

func TestDeb(t *testing.T) {
	need(t, "dpkg-deb", "it is part of Debian and Ubuntu")
	release(t)
	for _, arch := range []string{"amd64", "arm64"} {
		deb := filepath.Join(dist, "aide-node_"+version+"_"+arch+".deb")
		fields := run(t, "dpkg-deb", "-f", deb, "Package", "Version", "Section", "Architecture", "Depends", "Recommends")
		want := "Package: aide-node\nVersion: " + version + "\nSection: admin\nArchitecture: " + arch + "\nRecommends: aide\n"
		if fields != want {
			t.Errorf("%s says\n%s, want\n%s", deb, fields, want)
		}
		var got strings.Builder
		for line := range strings.Lines(run(t, "dpkg-deb", "-c", deb)) {
			// drwxr-xr-x root/root 0 2026-11-23 16:48 ./usr/bin/
			if f := strings.Fields(line); !strings.HasPrefix(f[0], "drwxr-xr-x") {
				got.WriteString(f[0] + " " + f[1] + " " + f[5] + "\n")
			}
		}
		if want := `-rwxr-xr-x root/root ./usr/bin/aide-node
-rw-r--r-- root/root ./usr/share/doc/aide-node/copyright
-rw-r--r-- root/root ./usr/share/man/man8/aide-node.8.gz
drwx------ root/root ./var/lib/aide-node/
`; got.String() != want {
			t.Errorf("%s holds\n%s, want\n%s", deb, got.String(), want)
		}
	}
}

func TestRPM(t *testing.T) {
	need(t, "rpm", "apt-get install rpm")
	release(t)
	for _, arch := range []string{"x86_64", "aarch64"} {
		path := filepath.Join(dist, "aide-node-"+version+"-1."+arch+".rpm")
		// A database of its own keeps rpm from making one in the home folder.
		got := run(t, "rpm", "--dbpath", t.TempDir(), "-qp", "--qf",
			`%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{LICENSE} %{BUILDHOST} %{BUILDTIME} [recommends %{RECOMMENDNAME}] [requires %{REQUIRENAME}]`+
				`[\n%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}]`, path)
		want := `aide-node ` + version + `-1 ` + arch + ` Apache-2.0 localhost 1700000000 recommends aide 
-rwxr-xr-x root:root /usr/bin/aide-node
-rw-r--r-- root:root /usr/share/licenses/aide-node/LICENSE
-rw-r--r-- root:root /usr/share/man/man8/aide-node.8.gz
drwx------ root:root /var/lib/aide-node`
		if got != want {
			t.Errorf("%s holds\n%s\nwant\n%s", path, got, want)
		}
		run(t, "rpm", "--dbpath", t.TempDir(), "-K", "--nosignature", path)
	}
}

// TestVersion converts versions, and lists them in the order in which package
// managers must see them.
func TestVersion(t *testing.T) {
	cases := []struct{ given, want string }{
		{"dev", "0.0.0~dev"},
		{"1a2b3c4", "0.0.0~dev.1a2b3c4"},
		{"1a2b3c4-dirty", "0.0.0~dev.1a2b3c4+dirty"},
		{"v0.1.0-rc.1", "0.1.0~rc.1"},
		{"v0.1.0-rc.1-3-g1a2b3c4", "0.1.0~rc.1+3.g1a2b3c4"},
		{"v0.1.0-rc-2", "0.1.0~rc.2"},
		{"v0.1.0", "0.1.0"},
		{"v0.1.0-3-g1a2b3c4", "0.1.0+3.g1a2b3c4"},
		{"v0.1.0-3-g1a2b3c4-dirty", "0.1.0+3.g1a2b3c4+dirty"},
		{"0.1.1", "0.1.1"},
		{"v0.1.1-dirty", "0.1.1+dirty"},
	}
	_, noDpkg := exec.LookPath("dpkg")
	if noDpkg != nil {
		t.Log("the order is not checked: dpkg is not installed here")
	}
	for i, c := range cases {
		if got := strings.TrimSpace(run(t, "./version", c.given)); got != c.want {
			t.Errorf("version %q prints %q, want %q", c.given, got, c.want)
		}
		if i > 0 && noDpkg == nil {
			if err := exec.Command("dpkg", "--compare-versions", cases[i-1].want, "lt", c.want).Run(); err != nil {
				t.Errorf("%q does not sort before %q: %v", cases[i-1].want, c.want, err)
			}
		}
	}
	for _, bad := range []string{"", " ", "0.1", "v0.1.0-", "0.1.0 1", "0.1.0\nx", "../0.1.0/x", "0.1.0/../x", "$(id)"} {
		out, err := exec.Command("./version", bad).CombinedOutput()
		assert.Error(t, err, "version %q: %q", bad, out)
		assert.Contains(t, string(out), "is no version", "version %q", bad)
	}
}
