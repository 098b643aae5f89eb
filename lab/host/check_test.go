package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAdvice(t *testing.T) {
	tests := []struct {
		name     string
		uid      int
		settings map[string]string
		want     string
	}{
		{"root", 0, map[string]string{"user/max_user_namespaces": "0\n"}, "CAP_SYS_ADMIN"},
		{"none at all", 1000, map[string]string{"user/max_user_namespaces": "0\n"}, "sysctl -w user.max_user_namespaces=15000"},
		{"Debian", 1000, map[string]string{"user/max_user_namespaces": "100\n", "kernel/unprivileged_userns_clone": "0\n"}, "sysctl -w kernel.unprivileged_userns_clone=1"},
		{"Ubuntu", 1000, map[string]string{"kernel/unprivileged_userns_clone": "1\n", "kernel/apparmor_restrict_unprivileged_userns": "1\n"},
			"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		{"all allowed", 1000, map[string]string{"user/max_user_namespaces": "100\n", "kernel/apparmor_restrict_unprivileged_userns": "0\n"}, "something else"},
		{"no settings", 1000, nil, "something else"},
	}
	for _, tt := range tests {
		sys := fstest.MapFS{}
		for name, value := range tt.settings {
			sys[name] = &fstest.MapFile{Data: []byte(value)}
		}
		if got := advise(sys, tt.uid); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q in it", tt.name, got, tt.want)
		}
	}
}

func TestInstallAdvice(t *testing.T) {
	_, err := lookUp("no-such-program")
	assert.ErrorContains(t, err, "no-such-program is not installed")
	got := install("bubblewrap")
	assert.True(t, strings.HasSuffix(got, " bubblewrap"), "advice %q", got)
	if !strings.HasPrefix(got, "install") {
		assert.Contains(t, got, " install ")
	}
}

// TestSystemMounts lays out a machine with merged folders and one without.
func TestSystemMounts(t *testing.T) {
	tests := []struct {
		name    string
		folders []string
		links   map[string]string
		want    []string // groups of arguments, with R for the root
	}{
		{"merged", []string{"usr/bin", "usr/lib", "usr/sbin"}, map[string]string{"bin": "usr/bin", "lib": "usr/lib", "usr/lib64": "lib"}, []string{
			"--dir /.os", "--ro-bind R/usr /.os/usr", "--dir /usr", "--dir /usr/bin", "--ro-bind R/usr/lib /usr/lib", "--symlink lib /usr/lib64",
			"--dir /usr/sbin", "--symlink usr/bin /bin", "--symlink usr/lib /lib",
		}},
		{"not merged", []string{"usr/bin", "bin", "sbin", "lib", "srv"}, nil, []string{
			"--dir /.os", "--ro-bind R/usr /.os/usr", "--dir /usr", "--dir /usr/bin", "--ro-bind R/bin /bin", "--ro-bind R/sbin /sbin", "--ro-bind R/lib /lib",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, f := range tt.folders {
				if err := os.MkdirAll(filepath.Join(root, f), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for name, target := range tt.links {
				if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(root, "usr/file"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := systemMounts(root)
			want := strings.Fields(strings.ReplaceAll(strings.Join(tt.want, " "), "R/", root+"/"))
			assert.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
	if _, err := systemMounts(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error for a machine without /usr")
	}
}

func TestProcesses(t *testing.T) {
	self, err := identify(os.Getpid())
	require.NoError(t, err, "this process is not alive")
	require.True(t, self.alive(), "this process is not alive: %+v", self)
	if other := (process{PID: self.PID, Start: "1"}); other.alive() {
		t.Error("a process with this id and another start is taken for this one")
	}
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, err := identify(cmd.Process.Pid)
	assert.NoError(t, err)
	assert.Contains(t, self.children(), child.PID)
	if err := child.destroy(); err != nil { // it is a zombie then
		t.Error(err)
	}
	if child.alive() {
		t.Error("a zombie is alive")
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
	if _, err := identify(child.PID); err == nil {
		t.Error("a process that is gone is identified")
	}
}
