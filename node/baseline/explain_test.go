package baseline

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aidefleet/node/aide"
)

// TestExplain has one row for each thing that can be in the way of a baseline. The error
// names it and what mends it, and the baseline stays what it was.
func TestExplain(t *testing.T) {
	const (
		replacing = "replace"
		undoing   = "undo"
		install   = "install"
	)
	chattr := func(flag, name string) func(t *testing.T, f folder) {
		return func(t *testing.T, f folder) {
			path := filepath.Join(f.dir, name)
			if out, err := exec.Command("chattr", "+"+flag, path).CombinedOutput(); err != nil {
				t.Skipf("chattr +%s, which not each file system has: %v: %s", flag, err, out)
			}
			t.Cleanup(func() { _ = exec.Command("chattr", "-"+flag, path).Run() })
		}
	}
	readOnly := func(t *testing.T, f folder) {
		dir := filepath.Dir(f.path)
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("a mount, which only root may make: %v", err)
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("a read-only mount: %v", err)
		}
	}
	noLinks := func(t *testing.T, _ folder) {
		link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EPERM} }
		t.Cleanup(func() { link = os.Link })
	}
	for _, c := range []struct {
		name   string
		do     string
		before func(t *testing.T, f folder)
		want   string // DIR stands for the folder
	}{
		{"an immutable baseline", replacing, chattr("i", "db/aide.db"), "DIR/db/aide.db may not be changed: chattr -i DIR/db/aide.db"},
		{"an immutable baseline", undoing, chattr("i", "db/aide.db"), "chattr -i DIR/db/aide.db"},
		{"an immutable folder", replacing, chattr("i", "db"), "chattr -i DIR/db"},
		{"an immutable folder", undoing, chattr("i", "db"), "chattr -i DIR/db"},
		{"an immutable folder", install, chattr("i", "db"), "chattr -i DIR/db"},
		{"a folder that only grows", replacing, chattr("a", "db"), "chattr -a DIR/db"},
		{"a baseline that only grows", replacing, chattr("a", "db/aide.db"), "chattr -a DIR/db/aide.db"},
		{"an immutable backup", undoing, func(t *testing.T, f folder) { chattr("i", "db/"+"aide.db"+mark+f.names())(t, f) }, "chattr -i DIR/db/aide.db.aide-node-20261123T050000Z"},
		{"a read-only file system", replacing, readOnly, "DIR/db is on a read-only file system: mount it read-write"},
		{"a read-only file system", undoing, readOnly, "DIR/db is on a read-only file system"},
		{"a read-only file system", install, readOnly, "DIR/db is on a read-only file system"},
		{"no hard links", replacing, noLinks, "DIR/db is on a file system without hard links"},
		{"no hard links", undoing, noLinks, "DIR/db is on a file system without hard links"},
		{"no hard links", install, noLinks, "DIR/db is on a file system without hard links"},
	} {
		t.Run(c.do+", "+c.name, func(t *testing.T) {
			f := newFolder(t)
			path := f.path
			want := database("old")
			switch c.do {
			case undoing:
				f.replace("newer", now)
				want = database("newer")
			case install:
				path = filepath.Join(filepath.Dir(f.path), "other.db")
			}
			f.write("new.db", database("new"))
			c.before(t, f)
			var err error
			switch c.do {
			case replacing:
				_, _, err = Replace(f.another, digest(database("new")), path, now)
			case undoing:
				_, _, err = Undo(path)
			case install:
				_, err = Install(f.another, path)
			}
			if err == nil {
				t.Fatal("it was done")
			}
			if text := strings.ReplaceAll(c.want, "DIR", f.dir); !strings.Contains(err.Error(), text) {
				t.Errorf("%v, want %q", err, text)
			}
			if strings.Contains(err.Error(), "room") {
				t.Errorf("%v has to do with room", err)
			}
			if got := f.read(f.path); got != want {
				t.Errorf("the baseline is %q, want %q", got, want)
			}
		})
	}
}

// TestOwnerStays: the account that a distribution gives its databases to keeps them.
func TestOwnerStays(t *testing.T) {
	const distribution = 54322
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	was := account
	t.Cleanup(func() { account = was })
	account = func() aide.Account { return aide.Account{UID: distribution, GID: distribution} }
	f := newFolder(t)
	dir := filepath.Dir(f.path)
	if err := errors.Join(os.Chown(dir, distribution, distribution), os.Remove(f.path)); err != nil {
		t.Fatal(err)
	}
	check := func(what, path string, mode fs.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid != distribution {
			t.Errorf("%s: it belongs to %d", what, stat.Uid)
		}
		if stat.Gid != distribution {
			t.Errorf("%s: its group is %d", what, stat.Gid)
		}
		if info.Mode() != mode {
			t.Errorf("%s: its mode is %s, want %s", what, info.Mode(), mode)
		}
	}
	if _, err := Install(f.another, f.path); err != nil {
		t.Fatal(err)
	}
	check("installed", f.path, 0o600)
	if err := os.Chmod(f.path, 0o640); err != nil {
		t.Fatal(err)
	}
	backup := f.replace("next", now)
	check("replaced", f.path, 0o640)
	check("the backup", backup, 0o640)
	if _, _, err := Undo(f.path); err != nil {
		t.Fatal(err)
	}
	check("undone", f.path, 0o640)
	// In a folder of root's, root keeps it.
	if err := errors.Join(os.Chown(dir, 0, 0), os.Remove(f.path)); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(f.another, f.path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		t.Errorf("in root's folder: it belongs to %d", uid)
	}
}
