package host

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestAIDE takes a baseline with the real AIDE, finds nothing, and finds a change.
func TestAIDE(t *testing.T) {
	needSandbox(t)
	for _, layout := range []Layout{AmazonLinux, Debian} {
		t.Run(string(layout), func(t *testing.T) {
			h := newHost(t, Spec{Layout: layout})
			start(t, h, sleeper(newMarker()))
			aide := func(want int, arguments ...string) string {
				t.Helper()
				exit, output := run(t, h, append([]string{"aide", "--config", layout.Config()}, arguments...)...)
				assert.Equal(t, want, exit, "aide %v: exit %d\n%s", arguments, exit, output)
				assert.NotContains(t, output, "WARNING", "aide %v", arguments)
				return output
			}
			aide(0, "--init")
			if exit, output := run(t, h, "mv", layout.NewDatabase(), layout.Database()); exit != 0 {
				t.Fatal(output)
			}
			aide(0, "--update")
			if exit, output := run(t, h, "sh", "-c", "echo x >>/etc/passwd"); exit != 0 {
				t.Fatal(output)
			}
			if out := aide(4, "--update"); !strings.Contains(out, "Changed entries:\t\t1\n") {
				t.Errorf("not one change:\n%s", out)
			}
			if err := h.Write(map[string]File{"/srv/app/lib/new.lua": {Content: "x"}}); err != nil {
				t.Fatal(err)
			}
			if exit, output := run(t, h, "touch", "-d", "2020-01-01", "/srv/app/lib", "/etc"); exit != 0 {
				t.Fatal(output)
			}
			// The folder of a new file is no change.
			out := aide(5, "--check")
			assert.Contains(t, out, "Added entries:\t\t1\n", "not one new file and one change")
			assert.Contains(t, out, "Changed entries:\t\t1\n", "not one new file and one change")
			if exit, output := run(t, h, "grep", "-c", "AIDE found differences", "/var/log/aide/aide.log"); exit != 0 {
				t.Errorf("no report in the host's own place: %s", output)
			}
			// A stop and a start later, the host is as it was.
			if err := h.Stop(); err != nil {
				t.Fatal(err)
			}
			aide(5, "--check")
		})
	}
}

func TestAIDEBuilds(t *testing.T) {
	tests := []struct {
		version string
		want    build
		in      string // how the input database is named
		perms   string
	}{
		{"Aide 0.16.2\n\nCompiled with the following options:\n\nWITH_MMAP\nWITH_POSIX_ACL\nWITH_XATTR\nWITH_ZLIB\n", build{16, true, true}, "database=", "p+i+u+g+acl+xattrs"},
		{"AIDE 0.18.3\n\nuse POSIX ACLs: yes\n\nacl: yes\nxattrs: yes\nselinux: yes\n", build{18, true, true}, "database_in=", "p+i+u+g+acl+xattrs"},
		{"AIDE 0.19.2\n\nacl: no\nxattrs: yes\n", build{19, false, true}, "database_in=", "p+i+u+g+xattrs"},
		{"AIDE 0.17.4\n\nacl: no\nxattrs: no\n", build{17, false, false}, "database_in=", "p+i+u+g"},
	}
	for _, tt := range tests {
		got, err := parseAIDE(tt.version)
		assert.NoError(t, err, tt.version)
		assert.Equal(t, tt.want, got, "%q: got %+v", tt.version, got)
		for _, l := range []Layout{AmazonLinux, Debian} {
			c := aideFiles(l, got)[l.Config()].Content
			assert.Contains(t, c, "\n"+tt.in, "%q: configuration without %q and %q:\n%s", tt.version, tt.in, tt.perms, c)
			assert.Contains(t, c, "Perms = "+tt.perms+"\n", tt.version)
		}
	}
	if _, err := parseAIDE("command not found"); err == nil {
		t.Error("no error for something that is no AIDE")
	}
}
