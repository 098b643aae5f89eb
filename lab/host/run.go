package host

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// stopTime is how long an agent may take to end. The real one takes 10 s, mostly
// for waits on services that the lab does not have.
const stopTime = time.Second

// sandbox is a running sandbox, or one that ran.
type sandbox struct {
	first   process       // all others end with it
	ended   chan struct{} // closed when nothing of it is left
	stopped bool          // by Stop; guarded by the host's mu
	err     error         // why it ended, for Wait; set before ended is closed
}

// Start starts the sandbox with the agent as its first program, and returns when
// the agent runs. All of it ends when the agent does and when this process does,
// also when that is killed. A host runs once: a second Start is an error until
// the first sandbox has ended, in whatever process.
func (h *Host) Start(a Agent) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, running, err := h.first()
	if err != nil {
		return fmt.Errorf("start host %s: %w", h.Name, err)
	}
	if running {
		return fmt.Errorf("start host %s: it runs already, as process %d", h.Name, p.PID)
	}
	log, err := os.OpenFile(h.Log(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("start host %s: %w", h.Name, err)
	}
	defer func() { _ = log.Close() }() // the sandbox has its own
	s, cmd, err := h.launch(a, log)
	if err != nil {
		return fmt.Errorf("start host %s: %w", h.Name, err)
	}
	h.sandbox = s
	go h.await(s, cmd)
	return nil
}

// announce tells that the sandbox is complete, on descriptor 4, and turns into the
// agent, where its service starts it (packaging/linux/amazon-ssm-agent.service).
const announce = `cd /usr/bin && unset OLDPWD && echo ready >&4; exec 4>&-; exec "$@"`

// launch returns when the agent is about to be executed.
func (h *Host) launch(a Agent, log *os.File) (_ *sandbox, _ *exec.Cmd, err error) {
	mounts, err := h.agentMounts(a)
	if err != nil {
		return nil, nil, err
	}
	args, err := h.bwrapArgs(mounts)
	if err != nil {
		return nil, nil, err
	}
	args = append(args, "--info-fd", "3", "--", "/bin/sh", "-c", announce, "sh")
	cmd := exec.Command("bwrap", append(args, a.Args...)...)
	cmd.Env = append([]string{"PATH=" + searchPath}, a.Env...) // not in arguments, which anybody can read
	cmd.Stdin = strings.NewReader(a.Stdin)
	cmd.Stdout, cmd.Stderr = log, log
	infoRead, infoWrite, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, infoRead.Close(), infoWrite.Close())
	}
	cmd.ExtraFiles = []*os.File{infoWrite, readyWrite} // descriptors 3 and 4
	before, err := log.Seek(0, io.SeekEnd)
	if err == nil {
		err = spawn(cmd)
	}
	// Only read, or inherited by now.
	defer func() { _, _ = infoRead.Close(), readyRead.Close() }()
	_, _ = infoWrite.Close(), readyWrite.Close()
	if err != nil {
		return nil, nil, err
	}
	s := &sandbox{ended: make(chan struct{})}
	s.first, err = readFirst(infoRead)
	if err == nil {
		_, err = bufio.NewReader(readyRead).ReadString('\n') // or its end, if bwrap gave up
	}
	if err == nil {
		err = h.remember(s.first)
	}
	if err != nil {
		// They may have ended by themselves.
		_, _ = cmd.Process.Kill(), s.first.destroy()
		_ = cmd.Wait()
		// bwrap knows better what went wrong than the one who listens to it.
		said, _ := io.ReadAll(io.NewSectionReader(log, before, 1000))
		if len(said) > 0 {
			err = errors.New(strings.TrimSpace(string(said)))
		}
		return nil, nil, err
	}
	return s, cmd, nil
}

// readFirst reads what bwrap says of the sandbox: a JSON object with the id of
// its first process, as this process sees it.
func readFirst(info io.Reader) (process, error) {
	var in struct {
		PID int `json:"child-pid"`
	}
	if err := json.NewDecoder(info).Decode(&in); err != nil {
		return process{}, fmt.Errorf("read --info-fd: %w", err)
	}
	return identify(in.PID)
}

// await waits for the agent's end, and then for that of all else in the sandbox:
// bwrap ends with the agent, and what it leaves dies at the kernel's leisure.
func (h *Host) await(s *sandbox, cmd *exec.Cmd) {
	ended := cmd.Wait()
	err := s.first.destroy()
	h.mu.Lock()
	if ended != nil && !s.stopped {
		err = errors.Join(fmt.Errorf("agent ended: %w (see %s)", ended, h.Log()), err)
	}
	h.mu.Unlock()
	if err != nil {
		s.err = fmt.Errorf("host %s: %w", h.Name, err)
	}
	close(s.ended)
}

// Wait returns when nothing of the sandbox is left. An agent that failed without
// Stop is an error. Without a Start there is nothing to wait for.
func (h *Host) Wait() error {
	h.mu.Lock()
	s := h.sandbox
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	<-s.ended
	return s.err
}

// Stop ends the sandbox that Start started, within some seconds, and returns
// when nothing of it is left. It does nothing if there is none. How the agent
// ended is for Wait to say.
func (h *Host) Stop() error {
	h.mu.Lock()
	s := h.sandbox
	if s != nil {
		s.stopped = true
	}
	h.mu.Unlock()
	if s == nil {
		return nil
	}
	// As in a shutdown, all that runs is asked first: the agent is a child of the
	// first process, and so are those that lost their parents.
	for _, pid := range s.first.children() {
		_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended just now
	}
	select {
	case <-s.ended:
	case <-time.After(stopTime):
	}
	if err := s.first.destroy(); err != nil {
		return fmt.Errorf("stop host %s: %w", h.Name, err)
	}
	<-s.ended
	return nil
}
