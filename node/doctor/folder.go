package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"aidefleet/node/check"
	"aidefleet/node/regular"
	"aidefleet/node/result"
)

// From unistd.h: what access(2) is asked for, to put something into a folder.
const mayWrite = 2 | 1 // W_OK | X_OK

// state looks at the node's own folder as a check would use it.
func (e *examiner) state(uid int) {
	const name = "state"
	dir := e.State
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = writable(existing(dir)); err == nil {
			e.ok(name, "%s is not there yet; the first run makes it", dir)
			return
		}
		err = fmt.Errorf("%s cannot be made: %w", dir, err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "run"), filepath.Join(dir, "reports")} {
		if err == nil {
			err = usable(path, uid)
		}
	}
	switch {
	case errors.Is(err, syscall.EROFS):
		e.fail(name, result.ReadOnly, "mount it for writing, or name another one with --state", err)
	case err != nil:
		e.fail(name, result.StateUnwritable, "make the folder writable, or name another one with --state", err)
	case info.Mode().Perm() != 0o700:
		e.warn(name, "chmod 0700 "+dir, "%s has mode %04o, not 0700: it holds the names of files that only root may see", dir, info.Mode().Perm())
	default:
		e.ok(name, "%s", dir)
	}
}

// existing is dir, or the nearest folder above it that there is.
func existing(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// usable fails on what a check would not take. A folder that is not there can be made.
func usable(dir string, uid int) error {
	if _, err := check.Own(dir, uid); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return writable(dir)
}

// writable asks the kernel, which knows of read-only file systems and of flags
// that bind root too.
func writable(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	if err == nil {
		err = os.NewSyscallError("write to "+dir, syscall.Access(dir, mayWrite))
	}
	return err
}

// lock says whether a run is at work. It holds the lock for no longer than it
// takes to let go of it, and shared, so that two doctors do not see each other.
func (e *examiner) lock() {
	const name = "lock"
	path := filepath.Join(e.State, "lock")
	f, err := regular.Open(path)
	if absent(err) {
		e.ok(name, "free")
		return
	}
	if err == nil {
		defer func() { _ = f.Close() }()
		err = os.NewSyscallError("lock "+path, syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB))
	}
	switch {
	case err == nil:
		e.ok(name, "free")
	case errors.Is(err, syscall.EWOULDBLOCK):
		holder := make([]byte, 200)
		n, _ := f.ReadAt(holder, 0)
		e.warn(name, "wait for it to end", "another run is at work: %s", strings.TrimSpace(string(holder[:n])))
		e.found[len(e.found)-1].Reason = result.Busy
	default:
		e.fail(name, result.StateUnwritable, "look at who made it and remove it, or name another folder with --state", err)
	}
}

// room compares what is free with what a check needs.
func (e *examiner) room() {
	const name = "space"
	dir := existing(e.State)
	var fs syscall.Statfs_t
	err := os.NewSyscallError("statfs "+dir, syscall.Statfs(dir, &fs))
	free, need := int64(fs.Bavail)*fs.Bsize, check.Need(e.size)
	if err == nil && free < need {
		err = fmt.Errorf("%s has %d KiB free, a check needs %d KiB", dir, free>>10, need>>10)
	}
	if err != nil {
		e.fail(name, result.StateUnwritable, "make room, or name a folder with more of it by --state", err)
		return
	}
	e.ok(name, "%s has %d MiB free, a check needs %d MiB", dir, free>>20, need>>20)
}
