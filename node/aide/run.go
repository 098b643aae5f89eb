package aide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"aidefleet/node/program"
)

// keep bounds what is kept of AIDE's stdout and of its stderr, in bytes. Both
// are read to their end: an AIDE whose stdout is full ends with status 7.
const keep = 64 << 10

var (
	// ErrNotExecutable says that this host does not let a program be run, though it is
	// there: fapolicyd answers EPERM, the others EACCES (execve(2)).
	ErrNotExecutable = errors.New("this host does not let it be run")
	// ErrStart says that a program could not be started for another reason, such as
	// too little memory.
	ErrStart = errors.New("could not start")
)

// Outcome is how a run of AIDE ended.
type Outcome struct {
	Exit   int            // its exit status, or -1 if a signal ended it
	Signal syscall.Signal // the signal that ended it, or 0
	Stdout []byte         // its first 64 KiB
	Stderr []byte         // its first 64 KiB
	Said   Warnings       // on all of stderr, and up to 0.16 in its report
}

// command is one run of AIDE, or of what installs it.
type command struct {
	path   string
	args   []string
	env    []string   // beside that of program.Environment
	files  []*os.File // open for AIDE as 3, 4, …
	stdin  []byte
	ahead  int // lines of configuration before the host's own
	weight Weight
	// stdout and stderr take all of it, beside what is kept; nil for none.
	stdout, stderr io.Writer
}

// Weight says how much of the machine AIDE may take.
type Weight struct {
	program.Weight
	Workers int // threads that read files (0.18 and later); 0 for AIDE's default
}

// run starts AIDE and waits for its end. When ctx is done AIDE is killed: up to
// 0.18 it ignores SIGTERM. An error means that it could not be run at all.
func run(ctx context.Context, c command) (Outcome, error) {
	stdout, stderr := program.Head{Most: keep}, program.Head{Most: keep}
	var said Warnings
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	stdouts, stderrs := []io.Writer{&stdout}, []io.Writer{&stderr, &said}
	if c.stdout != nil {
		stdouts = append(stdouts, c.stdout)
	}
	if c.stderr != nil {
		stderrs = append(stderrs, c.stderr)
	}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(stdouts...), io.MultiWriter(stderrs...)
	cmd.Env = append(program.Environment(), c.env...)
	cmd.ExtraFiles = c.files
	if c.stdin != nil {
		cmd.Stdin = bytes.NewReader(c.stdin)
	}
	err := program.Run(cmd, c.weight.Weight)
	said.end() // the last line may have no newline
	o := Outcome{Stdout: stdout.Kept, Stderr: stderr.Kept, Said: said}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
	case errors.As(err, &exit):
		o.Exit = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			o.Signal = status.Signal()
		}
	case cmd.ProcessState != nil && ctx.Err() != nil: // it ended, and ctx was done meanwhile
		o.Exit = cmd.ProcessState.ExitCode()
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return o, fmt.Errorf("run %s: %w: %w: look for a file system mounted noexec, fapolicyd, SELinux, AppArmor", c.path, err, ErrNotExecutable)
	default:
		return o, fmt.Errorf("%w %s: %w", ErrStart, c.path, err)
	}
	return o, nil
}

// succeed runs a command, and fails if its status is not 0. The error says what was run and
// what it printed, and wraps that of ctx if ctx ended it.
func (c command) succeed(ctx context.Context) error {
	o, err := run(ctx, c)
	if err == nil {
		err = c.errorOf(ctx, o)
	}
	return err
}

// errorOf is the error of a command that did not succeed.
func (c command) errorOf(ctx context.Context, o Outcome) (err error) {
	line := c.path + " " + strings.Join(c.args, " ")
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("%s was ended: %w", line, ctx.Err())
	case o.Signal != 0:
		err = fmt.Errorf("%s was ended by signal %d (%s)", line, o.Signal, o.Signal)
	case o.Exit != 0:
		err = fmt.Errorf("%s ended with status %d: %s", line, o.Exit, o.errorLine())
	}
	return err
}

// Complaint is AIDE's error message: the first line of stderr that begins with ERROR, or
// else the first line of stderr that is no log line, or else the first line of stdout.
func (o Outcome) Complaint() string {
	var other string
	for line := range bytes.Lines(o.Stderr) {
		line = bytes.TrimSpace(line)
		switch {
		case bytes.HasPrefix(line, []byte("ERROR")):
			return string(line)
		case other == "" && len(line) > 0 && !logged(line):
			other = string(line)
		}
	}
	if other == "" {
		other = firstLine(o.Stdout)
	}
	return other
}

// logged says that a line of AIDE's log reports no error. It begins with a level, padded,
// and a colon (0.17 to 0.19).
func logged(line []byte) bool {
	level, _, ok := bytes.Cut(line, []byte(":"))
	return ok && slices.Contains(logLevels, string(level))
}

// logLevels are those that tell of no error (log.c of 0.17 to 0.19).
var logLevels = []string{"WARNING", "NOTICE", "INFO", "RULE", "COMPARE", "CONFIG", "DEBUG", "LIMIT", "THREAD", "TRACE"}

// errorLine is the error in what was printed. Package managers print hints and progress
// before it, on stderr too.
func (o Outcome) errorLine() string {
	for line := range bytes.Lines(o.Stderr) {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte("E: ")) || bytes.HasPrefix(bytes.ToLower(line), []byte("error")) {
			return string(line)
		}
	}
	return o.Complaint()
}
