package state

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"aidefleet/node/regular"
)

// BusyError says that another run holds the lock.
type BusyError struct{ Holder string }

func (e *BusyError) Error() string { return "another run is at work on this host: " + e.Holder }

// Lock takes the lock, or fails at once with a BusyError. The kernel frees a lock when
// its process dies, so that a dead one never blocks.
func (f Folder) Lock(now time.Time) (release func(), err error) {
	file, err := regular.OpenFile(f.lock(), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.flock(file, syscall.LOCK_EX); err != nil {
		_ = file.Close()
		return nil, err
	}
	// What the file says is for people; the lock holds without it.
	if err := file.Truncate(0); err == nil {
		_, _ = file.WriteAt(fmt.Appendf(nil, "pid %d since %s\n", os.Getpid(), now.UTC().Format(time.RFC3339)), 0)
	}
	return func() {
		// A process that is just being started may still have the file open.
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN)
		_ = file.Close()
	}, nil
}

// Busy is a BusyError if another run holds the lock. It holds the lock itself for no
// longer than it takes to let go of it, and shared, so that two callers do not see each
// other.
func (f Folder) Busy() error {
	file, err := regular.Open(f.lock())
	if absent(err) {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // and with it the lock
	return f.flock(file, syscall.LOCK_SH)
}

func (f Folder) flock(file *os.File, how int) error {
	err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		text := make([]byte, 200)
		n, _ := file.ReadAt(text, 0)
		return &BusyError{strings.TrimSpace(string(text[:n]))}
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.lock(), err)
	}
	return nil
}
