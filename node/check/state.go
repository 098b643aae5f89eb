package check

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"aidefleet/node/result"
)

// DefaultState is the node's own folder. Nothing else is written to but the
// folder of the baseline.
const DefaultState = "/var/lib/aide-node"

// state is the node's folder:
//
//	lock                 held by the run at work
//	run/                 what AIDE writes; the new database stays for acceptance
//	reports/ID.json.gz   reports by generation, named by start time
//	last.json            the result line of the last check
type state struct{ dir string }

func openState(dir string) (state, error) {
	s := state{dir}
	for _, d := range []string{dir, s.run(), s.reports()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s state) lock() string    { return filepath.Join(s.dir, "lock") }
func (s state) run() string     { return filepath.Join(s.dir, "run") }
func (s state) reports() string { return filepath.Join(s.dir, "reports") }
func (s state) last() string    { return filepath.Join(s.dir, "last.json") }

// room fails if less than need bytes are free, before AIDE finds out half-way:
// up to 0.18 it does not even notice.
func (s state) room(need int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &fs); err != nil {
		return fmt.Errorf("statfs %s: %w", s.dir, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return fmt.Errorf("%s has %d KiB free, a check needs %d KiB", s.dir, free>>10, need>>10)
	}
	return nil
}

// newID names a report by the start of its check, in UTC.
func (s state) newID(started time.Time) string {
	id := started.UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		if taken, _ := filepath.Glob(filepath.Join(s.reports(), id+".*")); len(taken) == 0 {
			return id
		}
		id = fmt.Sprintf("%s-%d", started.UTC().Format("20060102T150405Z"), n)
	}
}

// keepReport compresses a report under its name.
func (s state) keepReport(name string, report io.Reader) error {
	path := filepath.Join(s.reports(), name+".gz")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	z, _ := gzip.NewWriterLevel(f, gzip.BestSpeed) // the level is valid
	_, err = io.Copy(z, report)
	if err = errors.Join(err, z.Close(), f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("keep report %s: %w", path, err)
	}
	return nil
}

// prune removes reports that are older than age. The newest is never removed.
func (s state) prune(now time.Time, age time.Duration) error {
	files, err := os.ReadDir(s.reports())
	if err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".gz") {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-1)] {
		started, err := time.Parse("20060102T150405Z", name[:min(len(name), 16)])
		if err != nil || now.Sub(started) <= age {
			continue
		}
		if err := os.Remove(filepath.Join(s.reports(), name)); err != nil {
			return err
		}
	}
	return nil
}

// keepLast notes what the last check said, and the digest of the new database
// it left behind.
func (s state) keepLast(l result.Line, newDatabase string) error {
	b, err := json.MarshalIndent(struct {
		result.Line
		NewDatabase string `json:"newDatabase"` // SHA-256, hex
	}{l, newDatabase}, "", " ")
	if err != nil {
		return err
	}
	tmp := s.last() + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, s.last())
}
