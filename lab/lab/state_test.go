package lab

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
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
	s, up, err := Read(dir)
	assert.NoError(t, err, "while it is held")
	assert.True(t, up, "while it is held: %+v, %t", s, up)
	assert.Equal(t, 1, s.PID, "while it is held")
	if _, err := claim(dir); !errors.Is(err, errLocked) {
		t.Errorf("a second claim: %v, want errLocked", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	_, up, err = Read(dir)
	assert.NoError(t, err, "when it is free")
	assert.False(t, up, "when it is free")
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
	_, err := claim(dir)
	assert.ErrorContains(t, err, "hosts.txt", "claim of a folder with something else in it")
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
		got, err := DefaultDir()
		assert.NoError(t, err, "XDG_STATE_HOME=%q", state)
		assert.Equal(t, want, got, "XDG_STATE_HOME=%q: %s", state, got)
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
		if want == "" {
			assert.NoError(t, err, "listen(%q)", addr)
		} else {
			assert.ErrorContains(t, err, want, "listen(%q)", addr)
		}
	}
}
