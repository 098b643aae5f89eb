package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// quiet lets hosts be made where nothing else comes and goes, unlike in /tmp: AIDE says
// what vanishes beside a folder on its way, too.
func quiet(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
}

// unprivileged makes a program that starts AIDE without the right to read whatever it
// wants, which root has.
func (h host) unprivileged(path string) string {
	h.t.Helper()
	if os.Getuid() != 0 {
		return path
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		h.t.Skip("root can read everything, and setpriv of util-linux is not installed here")
	}
	h.write("unprivileged", fmt.Sprintf("#!/bin/sh\nexec %s --bounding-set=-dac_override,-dac_read_search --inh-caps=-all %s \"$@\"\n", setpriv, path))
	path = filepath.Join(h.dir, "unprivileged")
	if err := os.Chmod(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h host) chmod(name string, mode os.FileMode) {
	h.t.Helper()
	if err := os.Chmod(filepath.Join(h.dir, name), mode); err != nil {
		h.t.Fatal(err)
	}
}

// deep makes a folder whose path is longer than Linux takes (PATH_MAX, 4,096 bytes).
func (h host) deep(name string) {
	h.t.Helper()
	h.write(name+"/x", "")
	at, err := os.OpenRoot(filepath.Join(h.dir, name))
	for n := 0; n < 25 && err == nil; n++ {
		step := strings.Repeat("d", 200)
		if err = at.Mkdir(step, 0o755); err == nil {
			var next *os.Root
			next, err = at.OpenRoot(step)
			_ = at.Close()
			at = next
		}
	}
	if err != nil {
		h.t.Fatal(err)
	}
	_ = at.Close()
}

// TestUnread holds that what AIDE cannot look at is said, with each release: by init,
// by a check that finds nothing, and whatever the configuration wants to be logged.
func TestUnread(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		quiet(t)
		h := newHost(t, a)
		if a.Since(17) {
			h.write("aide.conf", "log_level=error\n"+string(readFile(t, h.config)))
		}
		path := h.unprivileged(a.Path)
		h.write("tree/secret", "a")
		h.chmod("tree/secret", 0)
		h.deep("tree/deep")
		h.write("tree/folder/a", "a")
		l, text := h.run("init", "--aide", path)
		if l.Status != result.Clean {
			t.Fatalf("init: %+v\n%s", l, text)
		}
		if l.Unread != 2 {
			t.Errorf("init: %d entries unread, want the secret file and the deep folder: %+v", l.Unread, l)
		}
		if !strings.Contains(text, "could not look at 2 entries") {
			t.Errorf("init does not say so:\n%s", text)
		}
		if err := os.RemoveAll(filepath.Join(h.tree, "deep")); err != nil {
			t.Fatal(err)
		}
		h.chmod("tree/folder", 0)
		t.Cleanup(func() { h.chmod("tree/folder", 0o755) })
		l, _ = h.run("check", "--aide", path)
		if l.Unread != 2 {
			t.Errorf("check: %d entries unread, want the secret file and the closed folder: %+v", l.Unread, l)
		}
		if l.Status != result.Drift {
			t.Errorf("check: %+v, want drift", l)
		}

		h.chmod("tree/folder", 0o755)
		if l, text = h.run("init", "--force", "--yes", "--aide", path); l.Unread != 1 {
			t.Errorf("init: %d entries unread: %+v\n%s", l.Unread, l, text)
		}
		h.chmod("tree/secret", 0o644)
		h.write("tree/secret", "b") // of another length it would be seen
		h.chmod("tree/secret", 0)
		l, text = h.run("check", "--aide", path)
		if l.Status != result.Clean {
			t.Errorf("check: %+v, want clean: the content of the file was compared by nobody", l)
		}
		if l.Unread != 1 {
			t.Errorf("check: %d entries unread, want 1", l.Unread)
		}
		if want := h.tree + "/secret"; l.UnreadPath != want {
			t.Errorf("check: %q is unread, want %q", l.UnreadPath, want)
		}
		if !strings.Contains(text, "could not look at 1 entry; the first: "+h.tree+"/secret") {
			t.Errorf("check does not say so:\n%s", text)
		}
		h.chmod("tree/secret", 0o644)
		if l, _ = h.run("check", "--aide", a.Path); l.Unread != 0 {
			t.Errorf("check of what can be read: %+v", l)
		}
	})
}

// TestShrinks cuts a file short while AIDE reads it. Up to 0.17 that ends AIDE, with the
// status of added files; from 0.18 on it goes on without the file.
func TestShrinks(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		quiet(t)
		h := newHost(t, a)
		h.write("tree/big", "")
		big := filepath.Join(h.tree, "big")
		if err := os.Truncate(big, 3<<30); err != nil {
			t.Skipf("no file with a hole of 3 GiB here: %v", err)
		}
		// It is cut when AIDE is at work on it: the file is read, and nothing else is large.
		path := h.fakeOf(a.Version, a.Path+` "$@" & aide=$!
until grep -qs "`+big+`" /proc/$aide/maps || ls -l /proc/$aide/fd 2>/dev/null | grep -q "`+big+`" || ! kill -0 $aide 2>/dev/null; do :; done
: >"`+big+`"
wait $aide`)
		l, text := h.run("init", "--aide", path)
		if a.Since(18) {
			if l.Unread != 1 {
				t.Errorf("%+v, want one entry unread\n%s", l, text)
			}
			return
		}
		if l.Reason != result.AideCrashed {
			t.Errorf("%+v, want %s\n%s", l, result.AideCrashed, text)
		}
		if !strings.Contains(l.Message, "SIGBUS") {
			t.Errorf("the message is %q, want SIGBUS in it", l.Message)
		}
	})
}

// TestUnreadBeyondWhatIsKept counts behind the 64 KiB of stderr that are kept.
func TestUnreadBeyondWhatIsKept(t *testing.T) {
	a := aidetest.System(t)
	quiet(t)
	h := newHost(t, a)
	const n = 2000
	for i := range n {
		name := fmt.Sprintf("tree/%d-%s", i, strings.Repeat("x", 100))
		h.write(name, "")
		h.chmod(name, 0)
	}
	if l, _ := h.run("init", "--aide", h.unprivileged(a.Path)); l.Unread != n {
		t.Errorf("%d entries unread, want %d", l.Unread, n)
	}
}
