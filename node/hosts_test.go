package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// mount gives a folder of the host a file system of its own until the test ends.
func (h host) mount(name string, flags uintptr) (path string) {
	h.t.Helper()
	path = filepath.Join(h.dir, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", flags, "size=16m,mode=0755"); err != nil {
		h.t.Skipf("mount a file system at %s, which only root may: %v", path, err)
	}
	h.t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
	return path
}

// remount changes the flags of a file system that mount made.
func (h host) remount(path string, flags uintptr) {
	h.t.Helper()
	if err := syscall.Mount("", path, "", syscall.MS_REMOUNT|flags, ""); err != nil {
		h.t.Fatal(err)
	}
}

// TestHostsThatForbid: what a host does not let the node or AIDE do has a reason of
// its own, and the message names what is meant. The reason is never internal.
func TestHostsThatForbid(t *testing.T) {
	program := readFile(t, aidetest.System(t).Path)
	for name, c := range map[string]struct {
		do      func(h host) (command string, options []string)
		want    result.Reason
		message string
	}{
		"AIDE on a file system that is noexec": {func(h host) (string, []string) {
			aide := filepath.Join(h.mount("opt", syscall.MS_NOEXEC), "aide")
			h.write("opt/aide", string(program))
			_ = os.Chmod(aide, 0o755)
			return "check", []string{"--aide", aide}
		}, result.NotExecutable, "opt/aide: permission denied: this host does not let it be run: look for a file system mounted noexec"},
		"AIDE that nobody may execute": {func(h host) (string, []string) {
			h.write("aide", string(program))
			return "check", []string{"--aide", h.dir + "/aide"}
		}, result.NotExecutable, "chmod 0755 "},
		"an interpreter on a file system that is noexec": {func(h host) (string, []string) {
			sh := filepath.Join(h.mount("opt", syscall.MS_NOEXEC), "sh")
			h.write("opt/sh", string(readFile(t, "/bin/sh")))
			_ = os.Chmod(sh, 0o755)
			h.write("aide", "#!"+sh+"\n")
			_ = os.Chmod(h.dir+"/aide", 0o755)
			return "check", []string{"--aide", h.dir + "/aide"}
		}, result.NotExecutable, "/aide: permission denied"},
		"AIDE for another machine": {func(h host) (string, []string) {
			h.write("aide", "\x7fELF no program")
			_ = os.Chmod(h.dir+"/aide", 0o755)
			return "check", []string{"--aide", h.dir + "/aide"}
		}, result.AideFailed, "could not start "},
		"a state folder that is read-only": {func(h host) (string, []string) {
			return "check", []string{"--state", h.mount("ro", syscall.MS_RDONLY) + "/state"}
		}, result.ReadOnly, "/ro/state: read-only file system"},
		"a state folder that became read-only": {func(h host) (string, []string) {
			state := h.mount("ro", 0)
			h.run("check", "--state", state)
			h.remount(state, syscall.MS_RDONLY)
			return "check", []string{"--state", state}
		}, result.ReadOnly, "/ro/"},
		"a first baseline in a folder that is read-only": {func(h host) (string, []string) {
			return "init", []string{"--database", h.mount("ro", syscall.MS_RDONLY) + "/aide.db"}
		}, result.ReadOnly, "/ro/aide.db"},
		"a new baseline in a folder that is read-only": {func(h host) (string, []string) {
			dir := h.mount("ro", 0)
			h.run("init", "--database", dir+"/aide.db")
			h.remount(dir, syscall.MS_RDONLY)
			return "init", []string{"--force", "--yes", "--database", dir + "/aide.db"}
		}, result.ReadOnly, "/ro/aide.db"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			if l, _ := h.run("init"); l.Status != result.Clean {
				t.Fatalf("init: %+v", l)
			}
			command, options := c.do(h)
			l, text := h.run(command, options...)
			if l.Reason != c.want {
				t.Errorf("reason %q, want %q\n%s", l.Reason, c.want, text)
			}
			if !strings.Contains(l.Message, c.message) {
				t.Errorf("message %q, want %q in it", l.Message, c.message)
			}
			if l, text := h.run("check"); l.Status != result.Clean {
				t.Errorf("the host as it was: %+v\n%s", l, text)
			}
		})
	}
}

// TestNoexecIsNoMatter: nothing is executed in the state folder, nor beside the
// baseline, nor in the folder for temporary files.
func TestNoexecIsNoMatter(t *testing.T) {
	h := newHost(t)
	h.state = filepath.Join(h.mount("var", syscall.MS_NOEXEC|syscall.MS_NOSUID|syscall.MS_NODEV), "state")
	t.Setenv("TMPDIR", h.mount("tmp", syscall.MS_NOEXEC))
	database := []string{"--database", h.dir + "/var/aide.db"}
	if l, text := h.run("init", database...); l.Status != result.Clean {
		t.Fatalf("init: %+v\n%s", l, text)
	}
	h.write("tree/a", "other\n")
	l, text := h.run("check", database...)
	if l.Status != result.Drift {
		t.Fatalf("check: %+v\n%s", l, text)
	}
	if l, text := h.run("accept", append(database, "--fingerprint", l.Fingerprint)...); l.Status != result.Clean {
		t.Errorf("accept: %+v\n%s", l, text)
	}
}

// TestPipes: something that blocks who opens it, in the place of a file of the
// node's, does not block the node, and does not last where the node writes the file.
func TestPipes(t *testing.T) {
	kinds := map[string]func(path string) error{
		"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"device": func(path string) error { return syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|5) }, // zero(4)
	}
	for kind, put := range kinds {
		for _, c := range []struct {
			file    string // in the state folder
			command string
			want    result.Reason // empty for clean or drift
		}{
			{"configs", "check", ""},
			{"configs", "init", ""},
			{"configs.tmp", "init --force --yes", ""},
			{"last.json", "check", ""},
			{"last.json", "accept", result.StateUnwritable},
			{"last.json.tmp", "check", ""},
			{"lock", "check", result.StateUnwritable},
			{"run/new.db", "check", ""},
			{"run/new.db", "accept", result.StateUnwritable},
			{"run/report", "check", ""},
			{"run/summary", "check", ""},
			{"run/candidate.conf", "configure", ""},
			{"reports/.unfinished", "check", ""},
		} {
			t.Run(kind+" "+c.file+" "+c.command, func(t *testing.T) {
				h := newHost(t)
				h.run("init")
				h.write("tree/a", "other\n")
				last, _ := h.run("check")
				path := filepath.Join(h.state, c.file)
				_ = os.Remove(path)
				if err := put(path); err != nil {
					t.Skipf("make a %s: %v", kind, err)
				}
				args := strings.Fields(c.command)
				switch args[0] {
				case "accept":
					args = append(args, "--fingerprint", last.Fingerprint)
				case "configure":
					args = append(args, "--watch", h.tree+"/etc")
				}
				l := h.soon(args...)
				if l.Reason != c.want {
					t.Errorf("%+v, want %q", l, c.want)
				}
				if c.want == result.StateUnwritable && !strings.Contains(l.Message, path) {
					t.Errorf("%q does not name %s", l.Message, path)
				}
			})
		}
		t.Run(kind+" of doctor", func(t *testing.T) {
			h := newHost(t)
			h.run("init")
			for _, name := range []string{"lock", "last.json", "configs"} {
				path := filepath.Join(h.state, name)
				_ = os.Remove(path)
				if err := put(path); err != nil {
					t.Skipf("make a %s: %v", kind, err)
				}
			}
			cmd := exec.Command(binary, "doctor", "--config", h.config, "--state", h.state, "--aide", h.aide)
			text := string(ends(t, cmd))
			for _, want := range []string{h.state + "/lock is not a regular file", h.state + "/last.json is not a regular file"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
		})
		t.Run(kind+" for a report", func(t *testing.T) {
			h := newHost(t)
			h.run("init")
			l, _ := h.run("check")
			for _, kind := range []string{".json.gz", ".plain.gz"} {
				_ = os.Remove(filepath.Join(h.state, "reports", l.Report+kind))
			}
			if err := put(filepath.Join(h.state, "reports", l.Report+".json.gz")); err != nil {
				t.Skipf("make a %s: %v", kind, err)
			}
			if text := string(ends(t, exec.Command(binary, "report", "--state", h.state, "--id", l.Report))); !strings.Contains(text, `"status":"failed"`) {
				t.Error(text)
			}
		})
	}
}

// ends runs a program, which must end within ten seconds, and returns its stdout.
func ends(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	if !late.Stop() {
		t.Fatalf("%q does not end", cmd.Args)
	}
	return stdout.Bytes()
}

// soon runs a node that must end by itself.
func (h host) soon(args ...string) result.Line {
	h.t.Helper()
	stdout := ends(h.t, exec.Command(binary, append(args, "--config", h.config, "--state", h.state, "--aide", h.aide)...))
	l, err := result.Parse(stdout)
	if err != nil {
		h.t.Fatalf("%q: %v in %q", args, err, stdout)
	}
	return l
}

// TestInterruptedRealAIDE ends a check with each AIDE as systemd stops a service:
// SIGTERM to the whole process group, in the middle of a large file.
func TestInterruptedRealAIDE(t *testing.T) { aidetest.Each(t, testInterruptedRealAIDE) }

func testInterruptedRealAIDE(t *testing.T, a aidetest.AIDE) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			h := newHost(t, a)
			big := filepath.Join(h.tree, "big")
			if err := os.WriteFile(big, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			h.run("init")
			if err := os.Truncate(big, 64<<30); err != nil { // a hole that takes minutes to read
				t.Fatal(err)
			}
			var stdout bytes.Buffer
			node := exec.Command(binary, "check", "--config", h.config, "--state", h.state, "--aide", h.aide)
			node.Stdout = &stdout
			node.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			if err := node.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = syscall.Kill(-node.Process.Pid, syscall.SIGKILL) })
			aide := reads(t, node.Process.Pid, big)
			_ = syscall.Kill(-node.Process.Pid, signal)
			_ = node.Wait()
			l, err := result.Parse(stdout.Bytes())
			if err != nil {
				t.Fatalf("%v in %q", err, stdout.String())
			}
			if l.Reason != result.Interrupted {
				t.Errorf("%+v, want %s", l, result.Interrupted)
			}
			if l.Counts != nil {
				t.Errorf("%+v: an interrupted check has counts", l)
			}
			if !gone(aide) {
				t.Errorf("AIDE %s outlives an interrupted node", aide)
			}
			if err := os.Truncate(big, 0); err != nil {
				t.Fatal(err)
			}
			if l, text := h.run("check"); l.Status != result.Clean {
				t.Errorf("the next check: %+v\n%s", l, text)
			}
		})
	}
}

// reads waits until a child of a process has a file open, and returns its id.
func reads(t *testing.T, parent int, file string) (pid string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
		for _, link := range links {
			to, err := os.Readlink(link)
			if err != nil || to != file {
				continue
			}
			pid = strings.Split(link, "/")[2]
			if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil && strings.Contains(string(stat), fmt.Sprintf(") R %d ", parent)) ||
				err == nil && strings.Contains(string(stat), fmt.Sprintf(") S %d ", parent)) {
				return pid
			}
		}
	}
	t.Fatalf("AIDE does not open %s within 20 s", file)
	return ""
}
