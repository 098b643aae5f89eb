// Package wholefile writes files that are there as a whole or not at all, also if the
// disk is full or the process dies.
package wholefile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Options are what a file is promised beside being whole.
type Options struct {
	// Half is the path under which the file is written, in the folder of the file.
	// What a dead process left there is removed.
	Half string
	// Prepare gives the new file its owner and mode. If it is nil, the file is of
	// the user of this process and has mode 0600.
	Prepare func(*os.File) error
	// Lasting has the new name on disk before Write returns. Without it the file
	// before may be back after a crash of the machine.
	Lasting bool
	// Step is called behind each step that a crash could follow, "written" and
	// "renamed". Tests fail or die in it. It may be nil.
	Step func(string) error
}

// Write makes what content writes the file at path, in place of the one there is. If it
// fails, the file is as it was, but for an error of the step "renamed" or of Lasting.
func Write(path string, o Options, content func(io.Writer) error) error {
	if err := Remove(o.Half); err != nil {
		return err
	}
	f, err := os.OpenFile(o.Half, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = Fill(f, func(f *os.File) error {
		if err := content(f); err != nil || o.Prepare == nil {
			return err
		}
		return o.Prepare(f)
	})
	if err != nil {
		return err
	}
	if err = o.step("written"); err == nil {
		err = os.Rename(o.Half, path)
	}
	if err != nil {
		return errors.Join(err, Remove(o.Half))
	}
	err = o.step("renamed")
	if o.Lasting {
		err = errors.Join(err, SyncFolder(filepath.Dir(path)))
	}
	return err
}

func (o Options) step(name string) error {
	if o.Step == nil {
		return nil
	}
	return o.Step(name)
}

// Fill brings what content writes to a new file onto the disk, and closes the file. If
// that fails, the file is removed.
func Fill(f *os.File, content func(*os.File) error) error {
	err := content(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, Remove(f.Name()))
	}
	return nil
}

// Remove removes a file, if it is there.
func Remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncFolder makes the names in a folder last through a crash of the machine.
func SyncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
