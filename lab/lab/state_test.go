package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	lock, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := (State{URL: "http://127.0.0.1:1", PID: 1}).write(dir); err != nil {
		t.Fatal(err)
	}
	if s, up, err := Read(dir); !up || err != nil || s.PID != 1 {
		t.Errorf("while it is held: %+v, %t, %v", s, up, err)
	}
	if _, err := claim(dir); !errors.Is(err, errLocked) {
		t.Errorf("a second claim: %v, want errLocked", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if _, up, err := Read(dir); up || err != nil {
		t.Errorf("when it is free: up %t, %v", up, err)
	}
	if err := os.MkdirAll(hostDir(dir, "web-1"), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err = claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(hostDir(dir, "web-1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lab before is still there: %v", err)
	}
}

func TestClaimLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "hosts.txt")
	if err := os.WriteFile(precious, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir); err == nil || !strings.Contains(err.Error(), "hosts.txt") {
		t.Errorf("claim of a folder with something else in it: %v", err)
	}
	if err := (State{}).write(dir); err != nil {
		t.Fatal(err)
	}
	if err := Down(dir); err == nil {
		t.Error("Down of a folder with something else in it")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	for state, want := range map[string]string{
		"":         "/home/op/.local/state/aidefleet/lab",
		"/x":       "/x/aidefleet/lab",
		"relative": "/home/op/.local/state/aidefleet/lab",
	} {
		t.Setenv("XDG_STATE_HOME", state)
		if got, err := DefaultDir(); got != want || err != nil {
			t.Errorf("XDG_STATE_HOME=%q: %s, %v, want %s", state, got, err, want)
		}
	}
}

func TestListen(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:0": "", "localhost:0": "", "[::1]:x": "x", "0.0.0.0:0": "loopback", ":0": "loopback", "4580": "HOST:PORT",
	} {
		l, err := listen(addr)
		if err == nil {
			_ = l.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("listen(%q): %v, want %q", addr, err, want)
		}
	}
}
