package rules

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aidefleet/node/aide"
	"aidefleet/node/wholefile"
)

// step is called behind each step that a crash could follow. Tests fail or die
// in it.
var step = func(string) error { return nil }

// half is the path of the file before it gets its name.
func (p Place) half() string {
	dir, name := filepath.Split(p.Path)
	return filepath.Join(dir, aide.HalfWritten(name))
}

// Tidy removes the file that an interrupted run left.
func (p Place) Tidy() error { return wholefile.Remove(p.half()) }

// write replaces the file by f, or removes it if f is nil.
func (p Place) write(f *file) error {
	if f == nil {
		if err := p.Tidy(); err != nil {
			return err
		}
		return errors.Join(wholefile.Remove(p.Path), wholefile.SyncFolder(filepath.Dir(p.Path)))
	}
	o := wholefile.Options{Half: p.half(), Prepare: f.prepare, Lasting: true, Step: step}
	err := wholefile.Write(p.Path, o, func(w io.Writer) error { _, err := w.Write(f.text); return err })
	if err != nil {
		return fmt.Errorf("write %s: %w", p.Path, err)
	}
	return nil
}

// prepare gives a new file the owner and the mode that f has, whatever the umask.
func (f *file) prepare(out *os.File) error {
	if f.uid != os.Geteuid() || f.gid != os.Getegid() {
		if err := out.Chown(f.uid, f.gid); err != nil {
			return err
		}
	}
	return out.Chmod(f.mode)
}
