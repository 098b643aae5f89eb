package check

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"aidefleet/node/history"
)

// DefaultState is the node's own folder. Nothing else is written to but the
// folder of the baseline, and by Configure AIDE's configuration.
const DefaultState = "/var/lib/aide-node"

// state is the node's folder:
//
//	lock                 held by the run at work
//	run/                 what AIDE writes; the new database stays for acceptance
//	reports/ID.json.gz   reports by generation, named by start time
//	last.json            the result line of the last check
//	configs              which configuration each baseline was taken with
type state struct{ dir string }

func openState(dir string) (state, error) {
	s := state{dir}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return s, err
	}
	for _, d := range []string{dir, s.run(), string(s.history())} {
		if err := own(d); err != nil {
			return s, err
		}
	}
	return s, nil
}

// own makes a folder that is ours alone.
func own(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := Own(dir, os.Geteuid())
	if err == nil && info.Mode().Perm() != 0o700 {
		err = os.Chmod(dir, 0o700)
	}
	return err
}

// Own refuses what cannot be the state folder of a user, or a folder in it. One that is
// somebody else's, or a link, could lead what is written as root anywhere.
func Own(dir string, uid int) (fs.FileInfo, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a folder", dir)
	case ok && int(stat.Uid) != uid:
		return nil, fmt.Errorf("%s belongs to user %d: remove it, or give --state", dir, stat.Uid)
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("%s can be written by others (mode %04o): look at who put what there, then chmod 0700", dir, info.Mode().Perm())
	}
	return info, nil
}

func (s state) lock() string            { return filepath.Join(s.dir, "lock") }
func (s state) run() string             { return filepath.Join(s.dir, "run") }
func (s state) history() history.Folder { return history.In(s.dir) }
func (s state) last() string            { return filepath.Join(s.dir, "last.json") }
func (s state) noted() string           { return filepath.Join(s.dir, "configs") }

// write makes text what a file of the state folder holds, or leaves it as it is.
func (state) write(path string, text []byte) error {
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was ended, or a pipe
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// room fails if less than need bytes are free, before AIDE finds out half-way:
// up to 0.18 it does not even notice. What the last run left makes room.
func (s state) room(need int64) error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &disk); err != nil {
		return fmt.Errorf("statfs %s: %w", s.dir, err)
	}
	left, err := os.ReadDir(s.run())
	if err != nil {
		return err
	}
	free := int64(disk.Bavail) * disk.Bsize
	for _, f := range left {
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			free += info.Size()
		}
	}
	if free < need {
		return fmt.Errorf("%s has %d KiB free, a check needs %d KiB", s.dir, free>>10, need>>10)
	}
	return nil
}
