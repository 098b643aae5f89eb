package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// process is one process and no other: its id may be used again, but not
// together with the time of its start.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // clock ticks since the machine started
}

// processStat is what /proc says of a process (proc_pid_stat(5)).
type processStat struct {
	state  byte // 'Z' is a zombie, 'X' is dead
	parent int
	start  string
}

func readStat(pid int) (processStat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return processStat{}, err
	}
	// The second field is a program's name in parentheses, which may hold any
	// character; from the third on there are none.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return processStat{}, fmt.Errorf("parse /proc/%d/stat %q: %d fields", pid, text, len(fields))
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return processStat{}, fmt.Errorf("parse /proc/%d/stat: parent: %w", pid, err)
	}
	return processStat{state: fields[0][0], parent: parent, start: string(fields[19])}, nil
}

// identify returns the process that has the id now.
func identify(pid int) (process, error) {
	s, err := readStat(pid)
	if err != nil {
		return process{}, fmt.Errorf("identify process %d: %w", pid, err)
	}
	return process{PID: pid, Start: s.start}, nil
}

// alive reports whether the process has not ended.
func (p process) alive() bool {
	s, err := readStat(p.PID)
	return err == nil && s.start == p.Start && s.state != 'Z' && s.state != 'X'
}

// children returns the ids of the processes whose parent it is.
func (p process) children() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // no process
		}
		if s, err := readStat(pid); err == nil && s.parent == p.PID {
			pids = append(pids, pid)
		}
	}
	return pids
}

// destroyTime is how long the kernel may take to end all of a sandbox.
const destroyTime = 10 * time.Second

// destroy kills a sandbox by its first process, whose end is the end of all in
// it, and returns when they have ended.
func (p process) destroy() error {
	for deadline := time.Now().Add(destroyTime); p.alive(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not end", p.PID)
		}
		if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill process %d: %w", p.PID, err)
		}
	}
	return nil
}

const sandboxFile = "sandbox.json"

// remember writes the sandbox's first process where other programs find it. It
// stays there: one that has ended is seen to have.
func (h *Host) remember(p process) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	name := filepath.Join(h.dir, sandboxFile)
	if err := os.WriteFile(name+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".new", name) // nobody reads half of it
}

// first returns the first process of the sandbox that runs, whoever started it.
func (h *Host) first() (p process, running bool, err error) {
	text, err := os.ReadFile(filepath.Join(h.dir, sandboxFile))
	if errors.Is(err, fs.ErrNotExist) {
		return process{}, false, nil
	}
	if err != nil {
		return process{}, false, err
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return process{}, false, fmt.Errorf("parse %s: %w", filepath.Join(h.dir, sandboxFile), err)
	}
	return p, p.alive(), nil
}
