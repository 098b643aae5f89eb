package baseline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aidefleet/node/aide"
)

// The endings of the files beside the baseline, behind its own name.
const (
	mark      = aide.OwnMark
	temporary = mark + "tmp-"
	undone    = mark + "undone"
	stamp     = "20060102T150405Z" // behind mark; sorts as the times do
)

// Undo makes the newest backup the baseline again. What was the baseline until then is kept
// as the backup "undone", in place of an earlier one. The error is ErrNoBackup if there is
// no backup, and wraps aide.ErrDatabase if the newest one is not complete: then nothing is
// changed.
func Undo(path string) (restored Info, kept string, err error) {
	if err := tidy(path); err != nil {
		return Info{}, "", explain(err, path)
	}
	kept = path + undone
	backups, err := backupsOf(path)
	if err != nil {
		return Info{}, "", err
	}
	if len(backups) == 0 {
		return Info{}, "", fmt.Errorf("%w beside %s", ErrNoBackup, path)
	}
	newest := backups[len(backups)-1]
	if restored, err = Inspect(newest, nil); err != nil {
		return Info{}, "", err
	}
	// A third name is needed: a link replaces nothing, and a rename of the only name would
	// leave none for a moment.
	second := path + temporary + "undone"
	switch err := link(path, second); {
	case errors.Is(err, fs.ErrNotExist): // somebody removed the baseline
		kept = ""
	case err != nil:
		return Info{}, "", fmt.Errorf("keep what is undone: %w", explain(err, path))
	default:
		if err := os.Rename(second, kept); err != nil {
			return Info{}, "", fmt.Errorf("keep what is undone: %w", explain(err, path, kept))
		}
	}
	if err := exchange(newest, path); err != nil {
		_ = tidy(path)
		return Info{}, "", explain(err, path, newest)
	}
	restored.Path = path
	return restored, kept, nil
}

// LastBackup is the time of the newest backup beside a baseline, as its name says;
// zero if there is none.
func LastBackup(path string) time.Time {
	backups, err := backupsOf(path)
	if err != nil || len(backups) == 0 {
		return time.Time{}
	}
	at, _ := time.Parse(stamp, strings.TrimPrefix(filepath.Base(backups[len(backups)-1]), filepath.Base(path)+mark))
	return at
}

// Prune removes all backups but the newest.
func Prune(path string, keep int) error {
	backups, err := backupsOf(path)
	if err != nil {
		return err
	}
	for _, backup := range backups[:max(0, len(backups)-keep)] {
		if err := os.Remove(backup); err != nil {
			return err
		}
	}
	return nil
}

// nextBackup names a backup by the time now. If the clock was set back, or the second is
// taken, it takes the second after the newest one: the names sort as the backups were made.
func nextBackup(path string, now time.Time) (string, error) {
	backups, err := backupsOf(path)
	if err != nil {
		return "", err
	}
	at := now.UTC().Truncate(time.Second)
	if len(backups) > 0 {
		newest, err := time.Parse(stamp, strings.TrimPrefix(filepath.Base(backups[len(backups)-1]), filepath.Base(path)+mark))
		if err != nil {
			return "", err
		}
		if !at.After(newest) {
			at = newest.Add(time.Second)
		}
	}
	return path + mark + at.Format(stamp), nil
}

// backupsOf lists the paths of the backups, oldest first.
func backupsOf(path string) (backups []string, err error) {
	err = beside(path, func(f fs.DirEntry, kind string) error {
		if isStamp(kind) {
			backups = append(backups, filepath.Join(filepath.Dir(path), f.Name()))
		}
		return nil
	})
	return backups, err
}

func isStamp(s string) bool {
	_, err := time.Parse(stamp, s)
	return err == nil && len(s) == len(stamp)
}

// tidy removes what an interrupted run left: temporary files, and second names of the
// baseline.
func tidy(path string) error {
	current, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return beside(path, func(f fs.DirEntry, kind string) error {
		name := filepath.Join(filepath.Dir(path), f.Name())
		if strings.HasPrefix(mark+kind, temporary) {
			return os.Remove(name)
		}
		if current == nil || mark+kind != undone && !isStamp(kind) {
			return nil
		}
		if other, err := f.Info(); err != nil || !os.SameFile(current, other) {
			return err
		}
		return os.Remove(name)
	})
}

// beside visits this package's files beside a baseline, in the order of their names. The
// kind is the part of the name behind mark.
func beside(path string, visit func(f fs.DirEntry, kind string) error) error {
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	for _, f := range files {
		if kind, ok := strings.CutPrefix(f.Name(), filepath.Base(path)+mark); ok {
			if err := visit(f, kind); err != nil {
				return err
			}
		}
	}
	return nil
}
