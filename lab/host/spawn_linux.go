package host

import (
	"os/exec"
	"syscall"
)

// dieWithParent covers the time until bwrap has set the signal itself.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
