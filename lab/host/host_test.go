package host

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newHost creates a host in a folder of its own.
func newHost(t *testing.T, s Spec) *Host {
	t.Helper()
	if s.Name == "" {
		s.Name = "web-1"
	}
	if s.InstanceID == "" {
		s.InstanceID = "i-0123456789abcdef0"
	}
	if s.Layout == "" {
		s.Layout = AmazonLinux
	}
	needAIDE(t)
	h, err := Create(filepath.Join(t.TempDir(), s.Name), s, fakeNode(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func needAIDE(t *testing.T) {
	t.Helper()
	if _, err := lookUp("aide"); err != nil {
		t.Skipf("a host's configuration is written for the AIDE that is there: %v", err)
	}
}

// fakeNode is a program in the place of aide-node.
func fakeNode(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "node")
	if err := os.WriteFile(name, []byte("#!/bin/sh\necho node \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSpecs(t *testing.T) {
	good := Spec{Name: "web-1", InstanceID: "i-0123456789abcdef0", Layout: Debian, Role: "web"}
	tests := []struct {
		want string // in the error, none if empty
		edit func(*Spec)
	}{
		{"", func(*Spec) {}},
		{"", func(s *Spec) { s.InstanceID = "mi-0123456789abcdef0" }},
		{"", func(s *Spec) { s.Files = map[string]File{"/srv/a b": {}} }},
		{"", func(s *Spec) { s.Tmpfs = map[string]int64{"/var/lib/aide": 1} }},
		{"no host name", func(s *Spec) { s.Name = "" }},
		{"no host name", func(s *Spec) { s.Name = "web_1" }},
		{"no host name", func(s *Spec) { s.Name = "-rf" }},
		{"no instance id", func(s *Spec) { s.InstanceID = "web-1" }},
		{"no role", func(s *Spec) { s.Role = "../web" }},
		{"layout", func(s *Spec) { s.Layout = "gentoo" }},
		{"not in /etc", func(s *Spec) { s.Files = map[string]File{"/usr/bin/sh": {}} }},
		{"not in /etc", func(s *Spec) { s.Files = map[string]File{"/etc/../x": {}} }},
		{"not in /etc", func(s *Spec) { s.Files = map[string]File{"etc/x": {}} }},
		{"not in /etc", func(s *Spec) { s.Tmpfs = map[string]int64{"/etc": 1} }},
		{"0 bytes", func(s *Spec) { s.Tmpfs = map[string]int64{"/var/lib/aide": 0} }},
	}
	for _, tt := range tests {
		s := good
		tt.edit(&s)
		err := s.validate()
		if tt.want == "" {
			assert.NoError(t, err, "%+v", s)
		} else {
			assert.ErrorContains(t, err, tt.want, "%+v", s)
		}
	}
}

func TestCreateAndOpen(t *testing.T) {
	made := newHost(t, Spec{
		Name: "db-1", Layout: Debian, Role: "db",
		Files: map[string]File{"/etc/db/db.conf": {Content: "port 5432\n", Mode: 0o640}},
	})
	h, err := Open(made.Dir())
	if err != nil {
		t.Fatal(err)
	}
	assert.Equal(t, "db-1", h.Name, "opened %+v", h.Spec)
	assert.Equal(t, made.InstanceID, h.InstanceID)
	assert.Equal(t, Debian, h.Layout)
	assert.Equal(t, "db", h.Role)
	assert.Len(t, h.Files, 1)
	for name, mode := range map[string]fs.FileMode{
		"etc/db": 0o755 | fs.ModeDir, "etc/db/db.conf": 0o640, "etc/aide/aide.conf": 0o600, "etc/passwd": 0o644,
		"srv/app/VERSION": 0o644, "srv/app/bin/serve": 0o755, "usrbin/aide-node": 0o755, "var/tmp": 0o777 | fs.ModeDir | fs.ModeSticky,
	} {
		info, err := os.Stat(filepath.Join(h.Dir(), name))
		require.NoError(t, err, name)
		assert.Equal(t, mode, info.Mode(), "%s: %v", name, info)
	}
	if _, err := Create(h.Dir(), h.Spec, fakeNode(t)); err == nil {
		t.Error("no error for a folder that exists")
	}
	if _, err := os.Stat(h.Dir()); err != nil {
		t.Errorf("the host that was there is gone: %v", err)
	}
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	needAIDE(t)
	dir := filepath.Join(t.TempDir(), "host")
	s := Spec{Name: "web-1", InstanceID: "i-0123456789abcdef0", Layout: Debian}
	_, err := Create(dir, s, filepath.Join(t.TempDir(), "no-node"))
	assert.ErrorContains(t, err, "no-node")
	if _, err := os.Stat(dir); err == nil {
		t.Error("half a host is left")
	}
	if _, err := Open(dir); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func TestWriteStaysOnTheHost(t *testing.T) {
	h := newHost(t, Spec{})
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(h.Dir(), "srv/out")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/srv/out/x", "/srv/../../x", "/usr/bin/x", "/etc"} {
		if err := h.Write(map[string]File{p: {}}); err == nil {
			t.Errorf("%s was written", p)
		}
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("written outside of the host: %v", left)
	}
}

func TestWriteLeavesTheSameAlone(t *testing.T) {
	h := newHost(t, Spec{})
	name, old := filepath.Join(h.Dir(), "srv/app/VERSION"), time.Unix(1e9, 0)
	tests := []struct {
		file File
		kept bool
	}{
		{File{Content: "app 1.0\n"}, true},
		{File{Content: "app 1.1\n"}, false},
		{File{Content: "app 1.0\n", Mode: 0o600}, false},
	}
	for _, tt := range tests {
		if err := h.Write(App("app", "1.0")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
		if err := h.Write(map[string]File{"/srv/app/VERSION": tt.file}); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if kept := info.ModTime().Equal(old); kept != tt.kept {
			t.Errorf("%+v: left alone %t, want %t", tt.file, kept, tt.kept)
		}
	}
}

func TestApp(t *testing.T) {
	one, other, two := App("web", "1.0"), App("db", "1.0"), App("web", "1.1")
	if len(one) != 40 {
		t.Errorf("%d files, want 40", len(one))
	}
	changed := 0
	for p, f := range one {
		_, ok := two[p]
		assert.True(t, ok, "%s: not in the next version, or the same in another role", p)
		assert.NotEqual(t, f.Content, other[p].Content, p)
		if two[p] != f {
			changed++
		}
	}
	if want := 15; changed != want { // VERSION, 4 in bin, 10 in lib
		t.Errorf("the next version changes %d files, want %d", changed, want)
	}
}
