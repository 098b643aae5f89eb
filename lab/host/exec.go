package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/term"
)

// drainTime is how long output is read on when a program has ended and its
// children have not.
const drainTime = time.Second

// Exec runs a program on the host: in the sandbox that runs, whichever process
// started it, else in one that is made for it, where Tmpfs are empty. The program
// is looked up in the sandbox and gets no environment but PATH. The exit status
// is the program's, 128 + the signal that ended it, or as in a shell 126 or 127
// if it cannot be run. When ctx ends first, the program and its children are
// killed and the error is that of ctx.
func (h *Host) Exec(ctx context.Context, argv []string, stdin io.Reader, stdout, stderr io.Writer) (exit int, err error) {
	if len(argv) == 0 {
		return -1, fmt.Errorf("run a program on host %s: none given", h.Name)
	}
	p, running, err := h.first()
	if err != nil {
		return -1, fmt.Errorf("run %s on host %s: %w", argv[0], h.Name, err)
	}
	// env gives both ways the same environment and exit status.
	argv = append([]string{"/usr/bin/env", "-i", "PATH=" + searchPath}, argv...)
	var cmd *exec.Cmd
	start := (*exec.Cmd).Start
	if running {
		cmd = enter(ctx, p, argv, stdin)
	} else {
		args, err := h.bwrapArgs(nil)
		if err != nil {
			return -1, fmt.Errorf("run %s on host %s: %w", argv[3], h.Name, err)
		}
		cmd = exec.CommandContext(ctx, "bwrap", append(append(args, "--"), argv...)...)
		start = spawn
	}
	cmd.Env = []string{"PATH=" + searchPath}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.WaitDelay = drainTime
	err = start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil && err != nil {
		return -1, fmt.Errorf("run %s on host %s: %w", argv[3], h.Name, ctx.Err())
	}
	var ended *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	case !errors.As(err, &ended):
		return -1, fmt.Errorf("run %s on host %s: %w", argv[3], h.Name, err)
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return ended.ExitCode(), nil
}

// ConfinedCommand is the command of this program that calls Confine.
const ConfinedCommand = "confined"

// enter is a command in a sandbox that runs. To get there takes more capabilities
// than a host has; the first program there gives them up, before anything that the
// host could have changed is executed or read.
func enter(ctx context.Context, p process, argv []string, stdin io.Reader) *exec.Cmd {
	args := []string{"--target", strconv.Itoa(p.PID), "--mount", "--uts", "--ipc", "--pid"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	args = append(args, "--root", "--wd", "--", labProgram, ConfinedCommand)
	cmd := exec.CommandContext(ctx, "nsenter", append(args, argv...)...)
	// The program is nsenter's child and would survive it: both are in a group,
	// which can be killed from outside of the sandbox. A terminal, though, stops a
	// group that is not in its foreground; there an interrupt reaches the program.
	if f, ok := stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return cmd
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
