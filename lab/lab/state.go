package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNone says that no lab is in the folder.
var ErrNone = errors.New("there is no lab")

// DefaultDir is the folder of the lab that an operator has: by the XDG base
// directory specification, in XDG_STATE_HOME or ~/.local/state.
func DefaultDir() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a folder for the lab: %w; give --dir", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "aidefleet", "lab"), nil
}

// State is what a lab leaves in its folder for the other commands, as lab.json:
//
//	lab.json     this
//	secret       the secret key of whoever uses the lab, for nobody else to read
//	lab.log      what the services had to say
//	lock         held as long as the lab is up
//	hosts/NAME/  a host
//	agent/       the agent given with --agent
//	packages/    the node, as make dist packs it
type State struct {
	URL string `json:"url"`
	PID int    `json:"pid"`

	// Ready says that the documents are published and the baselines taken.
	Ready bool `json:"ready"`
}

const (
	stateFile  = "lab.json"
	secretFile = "secret"

	ledgerFolder = "ledger"
)

// Ledger is the folder of the ledger of the lab in dir.
func Ledger(dir string) string { return filepath.Join(dir, ledgerFolder) }

func hostDir(dir, name string) string { return filepath.Join(dir, "hosts", name) }

// Read returns the state of the lab in dir, and whether it is up. The error is
// ErrNone if there is none.
func Read(dir string) (s State, up bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, fmt.Errorf("%w in %s; lab up makes one", ErrNone, dir)
	}
	if err != nil {
		return s, false, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, false, fmt.Errorf("read %s: %w", filepath.Join(dir, stateFile), err)
	}
	lock, err := takeLock(dir)
	if errors.Is(err, errLocked) {
		return s, true, nil
	} else if err != nil {
		return s, false, err
	}
	return s, false, lock.Close()
}

func (s State) write(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stateFile), append(text, '\n'), 0o644)
}

var errLocked = errors.New("a lab is up in this folder")

// takeLock takes the folder for this process. The kernel frees it when the
// process ends, however that happens.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", errLocked, dir)
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return f, nil
}

// claim makes dir an empty folder of a new lab. What an earlier lab left there is
// thrown away; a folder with anything else is refused.
func claim(dir string) (lock *os.File, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := ours(dir); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s belongs to another user, number %d: give a folder of yours with --dir", dir, owner.Uid)
	}
	// What a host's root makes, a program that is setuid among it, is for nobody else.
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	if lock, err = takeLock(dir); err != nil {
		return nil, err
	}
	if err := empty(dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// ours are the names in a lab's folder; any other means that it is somebody
// else's.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case stateFile, secretFile, "lab.log", "lock", "hosts", "agent", "packages", ledgerFolder:
		default:
			return fmt.Errorf("%s is not a lab's folder: it holds %s", dir, e.Name())
		}
	}
	return nil
}

func empty(dir string) error {
	for _, name := range []string{stateFile, secretFile, "lab.log", "hosts", "agent", "packages", ledgerFolder} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("throw away the lab before: %w", err)
		}
	}
	return nil
}

// Down ends the lab in dir if it is up, and throws its folder away.
func Down(dir string) error {
	s, up, err := Read(dir)
	if err != nil {
		return err
	}
	if up {
		if err := syscall.Kill(s.PID, syscall.SIGTERM); err != nil {
			return fmt.Errorf("end the lab, process %d: %w", s.PID, err)
		}
		for deadline := time.Now().Add(20 * time.Second); up; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("the lab, process %d, does not end", s.PID)
			}
			if _, up, err = Read(dir); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(ours(dir), empty(dir)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}
