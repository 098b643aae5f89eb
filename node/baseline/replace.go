package baseline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/regular"
	"aidefleet/node/wholefile"
)

// step is called behind each step that a crash could follow. Tests fail or die
// in it.
var step = func(string) error { return nil }

// link is os.Link, but in tests.
var link = os.Link

// Install makes a complete database the first baseline. The error is ErrExists if a
// baseline has appeared meanwhile, and wraps aide.ErrDatabase if the database is not
// complete.
func Install(database, path string) (Info, error) {
	// The folder is AIDE's by its package; a host whose configuration names
	// another one may not have it yet.
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Info{}, explain(err, path)
	}
	if err := tidy(path); err != nil {
		return Info{}, explain(err, path)
	}
	fresh, err := stage(database, path, nil)
	if err != nil {
		return Info{}, explain(err, path)
	}
	defer func() { _ = os.Remove(fresh.Path) }()
	// A link, unlike a rename, never replaces anything.
	if err := link(fresh.Path, path); errors.Is(err, fs.ErrExist) {
		return Info{}, fmt.Errorf("%w at %s", ErrExists, path)
	} else if err != nil {
		return Info{}, explain(err, path)
	}
	installed := fresh
	installed.Path = path
	return installed, wholefile.SyncFolder(filepath.Dir(path))
}

// Replace makes a database the baseline in place of the present one, valid or not, and
// keeps that under the name backup. The database has to be complete and to have the SHA-256
// digest. Its copy is checked, so that nobody can change it in between. The errors wrap
// ErrDigest and aide.ErrDatabase.
func Replace(database, digest, path string, now time.Time) (replaced Info, backup string, err error) {
	old, err := os.Stat(path)
	if err != nil {
		return Info{}, "", err
	}
	if !old.Mode().IsRegular() {
		return Info{}, "", fmt.Errorf("%s is not a regular file and cannot be kept: move it away", path)
	}
	if err := tidy(path); err != nil {
		return Info{}, "", explain(err, path)
	}
	fresh, err := stage(database, path, old)
	if err != nil {
		return Info{}, "", explain(err, path)
	}
	defer func() { _ = os.Remove(fresh.Path) }() // not there any more if all went well
	if fresh.SHA256 != digest {
		return Info{}, "", fmt.Errorf("%s: %w: its SHA-256 is %.16s…, not %.16s…", database, ErrDigest, fresh.SHA256, digest)
	}
	if backup, err = nextBackup(path, now); err != nil {
		return Info{}, "", err
	}
	// A second name first: the path always names a whole baseline.
	if err := link(path, backup); err != nil {
		return Info{}, "", fmt.Errorf("keep the old baseline: %w", explain(err, path))
	}
	if err := exchange(fresh.Path, path); err != nil {
		_ = tidy(path) // a backup of what is still the baseline is no backup
		return Info{}, "", explain(err, path)
	}
	replaced = fresh
	replaced.Path = path
	return replaced, backup, nil
}

// exchange renames a file to path, which has another one. Everything done in the folder
// before is on disk first: after a crash the old baseline must not be lost with its second
// name.
func exchange(file, path string) error {
	for _, do := range []func() error{
		func() error { return step("linked") },
		func() error { return wholefile.SyncFolder(filepath.Dir(path)) },
		func() error { return step("synced") },
		func() error { return os.Rename(file, path) },
		func() error { return step("renamed") },
		func() error { return wholefile.SyncFolder(filepath.Dir(path)) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// stage copies a database to a temporary file beside the baseline, onto the disk, and reads
// the copy to its end. The copy gets the owner of the file old, so that its readers can go
// on reading it. Without old it belongs to root, or to the distribution's account for AIDE
// if the folder does.
func stage(database, path string, old fs.FileInfo) (fresh Info, err error) {
	in, err := regular.Open(database)
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+temporary+"*") // 0600
	if err != nil {
		return Info{}, err
	}
	err = wholefile.Fill(out, func(out *os.File) error {
		if _, err := io.Copy(out, in); err != nil {
			return err
		}
		if err := give(out, old); err != nil {
			return err
		}
		return step("copied")
	})
	if err != nil {
		return Info{}, fmt.Errorf("copy %s: %w", database, err)
	}
	if fresh, err = Inspect(out.Name(), nil); err != nil {
		_ = os.Remove(out.Name())
	}
	return fresh, err
}

// give gives a copy the owner of the file old or, without one, the account of its folder.
func give(out *os.File, old fs.FileInfo) error {
	if old != nil {
		return inherit(out, old)
	}
	return giveToAccount(out, filepath.Dir(out.Name()))
}

// inherit gives a file the owner and the mode of another, except for the right
// to write: a baseline that others can write to protects nothing.
func inherit(f *os.File, old fs.FileInfo) error {
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	have, ok1 := mine.Sys().(*syscall.Stat_t)
	want, ok2 := old.Sys().(*syscall.Stat_t)
	if ok1 && ok2 && (have.Uid != want.Uid || have.Gid != want.Gid) {
		if err := f.Chown(int(want.Uid), int(want.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(old.Mode().Perm() &^ 0o022)
}

// account is aide.FindAccount, but in tests.
var account = aide.FindAccount

// giveToAccount gives a file to the distribution's account for AIDE, if the folder belongs
// to that.
func giveToAccount(f *os.File, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	have, ok := info.Sys().(*syscall.Stat_t)
	if to := account(); ok && to.UID > 0 && int(have.Uid) == to.UID {
		return f.Chown(to.UID, to.GID)
	}
	return nil
}
