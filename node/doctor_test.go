package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// diagnosis is what programs read of the first line of doctor, and of all that
// stands behind it with --format json.
type diagnosis struct {
	V, Failed, Warnings int
	Status              string
	Checks              []struct{ Name, Status, Reason, Message, Next string }
}

func doctorSays(t *testing.T, h host, options ...string) (d diagnosis, rest string, exit int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit = run(context.Background(), append([]string{"doctor", "--config", h.config, "--state", h.state, "--aide", h.aide}, options...), &stdout, &stderr)
	line, rest, _ := strings.Cut(stdout.String(), "\n")
	err := json.Unmarshal([]byte(line), &d)
	require.NoError(t, err)
	require.LessOrEqual(t, len(line), result.MaxBytes, "%d bytes: %s", len(line), line)
	failed := d.Status == "failed"
	assert.Equal(t, failed, exit == 1, "exit %d with %s, stderr %q", exit, line, stderr.String())
	assert.Equal(t, failed, stderr.Len() > 0, "exit %d with %s, stderr %q", exit, line, stderr.String())
	assert.Equal(t, failed, d.Failed > 0, "exit %d with %s, stderr %q", exit, line, stderr.String())
	return d, rest, exit
}

// TestDoctorOfNothing finds a host where nothing but AIDE is there.
func TestDoctorOfNothing(t *testing.T) { aidetest.Each(t, testDoctorOfNothing) }

func testDoctorOfNothing(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	d, text, exit := doctorSays(t, h)
	assert.Equal(t, 1, exit, "%+v\n%s", d, text)
	assert.Equal(t, 1, d.Failed)
	assert.Contains(t, text, "baseline  aide-node init\n")
	if _, err := os.Stat(h.state); !os.IsNotExist(err) {
		t.Errorf("doctor made the state folder: %v", err)
	}
}

// TestDoctor finds a host well after its first check.
func TestDoctor(t *testing.T) { aidetest.Each(t, testDoctor) }

func testDoctor(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	l, said := h.run("check")
	if l.Baseline == nil {
		t.Fatalf("check: %+v\n%s", l, said)
	}
	d, text, exit := doctorSays(t, h)
	for _, want := range []string{"config    " + h.config + " is valid", "5 entries", l.Baseline.SHA256, "written by AIDE " + l.AIDE, "clean at ", "1 kept"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	assert.Equal(t, 0, exit, "%+v\n%s", d, text)
	assert.Equal(t, 1, d.V)
	assert.Equal(t, "ok", d.Status)
	_, text, _ = doctorSays(t, h, "--format", "json")
	var full diagnosis
	err := json.Unmarshal([]byte(text), &full)
	assert.NoError(t, err, "--format json: %s", text)
	assert.Equal(t, "ok", full.Status, "--format json")
	assert.Len(t, full.Checks, len(d.Checks), "--format json")
	for _, c := range full.Checks {
		if c.Message == "" {
			t.Errorf("--format json: no message in %+v", c)
		}
	}
}

// TestDoctorBusy says who is at work, and a check does not notice it.
func TestDoctorBusy(t *testing.T) { aidetest.Each(t, testDoctorBusy) }

func testDoctorBusy(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	node, _, _ := start(t, h)
	d, text, exit := doctorSays(t, h)
	want := fmt.Sprintf("pid %d since 20", node.Process.Pid)
	assert.Equal(t, 0, exit, "exit %d, %+v\n%s", exit, d, text)
	assert.Equal(t, "busy", d.Checks[1].Reason)
	assert.Contains(t, text, want)
}

func TestDoctorArguments(t *testing.T) {
	for _, c := range []struct{ option, value string }{
		{"--format", "yaml"}, {"--timeout", "0s"}, {"--timeout", "-1s"}, {"--state", "x"}, {"--config", "x"}, {"--aide", "x"},
	} {
		refused(t, result.BadArguments, c.option, "doctor", c.option, c.value)
	}
}

// TestInstallIsForWhatIsMissing: with an AIDE at hand, --install does nothing.
func TestInstallIsForWhatIsMissing(t *testing.T) { aidetest.Each(t, testInstallIsForWhatIsMissing) }

func testInstallIsForWhatIsMissing(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	l, text := h.run("init", "--install")
	assert.Equal(t, result.Clean, l.Status, "%+v\n%s", l, text)
	assert.NotContains(t, text, "installed by")
	if _, err := os.Stat(filepath.Join(h.dir, "db/aide.db")); err != nil {
		t.Error(err)
	}
}

// TestInstall is on a host without AIDE, in a sandbox: its apt-get puts the real
// AIDE where the node looks for it, or fails.
func TestInstall(t *testing.T) {
	real := aidetest.System(t).Path
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Skip("bubblewrap is not installed here: apt-get install bubblewrap, or dnf install bubblewrap")
	}
	if out, err := exec.Command(bwrap, "--unshare-net", "--ro-bind", "/", "/", "true").CombinedOutput(); err != nil {
		t.Skipf("bubblewrap cannot make a sandbox here: %v: %s", err, out)
	}
	_, err = os.Stat("/usr/bin/apt-get")
	_, dnf := exec.LookPath("dnf")
	_, yum := exec.LookPath("yum")
	if err != nil || dnf == nil || yum == nil {
		t.Skip("apt-get at /usr/bin is not this host's only package manager, so the sandbox cannot put another one over it")
	}
	for name, c := range map[string]struct {
		script string // of apt-get
		status result.Status
		want   string // in the message or the text
	}{
		"done":                 {"cp " + filepath.Join("/run/real", filepath.Base(real)) + " /usr/local/sbin/aide", result.Clean, "AIDE was installed by /usr/bin/apt-get."},
		"failed":               {"echo 'E: Unable to locate package aide' >&2; exit 100", result.Failed, "E: Unable to locate package aide"},
		"done, but to no good": {"exit 0", result.Failed, "aide is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.write("empty/none", "")
			h.write("apt-get", "#!/bin/sh\n"+c.script+"\n")
			if err := os.Chmod(filepath.Join(h.dir, "apt-get"), 0o755); err != nil {
				t.Fatal(err)
			}
			args := []string{
				"--unshare-net", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--bind", h.dir, h.dir,
				"--tmpfs", "/run", "--ro-bind", real, filepath.Join("/run/real", filepath.Base(real)), "--ro-bind", binary, "/run/aide-node",
				"--tmpfs", "/usr/local/sbin", "--ro-bind", filepath.Join(h.dir, "empty/none"), real,
			}
			args = append(args, "--ro-bind", filepath.Join(h.dir, "apt-get"), "/usr/bin/apt-get", "/run/aide-node", "init", "--install", "--config", h.config, "--state", h.state)
			var stdout bytes.Buffer
			cmd := exec.Command(bwrap, args...)
			cmd.Stdout = &stdout
			runErr := cmd.Run()
			l, err := result.Parse(stdout.Bytes())
			if err != nil {
				t.Fatalf("%v, %v in %q", runErr, err, stdout.String())
			}
			assert.Equal(t, c.status, l.Status, "%+v\n%s", l, stdout.String())
			assert.Contains(t, l.Message+stdout.String(), c.want)
			assert.Equal(t, l.Status == result.Failed, l.Reason == result.AideMissing, "it failed, and AIDE is missing")
		})
	}
}
