package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"aidefleet/node/aide"
)

// step is called behind each step that a crash could follow. Tests fail or die
// in it.
var step = func(string) error { return nil }

// half is where the file is written before it gets its name.
func (p Place) half() string {
	dir, name := filepath.Split(p.Path)
	return filepath.Join(dir, aide.HalfWritten(name))
}

// Tidy removes what a run left that was ended half-way.
func (p Place) Tidy() error { return remove(p.half()) }

// write makes the file what it is to be, or removes it.
func (p Place) write(f *file) error {
	dir, half := filepath.Dir(p.Path), p.half()
	if err := p.Tidy(); err != nil {
		return err
	}
	if f == nil {
		return errors.Join(remove(p.Path), syncFolder(dir))
	}
	if err := create(half, f); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", p.Path, err), remove(half))
	}
	err := step("written")
	if err == nil {
		err = os.Rename(half, p.Path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", p.Path, err), remove(half))
	}
	return errors.Join(step("renamed"), syncFolder(dir))
}

// create writes a file that is not there yet, onto the disk.
func create(path string, f *file) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = out.Write(f.text)
	if err == nil && (f.uid != os.Geteuid() || f.gid != os.Getegid()) {
		err = out.Chown(f.uid, f.gid)
	}
	if err == nil {
		err = out.Chmod(f.mode) // whatever the umask
	}
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes the names in a folder last through a crash.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
