package check

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"aidefleet/node/history"
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
	for _, d := range []string{dir, s.run(), string(s.history())} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s state) lock() string            { return filepath.Join(s.dir, "lock") }
func (s state) run() string             { return filepath.Join(s.dir, "run") }
func (s state) history() history.Folder { return history.In(s.dir) }
func (s state) last() string            { return filepath.Join(s.dir, "last.json") }

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
