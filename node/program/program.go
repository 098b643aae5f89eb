// Package program runs the programs of a host that the node asks: AIDE and the package
// managers. No shell is between, and none of them outlives the node.
package program

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Run runs a command at that weight, and waits for its end. It sets how the command is
// started; the caller sets its streams. The error is that of exec.Cmd's Run.
func Run(cmd *exec.Cmd, w Weight) (err error) {
	// What it started may outlive it and hold its stdout.
	cmd.WaitDelay = 5 * time.Second
	// It stays in the process group, so that the agent can kill all of it at once, and dies
	// with the node, however that dies.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The kernel sends Pdeathsig when the thread ends that started the program, and
		// priorities belong to a thread and are inherited. This thread lives as long as the
		// program does, and is thrown away with its priorities after it.
		runtime.LockOSThread()
		w.apply()
		err = cmd.Run()
	}()
	<-done
	return err
}

// Environment is that of a program: English messages, and no variable by which what it does
// could change.
func Environment() []string {
	env := []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	if dir := os.Getenv("TMPDIR"); dir != "" {
		env = append(env, "TMPDIR="+dir)
	}
	return env
}

// Head keeps the beginning of what is written to it.
type Head struct {
	Most int // bytes
	Kept []byte
}

// Write takes all of p. It never fails.
func (h *Head) Write(p []byte) (int, error) {
	h.Kept = append(h.Kept, p[:min(len(p), h.Most-len(h.Kept))]...)
	return len(p), nil
}
