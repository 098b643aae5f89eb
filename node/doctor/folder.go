package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"aidefleet/node/check"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// From unistd.h: the rights, for access(2), to put something into a folder.
const mayWrite = 2 | 1 // W_OK | X_OK

// state looks at the node's own folder as a check would use it.
func (e *examiner) state(uid int) {
	const name = "state"
	dir := e.State
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = writable(state.Nearest(e.State)); err == nil {
			e.ok(name, "%s is not there yet; the first run makes it", dir)
			return
		}
		err = fmt.Errorf("%s cannot be made: %w", dir, err)
	}
	for _, path := range []string{dir, e.folder().Run(), string(e.folder().Reports())} {
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

// usable fails if a check would refuse the folder. A folder that is not there can be made.
func usable(dir string, uid int) error {
	if _, err := state.Verify(dir, uid); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return writable(dir)
}

// writable asks the kernel, which knows read-only file systems and flags that bind root
// too.
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

// folder is the node's own.
func (e *examiner) folder() state.Folder { return state.Folder(e.State) }

// lock says whether a run is at work.
func (e *examiner) lock() {
	const name = "lock"
	err := e.folder().Busy()
	var busy *state.BusyError
	switch {
	case err == nil:
		e.ok(name, "free")
	case errors.As(err, &busy):
		e.warn(name, "wait for it to end", "another run is at work: %s", busy.Holder)
		e.found[len(e.found)-1].Reason = result.Busy
	default:
		e.fail(name, result.StateUnwritable, "look at who made it and remove it, or name another folder with --state", err)
	}
}

// room compares what is free with what a check needs.
func (e *examiner) room() {
	const name = "space"
	need := check.Need(e.size)
	free, err := e.folder().Free()
	if err == nil {
		err = e.folder().CheckRoom(need)
	}
	if err != nil {
		e.fail(name, result.StateUnwritable, "make room, or name a folder with more of it by --state", err)
		return
	}
	e.ok(name, "%s has %d MiB free, a check needs %d MiB", state.Nearest(e.State), free>>20, need>>20)
}
