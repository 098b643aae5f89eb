package aide

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// script makes a program that notes its arguments and environment in a log, and
// then does what body says.
func script(t *testing.T, dir, name, body string) {
	t.Helper()
	text := "#!/bin/sh\ncd '" + dir + "'\necho " + name + " \"$@\" >>log\nenv >env\n" + body + "\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInstall(t *testing.T) {
	const apt = "apt-get --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install aide aide-common\n"
	const update = "apt-get -o DPkg::Lock::Timeout=120 update\n"
	for name, c := range map[string]struct {
		managers map[string]string // and what they do
		log      string
		env      string // that one of them has
		errors   []string
	}{
		"dnf":                {managers: map[string]string{"dnf": "", "yum": "exit 1"}, log: "dnf --assumeyes install aide\n", env: "HOME=/root"},
		"yum":                {managers: map[string]string{"yum": ""}, log: "yum --assumeyes install aide\n", env: "LC_ALL=C"},
		"zypper":             {managers: map[string]string{"zypper": ""}, log: "zypper --non-interactive install aide\n", env: "ZYPP_LOCK_TIMEOUT=120"},
		"apt-get":            {managers: map[string]string{"apt-get": ""}, log: apt, env: "DEBIAN_FRONTEND=noninteractive"},
		"apt-get, old lists": {managers: map[string]string{"apt-get": `case "$*" in *update) touch lists;; *) test -f lists;; esac`}, log: apt + update + apt},
		"apt-get, one source is down": {managers: map[string]string{
			"apt-get": `case "$*" in *update) touch lists; exit 100;; *) test -f lists;; esac`,
		}, log: apt + update + apt},
		"apt-get, no network": {managers: map[string]string{"apt-get": `case "$*" in
			*update) echo 'W: a hint' >&2; echo 'E: Failed to fetch' >&2; exit 100;;
			*) echo 'debconf: noise' >&2; echo 'E: Unable to locate package aide' >&2; exit 100;; esac`},
			log: apt + update + apt, errors: []string{"install AIDE", "status 100: E: Unable to locate package aide", "before that", "Failed to fetch", "by hand"}},
		"dnf, no package": {managers: map[string]string{"dnf": "echo Last metadata; echo noise >&2; echo 'Error: Unable to find a match: aide' >&2; exit 1"},
			log: "dnf --assumeyes install aide\n", errors: []string{"/dnf --assumeyes install aide ended with status 1: Error: Unable to find a match: aide"}},
		"yum, no package": {managers: map[string]string{"yum": "echo No package aide available.; exit 1"},
			log: "yum --assumeyes install aide\n", errors: []string{"status 1: No package aide available."}},
		"killed": {managers: map[string]string{"dnf": "kill -9 $$"}, log: "dnf --assumeyes install aide\n", errors: []string{"signal 9"}},
		"none":   {errors: []string{"no dnf, yum, apt-get or zypper", "by hand"}},
	} {
		t.Run(name, func(t *testing.T) {
			empty, dir := t.TempDir(), t.TempDir()
			for m, body := range c.managers {
				script(t, dir, m, body)
			}
			by, err := install(context.Background(), []string{empty, dir})
			if (err != nil) != (c.errors != nil) {
				t.Fatalf("error %v, want one: %t", err, c.errors != nil)
			}
			for _, want := range c.errors {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
			if c.managers == nil {
				if !errors.Is(err, ErrNoManager) {
					t.Errorf("error %v, want ErrNoManager", err)
				}
				return
			}
			if filepath.Dir(by) != dir {
				t.Errorf("installed by %q, want one in %s", by, dir)
			}
			if log := content(t, dir, "log"); log != c.log {
				t.Errorf("run was\n%swant\n%s", log, c.log)
			}
			env := content(t, dir, "env")
			assert.Contains(t, "\n"+env, "\n"+c.env)
			assert.Contains(t, env, "HOME=/root\n")
		})
	}
}

// TestInstallIgnores what is no program.
func TestInstallIgnores(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dnf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "yum"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := install(context.Background(), []string{dir}); !errors.Is(err, ErrNoManager) {
		t.Errorf("error %v, want ErrNoManager", err)
	}
}

// TestInstallInterrupted ends the manager, and does not wait for what that
// started and what holds its stdout.
func TestInstallInterrupted(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "apt-get", "sleep 30 & echo $! >child; wait")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := install(ctx, []string{dir})
	took := time.Since(began)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.LessOrEqual(t, took, 20*time.Second)
	if log := content(t, dir, "log"); strings.Count(log, "\n") != 1 {
		t.Errorf("it was tried again after the time-out:\n%s", log)
	}
	child, err := strconv.Atoi(strings.TrimSpace(content(t, dir, "child")))
	assert.NoError(t, err, "what the manager started, %d, was not left to finish its work", child)
	assert.NoError(t, syscall.Kill(child, syscall.SIGKILL), "what the manager started, %d, was not left to finish its work", child)
}
