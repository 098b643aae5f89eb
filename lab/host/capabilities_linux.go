package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// capabilities are those of root on a host: what AIDE and scripts of an operator
// need to read, write, own and end what is there. None reaches out of the sandbox.
// CAP_DAC_READ_SEARCH is not among them: with it files of the machine can be opened by
// their handles (open_by_handle_at(2)), and AIDE reads all files without it.
var capabilities = map[string]uintptr{
	"CAP_CHOWN": unix.CAP_CHOWN, "CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_FOWNER": unix.CAP_FOWNER,
	"CAP_FSETID": unix.CAP_FSETID, "CAP_KILL": unix.CAP_KILL, "CAP_SETGID": unix.CAP_SETGID, "CAP_SETUID": unix.CAP_SETUID,
}

// Confine turns this process, which has entered a sandbox with all capabilities that
// this takes, into a program with those of a host. It returns only if it cannot.
func Confine(argv []string) error {
	if len(argv) == 0 {
		return errors.New("confine a program: none given")
	}
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // capabilities are a thread's
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("give up capabilities: %w", err)
	}
	return &os.PathError{Op: "exec", Path: program, Err: syscall.Exec(program, argv, os.Environ())}
}

func dropCapabilities() error {
	var kept [2]unix.CapUserData // 32 capabilities each
	for _, c := range capabilities {
		kept[c/32].Effective |= 1 << (c % 32)
		kept[c/32].Permitted |= 1 << (c % 32)
	}
	for c := uintptr(0); ; c++ {
		if kept[0].Permitted&(1<<c) != 0 && c < 32 {
			continue
		}
		// Root gets what is in this set when it executes a program.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); errors.Is(err, unix.EINVAL) {
			break // the kernel knows no more
		} else if err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &kept[0])
}
