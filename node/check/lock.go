package check

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"aidefleet/node/regular"
)

// busyError says that another run holds the lock.
type busyError struct{ holder string }

func (e busyError) Error() string { return "another run is at work on this host: " + e.holder }

// lock takes the lock file, or says at once who has it. The kernel frees a lock
// when its process dies, so that a dead one never blocks.
func lock(path string, now time.Time) (release func(), err error) {
	f, err := regular.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer func() { _ = f.Close() }()
		text := make([]byte, 200)
		n, _ := f.ReadAt(text, 0)
		return nil, busyError{strings.TrimSpace(string(text[:n]))}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// What the file says is for people; the lock holds without it.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "pid %d since %s\n", os.Getpid(), now.UTC().Format(time.RFC3339)), 0)
	}
	return func() {
		// A process that is just being started may still have the file open.
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
		_ = f.Close()
	}, nil
}
