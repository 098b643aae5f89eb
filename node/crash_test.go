package main

import (
	"bytes"
	le "encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// TestCrash is with files that some releases crash on: 0.17.3 as a static program on
// an ACL of a named user, 0.18.8 on a time before 1970. Each AIDE either answers, or
// its crash is told with the file.
func TestCrash(t *testing.T) { aidetest.Each(t, testCrash) }

func testCrash(t *testing.T, a aidetest.AIDE) {
	for name, put := range map[string]func(t *testing.T, path string){
		"an ACL of a user": func(t *testing.T, path string) {
			// user::rw- user:1:r-- group::r-- mask::r-- other::r-- (linux/posix_acl_xattr.h)
			acl := le.LittleEndian.AppendUint32(nil, 2)
			for _, e := range []struct {
				tag, perm uint16
				id        uint32
			}{{1, 6, 1<<32 - 1}, {2, 4, 1}, {4, 4, 1<<32 - 1}, {16, 4, 1<<32 - 1}, {32, 4, 1<<32 - 1}} {
				acl = le.LittleEndian.AppendUint16(acl, e.tag)
				acl = le.LittleEndian.AppendUint16(acl, e.perm)
				acl = le.LittleEndian.AppendUint32(acl, e.id)
			}
			if err := syscall.Setxattr(path, "system.posix_acl_access", acl, 0); err != nil {
				t.Skipf("this file system has no ACLs: %v", err)
			}
		},
		"a time before 1970": func(t *testing.T, path string) {
			if err := syscall.UtimesNano(path, []syscall.Timespec{{Sec: -1}, {Sec: -1}}); err != nil {
				t.Skipf("this file system has no such times: %v", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, a)
			if !withACL(a) {
				t.Skipf("AIDE %s is built without ACLs", a.Version)
			}
			appendTo(h, h.tree+"/x p+m+acl\n")
			h.write("tree/x/file", "")
			path := filepath.Join(h.tree, "x/file")
			h.run("init")
			put(t, path)
			l, text := h.run("check")
			if l.Status == result.Drift && l.Changed == 1 {
				return // this one does not crash
			}
			if l.Reason != result.AideCrashed {
				t.Errorf("%+v, want %s\n%s", l, result.AideCrashed, text)
			}
			if !strings.Contains(l.Message, "signal 11 (segmentation fault)") {
				t.Errorf("message %q does not name the signal", l.Message)
			}
			if !strings.Contains(l.Message, path) {
				t.Errorf("message %q does not name %s", l.Message, path)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			l, text = h.run("check")
			require.NotNil(t, l.Counts, "without the file: %+v\n%s", l, text)
			assert.Equal(t, 1, l.Removed, "without the file")
		})
	}
}

func withACL(a aidetest.AIDE) bool {
	out, _ := exec.Command(a.Path, "--version").CombinedOutput()
	return bytes.Contains(out, []byte("acl: yes")) || bytes.Contains(out, []byte("WITH_POSIX_ACL"))
}

// TestCrashTold is with an AIDE that crashes behind its work, and one that crashes
// without a word.
func TestCrashTold(t *testing.T) {
	strange := `{ gzip -dc "$db" 2>/dev/null || cat "$db"; } | sed '\|/tree/b |s/ MT[^ ]*=* / MTg0NDY3NDQwNzM3MDk1NTE2MTU= /; \|/tree/b |s/ 1[0-9]\{9\} / 18446744073709551615 /' >"$db.x"; mv "$db.x" "$db"; `
	for name, c := range map[string]struct{ script, want, not string }{
		"a time that no calendar has": {`/usr/bin/env aide "$@"; db="$STATE/run/new.db"; ` + strange + `kill -11 $$`, "/tree/b has a time that no calendar has", "crashed again"},
		"nothing is known":            {`kill -11 $$`, "AIDE was ended by signal 11 (segmentation fault)", "looked at"},
		"it says where it is":         {`echo "  DEBUG: get file attributes '/etc/a'" >&2; echo "  DEBUG: get file attributes '/etc/it's' (fullpath: '/x')" >&2; kill -6 $$`, "it crashed again, and looked at /etc/it's last", ""},
		"it has read all files":       {`echo "  DEBUG: get file attributes '/etc/a'" >&2; echo "   INFO: write new entries to database: file:/x" >&2; kill -6 $$`, "AIDE was ended by signal 6 (aborted)", "looked at"},
		"it does not crash again":     {`case "$*" in *debug*) echo "  DEBUG: get file attributes '/etc/a'" >&2; exit 0 ;; esac; kill -11 $$`, "AIDE was ended by signal 11 (segmentation fault)", "looked at"},
		"it was killed":               {`echo "  DEBUG: get file attributes '/etc/a'" >&2; kill -9 $$`, "SIGKILL", "looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			appendTo(h, h.tree+"/b p+m\n")
			h.run("init")
			h.write("tree/a", "other\n")
			l, text := h.run("check", "--aide", h.fake(strings.ReplaceAll(c.script, "$STATE", h.state)))
			if l.Reason != result.AideCrashed {
				t.Errorf("%+v, want %s\n%s", l, result.AideCrashed, text)
			}
			if !strings.Contains(l.Message, c.want) {
				t.Errorf("message %q, want %q", l.Message, c.want)
			}
			if c.not != "" && strings.Contains(l.Message, c.not) {
				t.Errorf("message %q has %q", l.Message, c.not)
			}
		})
	}
}
