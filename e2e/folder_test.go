package e2e

import (
	"cmp"
	"runtime"
	"strings"
	"testing"
	"time"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/report"
	documents "aidefleet/ssm-documents"
)

// toFolder runs orchestrator install on web-1, and returns what that said.
func (f *fleet) toFolder(exit int, packages string, options ...string) (status, reason, message, node string) {
	f.t.Helper()
	args := append([]string{"install", "--bucket", lab.Bucket, "--packages", packages, "--instance", instances["web-1"]}, options...)
	h := f.sweep(exit, args...)["web-1"]
	return string(h.Status), string(h.Reason), h.Message, h.Node
}

// TestInstallTo puts the node where /usr/bin is read-only, and lets every document
// find it there. It is the story of one host: its /usr/bin becomes read-only, the node
// goes to a folder and is upgraded there, the folder becomes one that cannot be executed
// or that others can change, the node moves behind a link, is lost, and comes back.
func TestInstallTo(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	const older, newer = "0.2.0", "0.3.0"
	arch := runtime.GOARCH
	packages := map[string]string{}
	for _, version := range []string{older, newer} {
		packages[version] = dist(t, version, map[string][]byte{arch: pack(t, version, arch, build(t, version, arch))})
	}
	first := f.says("web-1", "aide-node version")
	all := []string{documents.Check, documents.Init, documents.Accept, documents.Configure, documents.Report, documents.Doctor}
	needed := map[string]map[string][]string{documents.Accept: {"undo": {"true"}}, documents.Configure: {"remove": {"true"}}}

	// every runs each document on web-1, and wants that in what it prints.
	every := func(t *testing.T, want string) {
		t.Helper()
		f := f.in(t)
		for _, d := range all {
			if said := f.send("web-1", d, needed[d])[0]; !strings.Contains(said, want) {
				t.Errorf("%s: %s\nwant %q", d, said, want)
			}
		}
	}

	// found wants the answer of a node of that version of each of them; two do not say it.
	silent := map[string]string{documents.Report: `{"v":1,"report":"`, documents.Doctor: `"checks":[`}
	found := func(t *testing.T, version string) {
		t.Helper()
		f := f.in(t)
		for _, d := range all {
			want := cmp.Or(silent[d], `"node":"`+version+`"`)
			if said := f.send("web-1", d, needed[d])[0]; !strings.Contains(said, want) {
				t.Errorf("%s: %s\nwant %q", d, said, want)
			}
		}
	}

	t.Run("read-only /usr", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount -o remount,bind,ro /usr/bin")
		_, reason, message, _ := f.toFolder(4, packages[older])
		if reason != "read_only" {
			t.Errorf("reason %s, want read_only", reason)
		}
		if want := "/usr/bin cannot be written to, the parameter to names another folder:"; !strings.Contains(message, want) {
			t.Errorf("message %q, want %q", message, want)
		}
		if v := f.says("web-1", "aide-node version"); v != first {
			t.Errorf("there is %s now, want %s", v, first)
		}
	})

	t.Run("a folder", func(t *testing.T) {
		f := f.in(t)
		status, _, message, node := f.toFolder(0, packages[older], "--to", "/opt/fleet/bin")
		if status != "clean" {
			t.Errorf("%s: %s", status, message)
		}
		if node != older {
			t.Errorf("node %s, want %s", node, older)
		}
		if got, want := f.says("web-1", "readlink /var/lib/aide-node/program; stat -c '%a %U' /opt/fleet/bin /opt/fleet/bin/aide-node"), "/opt/fleet/bin/aide-node\n755 root\n755 root"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		f.sweep(0, "sweep", "--instance", instances["web-1"])
		found(t, older)
	})

	t.Run("an upgrade keeps it", func(t *testing.T) {
		f := f.in(t)
		if status, _, message, _ := f.toFolder(0, packages[newer]); status != "clean" {
			t.Errorf("%s: %s", status, message)
		}
		if v := f.says("web-1", "/opt/fleet/bin/aide-node version"); v != "aide-node "+newer {
			t.Errorf("there is %s, want %s", v, newer)
		}
		if v := f.says("web-1", "/var/lib/aide-node/previous/aide-node version"); v != "aide-node "+older {
			t.Errorf("kept is %s, want %s", v, older)
		}
		found(t, newer)
		steps, _ := f.install("web-1")
		if !strings.HasSuffix(steps[len(steps)-1], "is installed already; nothing was changed.\n") {
			t.Errorf("the same again: %q", steps)
		}
	})

	t.Run("noexec", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount --bind /opt/fleet /opt/fleet && mount -o remount,bind,noexec /opt/fleet")
		every(t, `"reason":"not_executable","message":"this host does not let /opt/fleet/bin/aide-node be run (`)
		_, reason, message, _ := f.toFolder(4, packages[older])
		if reason != "not_executable" {
			t.Errorf("reason %s, want not_executable", reason)
		}
		if want := "does not let a program in /opt/fleet/bin be run, the parameter to names another folder"; !strings.Contains(message, want) {
			t.Errorf("message %q, want %q", message, want)
		}
		f.machine("web-1", "umount /opt/fleet")
		found(t, newer)
	})

	t.Run("nobody may execute it", func(t *testing.T) {
		f := f.in(t)
		f.on("web-1", "chmod 644 /opt/fleet/bin/aide-node")
		every(t, `"reason":"not_executable"`)
		f.on("web-1", "chmod 755 /opt/fleet/bin/aide-node")
	})

	t.Run("noexec where the agent has its scripts", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount -o remount,bind,noexec /var")
		h := f.sweep(4, "sweep", "--instance", instances["web-1"])["web-1"]
		if h.Reason != "not_executable" {
			t.Errorf("reason %s, want not_executable", h.Reason)
		}
		if want := "does not let its SSM agent run scripts in /var/lib/amazon/ssm"; !strings.Contains(h.Message, want) {
			t.Errorf("message %q, want %q", h.Message, want)
		}
		f.machine("web-1", "mount -o remount,bind,ro,exec /var")
		if h := f.sweep(4, "sweep", "--instance", instances["web-1"])["web-1"]; h.Reason != "read_only" {
			t.Errorf("/var read-only: %+v, want read_only", h)
		}
		f.machine("web-1", "mount -o remount,bind,rw,exec /var")
	})

	t.Run("noexec where nothing is executed", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount --bind /var/lib/amazon /var/lib/amazon && mount -o remount,bind,noexec /var && mount -o remount,bind,noexec /tmp")
		found(t, newer)
		if status, _, message, _ := f.toFolder(0, packages[older]); status != "clean" {
			t.Errorf("install: %s: %s", status, message)
		}
		f.machine("web-1", "umount /var/lib/amazon; mount -o remount,bind,exec /var")
	})

	for name, change := range map[string][2]string{
		"the program":   {"chmod 757 /opt/fleet/bin/aide-node", "chmod 755 /opt/fleet/bin/aide-node"},
		"its folder":    {"chmod 775 /opt/fleet/bin", "chmod 755 /opt/fleet/bin"},
		"one above it":  {"chmod 1777 /opt/fleet", "chmod 755 /opt/fleet"},
		"another owner": {"chown 990 /opt/fleet", "chown 0 /opt/fleet"},
	} {
		t.Run("others can change "+name, func(t *testing.T) {
			f := f.in(t)
			f.on("web-1", change[0])
			every(t, `"reason":"program_unexpected","message":"others than root can change /opt/fleet/bin/aide-node`)
			if _, reason, _, _ := f.toFolder(4, packages[newer]); reason != "program_unexpected" {
				t.Errorf("install: reason %s, want program_unexpected", reason)
			}
			f.on("web-1", change[1])
			found(t, older)
		})
	}

	t.Run("a folder of others", func(t *testing.T) {
		f := f.in(t)
		f.on("web-1", "mkdir -m 1777 /srv/open; ln -s /srv/open /opt/link")
		for _, folder := range []string{"/srv/open", "/srv/open/bin", "/opt/link"} {
			_, reason, message, _ := f.toFolder(4, packages[newer], "--to", folder)
			if reason != "bad_arguments" {
				t.Errorf("%s: reason %s, want bad_arguments", folder, reason)
			}
			if !strings.Contains(message, "others than root can write to ") {
				t.Errorf("%s: message %q", folder, message)
			}
		}
		found(t, older)
	})

	t.Run("a link is written out", func(t *testing.T) {
		f := f.in(t)
		f.on("web-1", "mkdir -p /opt/real; ln -s real /opt/alias")
		f.toFolder(0, packages[newer], "--to", "/opt/alias/bin")
		if got := f.says("web-1", "readlink /var/lib/aide-node/program; ls /opt/fleet/bin"); got != "/opt/real/bin/aide-node" {
			t.Errorf("%q: want the new folder, and nothing in the old one", got)
		}
		found(t, newer)
	})

	t.Run("it is gone", func(t *testing.T) {
		f := f.in(t)
		f.on("web-1", "mv /opt/real/bin /opt/real/aside")
		every(t, `"reason":"node_missing","message":"/opt/real/bin/aide-node is not installed on this host"`)
		if status, _, message, _ := f.toFolder(0, packages[newer]); status != "clean" {
			t.Errorf("install: %s: %s", status, message)
		}
		found(t, newer)
	})

	t.Run("back", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount -o remount,bind,rw /usr/bin")
		f.toFolder(0, packages[older], "--to", "/usr/bin")
		if got := f.says("web-1", "ls -A /var/lib/aide-node | grep program; ls -A /opt/real/bin; aide-node version"); got != "aide-node "+older {
			t.Errorf("%q", got)
		}
		found(t, older)
		f.tidy("web-1")
	})
}

// TestAgentRestarted ends what an agent runs as systemd does when the agent is
// restarted in mid-check: SIGTERM to all of it. The host says so, and the next sweep
// finds it as it was.
func TestAgentRestarted(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.on("web-1", "rm -f /srv/hole; truncate -s 64G /srv/hole") // minutes to read
	swept := make(chan report.Host)
	go func() {
		cmd, out, _ := f.command("sweep", "--instance", instances["web-1"], "--output", "json")
		_ = cmd.Run()
		swept <- hosts(t, out.String())["web-1"]
	}()
	const group = `for p in /proc/[0-9]*; do [ "$(readlink $p/exe)" != /usr/bin/aide-node ] || cut -d ' ' -f 5 $p/stat; done`
	pid := ""
	for deadline := time.Now().Add(30 * time.Second); pid == ""; time.Sleep(50 * time.Millisecond) {
		if open := f.says("web-1", `readlink /proc/[0-9]*/fd/* | grep -x /srv/hole || true`); open != "" {
			pid = f.says("web-1", group)
		}
		if time.Now().After(deadline) {
			t.Fatal("AIDE does not read the file within 30 s")
		}
	}
	f.on("web-1", `for p in /proc/[0-9]*; do [ "$(cut -d ' ' -f 5 $p/stat)" != `+pid+` ] || kill -TERM ${p#/proc/}; done 2>/dev/null`)
	h := <-swept
	if h.Reason != "interrupted" {
		t.Errorf("%+v, want interrupted", h)
	}
	if h.Next == "" {
		t.Error("nothing is said about what to do")
	}
	f.on("web-1", "rm /srv/hole")
	f.sweep(0, "sweep", "--instance", instances["web-1"])
	if left := f.says("web-1", `readlink /proc/[0-9]*/exe | grep -c aide || true`); left != "0" {
		t.Errorf("%s processes of AIDE or the node are left", left)
	}
}
