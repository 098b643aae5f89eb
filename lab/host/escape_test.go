//go:build linux

package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoWayOut tries what root on a host could do to the machine: in the sandbox that
// runs, in one that is made for a program, and as the agent. It runs as root and, by
// TestAsOrdinaryUser, as an ordinary user.
func TestNoWayOut(t *testing.T) {
	needSandbox(t)
	outside := exec.Command("sleep", "600."+newMarker())
	if err := outside.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = outside.Process.Kill()
		_ = outside.Wait() // it was killed
	})
	const remount = "mount -o remount,bind,rw /usr/share && touch /usr/share/lab-test"
	ways := []struct{ name, script string }{
		{"write to /usr/share", "touch /usr/share/lab-test"},
		{"remount /usr/share", remount},
		{"remount the machine's programs", "mount -o remount,bind,rw /.os/usr && touch /.os/usr/bin/lab-test"},
		{"remount in namespaces of its own", "unshare --user --mount sh -c '" + remount + "'"},
		{"remount as root of a namespace of its own", "unshare --user --map-root-user --mount sh -c '" + remount + "'"},
		{"unmount /usr/share", "umount -l /usr/share"},
		{"mount a file system", "mount -t tmpfs none /srv"},
		{"mount a folder", "mount --bind /srv /usr/share"},
		{"make a disk", "mknod /var/disk b 8 0"},
		{"make a disk in memory", "mknod /tmp/disk b 8 0"},
		{"another root", "chroot /srv/app true || chroot / true"},
		{"the namespaces of its first process", "nsenter --target 1 --mount true"},
		{"the machine's settings", `f=/proc/sys/kernel/core_pattern; v=$(cat $f); printf "%s\n" "$v" >$f`},
		{"the machine's keyboard", ": >>/proc/sysrq-trigger"},
		{"the machine's name", "hostname web-9"},
		{"the machine's clock", "date -s @$(date +%s)"},
		{"a process of the machine", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep '[s]leep " + outside.Args[1] + "'"},
		{"a file of the machine by its handle", labProgram + " " + handleCommand + " /etc/hostname"},
		{"the lab's program", "echo x >" + labProgram},
		{"another program in its place", "rm -f " + labProgram},
		{"another folder in its place", "mv /.lab /.other"},
		{"another file beside it", "touch /.lab/x"},
		{"other programs of the machine", "mv /.os/usr /.os/other"},
	}
	h := newHost(t, Spec{})
	try := func(t *testing.T) {
		for _, way := range ways {
			t.Run(way.name, func(t *testing.T) {
				if exit, output := run(t, h, "sh", "-c", way.script); exit == 0 {
					t.Errorf("it works: %s", output)
				}
				leavesNoTrace(t)
			})
		}
	}
	t.Run("stopped", try)
	var agent strings.Builder
	for _, way := range ways {
		fmt.Fprintf(&agent, "(%s\n) >/dev/null 2>&1 && echo 'it works: %s'\n", way.script, way.name)
	}
	start(t, h, Agent{Args: []string{"sh", "-c", agent.String() + "echo done\nsleep 600 & wait"}})
	t.Run("running", try)
	t.Run("agent", func(t *testing.T) {
		if said := logged(t, h, "done"); said != "done\n" {
			t.Error(said)
		}
		leavesNoTrace(t)
	})
}

// leavesNoTrace fails if something was written to the machine, and removes it.
func leavesNoTrace(t *testing.T) {
	t.Helper()
	for _, name := range []string{"/usr/share/lab-test", "/usr/bin/lab-test"} {
		if os.Remove(name) == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// logged returns what an agent has printed when it has printed a word.
func logged(t *testing.T, h *Host, word string) string {
	t.Helper()
	if exit, output := run(t, h, "timeout", "30", "true"); exit != 0 {
		t.Fatal(output)
	}
	for {
		text, err := os.ReadFile(h.Log())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), word) || t.Context().Err() != nil {
			return string(text)
		}
	}
}

var capabilityLine = regexp.MustCompile(`(?m)^(Cap\w+):\s+([0-9a-f]+)$`)

// sets are the sets of capabilities in a /proc/PID/status.
func sets(t *testing.T, status string) map[string]uint64 {
	t.Helper()
	all := make(map[string]uint64)
	for _, m := range capabilityLine.FindAllStringSubmatch(status, -1) {
		set, err := strconv.ParseUint(m[2], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		all[m[1]] = set
	}
	if len(all) != 5 {
		t.Fatalf("%d sets of capabilities in %s", len(all), status)
	}
	return all
}

// TestCapabilities: the agent has those of a host, and what Exec runs has none that the
// agent has not.
func TestCapabilities(t *testing.T) {
	needSandbox(t)
	var want uint64
	for _, c := range capabilities {
		want |= 1 << c
	}
	h := newHost(t, Spec{})
	_, stopped := run(t, h, "cat", "/proc/self/status")
	start(t, h, Agent{Args: []string{"sh", "-c", "cat /proc/self/status; sleep 600 & wait"}})
	agent := sets(t, logged(t, h, "nonvoluntary"))
	_, running := run(t, h, "cat", "/proc/self/status")
	for _, name := range []string{"CapEff", "CapPrm"} {
		if agent[name] != want {
			t.Errorf("the agent has the capabilities %s %x, want %x", name, agent[name], want)
		}
	}
	for where, status := range map[string]string{"stopped": stopped, "running": running} {
		for name, set := range sets(t, status) {
			if more := set &^ agent[name]; more != 0 {
				t.Errorf("%s: a program gets %s %x that the agent has not", where, name, more)
			}
		}
		if !strings.Contains(status, "NoNewPrivs:\t1\n") {
			t.Errorf("%s: a program can get more: %s", where, status)
		}
	}
	if got := sets(t, running)["CapEff"]; got != want {
		t.Errorf("a program has the capabilities %x, want %x", got, want)
	}
}

// handleCommand makes the test's program open a file by its handle.
const handleCommand = "open-by-handle"

func openByHandle(name string) int {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, name, 0)
	if err != nil {
		fmt.Println("no handle:", err)
		return 1
	}
	folder, err := unix.Open(filepath.Dir(name), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if _, err := unix.OpenByHandleAt(folder, handle, unix.O_RDONLY); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
