// Package state is the node's own folder on a host: its lock, the result of the last
// check, and the records of baselines. Checks write it, and doctor reads it.
package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"aidefleet/node/history"
	"aidefleet/node/wholefile"
)

// Default is the folder if no other is named.
const Default = "/var/lib/aide-node"

// Folder is the path of the node's folder:
//
//	lock                 held by the run at work
//	run/                 what AIDE writes; the new database stays for acceptance
//	reports/ID.json.gz   reports by generation, named by start time
//	last.json            the result line of the last check
//	groups               groups of the changes, with the names in them
//	changes              digests of the changes that the last check found
//	configs              which configuration each baseline was taken with
type Folder string

// Open makes the folder, and the folders in it, unless they are there.
func Open(dir string) (Folder, error) {
	f := Folder(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return f, err
	}
	for _, d := range []string{dir, f.Run(), string(f.Reports())} {
		if err := makePrivate(d); err != nil {
			return f, err
		}
	}
	return f, nil
}

// makePrivate makes a folder that is ours alone.
func makePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := Verify(dir, os.Geteuid())
	if err == nil && info.Mode().Perm() != 0o700 {
		err = os.Chmod(dir, 0o700)
	}
	return err
}

// Verify refuses what cannot be the state folder of a user, or a folder in it. A link, or
// a folder of another user, could lead what is written as root anywhere.
func Verify(dir string, uid int) (fs.FileInfo, error) {
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

// Run is the folder in which AIDE writes.
func (f Folder) Run() string { return filepath.Join(string(f), "run") }

// Reports is the folder of the reports that are kept.
func (f Folder) Reports() history.Folder { return history.In(string(f)) }

func (f Folder) lock() string      { return filepath.Join(string(f), "lock") }
func (f Folder) last() string      { return filepath.Join(string(f), "last.json") }
func (f Folder) changes() string   { return filepath.Join(string(f), "changes") }
func (f Folder) groups() string    { return filepath.Join(string(f), "groups") }
func (f Folder) owners() string    { return filepath.Join(string(f), "owners") }
func (f Folder) baselines() string { return filepath.Join(string(f), "configs") }

// write makes text what a file of the folder holds, or leaves the file as it is.
func write(path string, text []byte) error {
	return wholefile.Write(path, wholefile.Options{Half: path + ".tmp"}, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// absent says that a file is not there, or not the folder it would be in.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Nearest is a folder itself, or the nearest one above it that exists.
func Nearest(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// CheckRoom fails if a run has less than need bytes to write. It is asked before AIDE
// starts, since AIDE finds out half-way, and up to 0.18 not even then.
func (f Folder) CheckRoom(need int64) error {
	free, err := f.Free()
	if err != nil {
		return err
	}
	if free < need {
		return fmt.Errorf("%s has %d KiB free, a check needs %d KiB", Nearest(string(f)), free>>10, need>>10)
	}
	return nil
}

// Free is how many bytes a run may write: those that are free, and those of the files
// that the last run left, which the next one replaces.
func (f Folder) Free() (int64, error) {
	var disk syscall.Statfs_t
	dir := Nearest(string(f))
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	free := int64(disk.Bavail) * disk.Bsize
	left, err := os.ReadDir(f.Run())
	if err != nil && !absent(err) {
		return 0, err
	}
	for _, file := range left {
		if info, err := file.Info(); err == nil && info.Mode().IsRegular() {
			free += info.Size()
		}
	}
	return free, nil
}
