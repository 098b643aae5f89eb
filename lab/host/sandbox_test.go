package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sync/errgroup"
)

const (
	asUser   = "HOST_TEST_AS_USER" // set when the tests run as an ordinary user on behalf of root's
	holdHost = "HOST_TEST_HOLD"    // folder of a host that a process is to start and hold
	marked   = "HOST_TEST_MARKER"  // its agent's argument
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ConfinedCommand { // in a sandbox
		fmt.Fprintln(os.Stderr, Confine(os.Args[2:]))
		os.Exit(127)
	}
	if len(os.Args) > 1 && os.Args[1] == handleCommand { // in a sandbox
		os.Exit(openByHandle(os.Args[2]))
	}
	if dir := os.Getenv(holdHost); dir != "" {
		hold(dir, os.Getenv(marked))
	}
	os.Exit(m.Run())
}

// hold starts a host, says so and waits to be killed.
func hold(dir, marker string) {
	h, err := Open(dir)
	if err == nil {
		err = h.Start(sleeper(marker))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	err = h.Wait()
	fmt.Println("the sandbox ended:", err)
	os.Exit(1)
}

func needSandbox(t *testing.T) {
	t.Helper()
	if err := Check(); err != nil {
		t.Skipf("no sandboxed hosts here: %v", err)
	}
}

// sleeper is an agent with a child of its own session. Both sleep, and both can be
// found by their marker.
func sleeper(marker string) Agent {
	sleep := fmt.Sprintf("trap 'exit 0' TERM; sleep 600.%s & wait", marker)
	return Agent{Args: []string{"sh", "-c", fmt.Sprintf("setsid sleep 700.%s & %s", marker, sleep)}}
}

func newMarker() string { return strconv.FormatInt(time.Now().UnixNano(), 10) }

// processesWith counts the processes that have the marker in their arguments.
func processesWith(marker string) int {
	n := 0
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(marker)) {
			n++
		}
	}
	return n
}

// waitGone fails if processes with the marker outlive a moment.
func waitGone(t *testing.T, marker string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); processesWith(marker) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d processes are left", processesWith(marker))
		}
	}
}

// start starts a host that the test's end stops.
func start(t *testing.T, h *Host, a Agent) {
	t.Helper()
	if err := h.Start(a); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// run executes a program on a host.
func run(t *testing.T, h *Host, argv ...string) (exit int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	exit, err := h.Exec(ctx, argv, nil, &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	return exit, out.String()
}

func TestStopLeavesNothing(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	if err := h.Stop(); err != nil {
		t.Errorf("stop without a start: %v", err)
	}
	deaf := func(marker string) Agent {
		return Agent{Args: []string{"sh", "-c", "trap '' TERM; while :; do sleep 0.1; : " + marker + "; done"}}
	}
	for name, agent := range map[string]func(string) Agent{"listens": sleeper, "does not listen": deaf} {
		t.Run(name, func(t *testing.T) {
			marker := newMarker()
			if err := h.Start(agent(marker)); err != nil {
				t.Fatal(err)
			}
			if processesWith(marker) == 0 {
				t.Error("nothing runs")
			}
			began := time.Now()
			if err := h.Stop(); err != nil {
				t.Error(err)
			}
			if n := processesWith(marker); n > 0 {
				t.Errorf("%d processes are left", n)
			}
			if took := time.Since(began); name == "listens" && took >= stopTime {
				t.Errorf("stop took %v: the agent was not asked", took)
			}
			if err := h.Wait(); err != nil {
				t.Errorf("wait after stop: %v", err)
			}
		})
	}
}

func TestAgentThatEnds(t *testing.T) {
	needSandbox(t)
	tests := []struct {
		name, script string
		want         string // in the error of Wait, none if empty
	}{
		{"well", "exit 0", ""},
		{"badly", "echo broken; exit 3", "exit status 3"},
		{"with a child left", "setsid sleep 600.$MARKER & exit 4", "exit status 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, Spec{})
			marker := newMarker()
			start(t, h, Agent{Args: []string{"sh", "-c", tt.script}, Env: []string{"MARKER=" + marker}})
			err := h.Wait()
			if tt.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, tt.want)
			}
			if n := processesWith(marker); n > 0 {
				t.Errorf("%d processes are left", n)
			}
			text, err := os.ReadFile(h.Log())
			assert.NoError(t, err)
			if strings.Contains(tt.script, "broken") {
				assert.Equal(t, "broken\n", string(text), "log %q", text)
			}
		})
	}
}

func TestAgentGetsWhatItNeeds(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	folder := t.TempDir()
	for name, content := range map[string]string{"program": "from the machine\n", "own.conf": "for nobody\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	start(t, h, Agent{
		Args:   []string{"sh", "-c", `cat - /opt/x/program /opt/x/own.conf; echo "$KEY"; touch /opt/x/program || touch /var/lib/amazon/ssm/x`},
		Env:    []string{"KEY=value"},
		Stdin:  "configuration\n",
		Mounts: map[string]string{"/opt/x": folder},
		Files:  map[string]string{"/opt/x/own.conf": "for web-1\n"},
	})
	if err := h.Wait(); err != nil {
		t.Error(err)
	}
	log, err := os.ReadFile(h.Log())
	want := "configuration\nfrom the machine\nfor web-1\nvalue\ntouch:"
	assert.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(log), want), "log %q", log)
	if _, err := os.Stat(filepath.Join(h.Dir(), "var/lib/amazon/ssm/x")); err != nil {
		t.Error(err)
	}
}

func TestStartThatFails(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	err := h.Start(Agent{Args: []string{"true"}, Mounts: map[string]string{"/opt/x": "/no/such/folder"}})
	assert.ErrorContains(t, err, "/no/such/folder")
	start(t, h, sleeper(newMarker())) // it can still be started
}

// TestManyAtOnce starts, uses and stops hosts at the same time.
func TestManyAtOnce(t *testing.T) {
	needSandbox(t)
	const hosts = 6
	var all errgroup.Group
	marker := newMarker()
	for i := range hosts {
		h := newHost(t, Spec{Name: fmt.Sprint("web-", i)})
		all.Go(func() error {
			if err := h.Start(sleeper(marker)); err != nil {
				return err
			}
			var out bytes.Buffer
			if _, err := h.Exec(t.Context(), []string{"cat", "/etc/hostname"}, nil, &out, nil); err != nil || out.String() != h.Name+"\n" {
				return errors.Join(fmt.Errorf("%s: output %q, error %w", h.Name, &out, err), h.Stop())
			}
			return h.Stop()
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	if n := processesWith(marker); n > 0 {
		t.Errorf("%d processes are left", n)
	}
}

// TestKilledProcessLeavesNothing kills the process that holds a host.
func TestKilledProcessLeavesNothing(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	marker := newMarker()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdHost+"="+h.Dir(), marked+"="+marker)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 200)
	n, _ := out.Read(said)
	if string(said[:n]) != "ready\n" {
		t.Errorf("the holder says %q", said[:n])
	}
	// Its environment has the marker too, but only arguments are looked at.
	if processesWith(marker) == 0 {
		t.Error("nothing runs")
	}
	output := ""
	for deadline := time.Now().Add(10 * time.Second); len(strings.Fields(output)) != 2; {
		if time.Now().After(deadline) {
			t.Errorf("sleep has the processes %q in the sandbox, want two", output)
			break
		}
		_, output = run(t, h, "pidof", "sleep") // they may not have begun yet
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	waitGone(t, marker)
}

func TestTmpfs(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{Tmpfs: map[string]int64{"/var/lib/aide": 64 << 10}})
	start(t, h, sleeper(newMarker()))
	exit, output := run(t, h, "sh", "-c", "head -c 32768 /dev/zero >/var/lib/aide/a && head -c 65536 /dev/zero >/var/lib/aide/b")
	assert.NotZero(t, exit, "exit %d with %q", exit, output)
	assert.Contains(t, output, "No space left")
	if exit, output := run(t, h, "stat", "-c", "%s", "/var/lib/aide/a"); output != "32768\n" {
		t.Errorf("exit %d with %q: another program on the host does not see it", exit, output)
	}
}

// TestAsOrdinaryUser runs the tests once more without root.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the tests run as an ordinary user anyway")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skipf("cannot become an ordinary user: %v", err)
	}
	const nobody = 65534
	// Not t.TempDir, whose parent only root may enter.
	dir, err := os.MkdirTemp("", "host-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	binary := filepath.Join(dir, "host.test")
	if err := copyProgram(os.Args[0], binary); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("setpriv", "--reuid", strconv.Itoa(nobody), "--regid", strconv.Itoa(nobody), "--clear-groups", binary, "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, line := range strings.Split(string(out), "\n") {
		if strings.Contains(line, "no sandboxed hosts here") {
			t.Skip(strings.TrimSpace(line))
		}
	}
}
