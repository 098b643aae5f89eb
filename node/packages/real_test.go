package packages

import (
	"crypto/md5"
	"crypto/sha512"
	"encoding/base64"
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
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// kit builds and installs packages with a real package manager, whose database is the
// test's. What they install lies in the folder root.
type kit struct {
	t       *testing.T
	root    string
	manager manager
	install func(version, content string) // of the package tool
}

// tools are what the package tool has, below root: a program, one with rights of its own, a
// link, a configuration file, in a folder of its own.
const (
	program1 = "opt/tool/bin/tool"
	setuid1  = "opt/tool/bin/su-tool"
	link1    = "opt/tool/bin/t"
	config1  = "opt/tool/tool.conf"
	folder1  = "opt/tool/bin"
)

func sh(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, args, out)
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	require.NoError(t, os.Chmod(path, mode))
}

func (k kit) path(name string) string { return filepath.Join(k.root, name) }

// tree writes what the package holds below a folder.
func (k kit) tree(below, content string) {
	at := func(name string) string { return filepath.Join(below, k.root, name) }
	put(k.t, at(program1), content, 0o755)
	put(k.t, at(setuid1), content, 0o755|os.ModeSetuid)
	put(k.t, at(config1), content, 0o644)
	require.NoError(k.t, os.Symlink("tool", at(link1)))
}

func kits(t *testing.T) map[string]func(*testing.T) kit {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root installs packages")
	}
	return map[string]func(*testing.T) kit{"dpkg": dpkgKit, "rpm": rpmKit}
}

func dpkgKit(t *testing.T) kit {
	if !exists(dpkgQueryPath) {
		t.Skip("there is no dpkg here")
	}
	folder := t.TempDir()
	for _, dir := range []string{"info", "updates", "triggers"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, dir), 0o755))
	}
	put(t, filepath.Join(folder, "status"), "", 0o644)
	put(t, filepath.Join(folder, "available"), "", 0o644)
	k := kit{t: t, root: t.TempDir(), manager: dpkg{folder}}
	k.install = func(version, content string) {
		t.Helper()
		build := t.TempDir()
		k.tree(build, content)
		put(t, filepath.Join(build, "DEBIAN/control"), "Package: tool\nVersion: "+version+"\nArchitecture: all\nMaintainer: t <t@example.com>\nDescription: t\n", 0o644)
		put(t, filepath.Join(build, "DEBIAN/conffiles"), k.path(config1)+"\n", 0o644)
		var sums strings.Builder
		for _, name := range []string{program1, setuid1} {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum([]byte(content)), strings.TrimPrefix(k.path(name), "/"))
		}
		put(t, filepath.Join(build, "DEBIAN/md5sums"), sums.String(), 0o644)
		deb := filepath.Join(t.TempDir(), "tool.deb")
		sh(t, "dpkg-deb", "--root-owner-group", "--build", build, deb)
		sh(t, "dpkg", "--admindir="+folder, "--log="+os.DevNull, "--force-confold", "--install", deb)
	}
	return k
}

func rpmKit(t *testing.T) kit {
	if !exists(rpmPath) || !exists("/usr/bin/rpmbuild") {
		t.Skip("there is no rpm or no rpmbuild here: apt-get install rpm")
	}
	db := t.TempDir()
	k := kit{t: t, root: t.TempDir(), manager: rpm{options: []string{"--dbpath", db}}}
	k.install = func(version, content string) {
		t.Helper()
		top := t.TempDir()
		k.tree(filepath.Join(top, "tree"), content)
		at := k.path
		spec := strings.Join([]string{
			"Name: tool", "Version: " + version, "Release: 1", "Summary: t", "License: t", "BuildArch: noarch", "%description", "t",
			"%install", "cp -a " + filepath.Join(top, "tree") + "/. %{buildroot}/",
			"%files", "%defattr(-,root,root)", "%dir " + at(folder1), at(program1), at(setuid1), at(link1), "%config(noreplace) " + at(config1), "",
		}, "\n")
		put(t, filepath.Join(top, "tool.spec"), spec, 0o644)
		sh(t, "rpmbuild", "-bb", "--define", "_topdir "+top, filepath.Join(top, "tool.spec"))
		sh(t, "rpm", "--dbpath", db, "--upgrade", "--nodeps", filepath.Join(top, "RPMS/noarch/tool-"+version+"-1.noarch.rpm"))
	}
	return k
}

// ask asks for the files of packages installed since then, by path.
func (k kit) ask(since time.Time) map[string][]File {
	k.t.Helper()
	files, err := Ask(k.t.Context(), Query{Since: since, Folder: k.t.TempDir(), Limit: time.Minute, managers: []manager{k.manager}})
	require.NoError(k.t, err)
	defer files.Close()
	by := map[string][]File{}
	require.NoError(k.t, files.Each(func(f File) error { by[f.Path] = append(by[f.Path], f); return nil }))
	return by
}

// found is what AIDE records of a path, with SHA-512.
func (k kit) found(name string) Entry {
	k.t.Helper()
	info, err := os.Lstat(k.path(name))
	require.NoError(k.t, err)
	stat := info.Sys().(*syscall.Stat_t)
	e := Entry{Perm: strconv.FormatUint(uint64(stat.Mode), 8), UID: strconv.Itoa(int(stat.Uid)), GID: strconv.Itoa(int(stat.Gid)), Target: "0"}
	switch {
	case info.Mode().IsRegular():
		content, err := os.ReadFile(k.path(name))
		require.NoError(k.t, err)
		digest := sha512.Sum512(content)
		e.SHA512 = base64.StdEncoding.EncodeToString(digest[:])
	case info.Mode()&os.ModeSymlink != 0:
		e.Target, err = os.Readlink(k.path(name))
		require.NoError(k.t, err)
	}
	return e
}

// explains says whether a package that was installed since explains a path.
func (k kit) explains(since time.Time, name string, now Entry, was *Entry) bool {
	k.t.Helper()
	h := NewHost()
	for _, f := range k.ask(since)[k.path(name)] {
		explained, err := h.Explains(k.t.Context(), f, now, was)
		require.NoError(k.t, err)
		if explained {
			assert.Equal(k.t, "tool", f.Name)
			return true
		}
	}
	return false
}

// long is before all packages of a test.
var long = time.Now().Add(-time.Hour)

// TestExplained: what an upgrade puts there is explained, with each manager.
func TestExplained(t *testing.T) {
	for name, newKit := range kits(t) {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.install("1.0", "one")
			was := map[string]Entry{}
			for _, path := range []string{program1, setuid1, link1, config1, folder1} {
				was[path] = k.found(path)
			}
			k.install("2.0", "two")
			for path, want := range map[string]bool{program1: true, setuid1: true, link1: true, folder1: true, config1: false} {
				before := was[path]
				assert.Equal(t, want, k.explains(long, path, k.found(path), &before), path)
			}
			assert.False(t, k.explains(time.Now().Add(time.Minute), program1, k.found(program1), nil), "it was installed before the baseline")
			assert.True(t, k.explains(long, program1, k.found(program1), nil), "an added file")
			assert.Equal(t, name == "rpm", k.explains(long, setuid1, k.found(setuid1), nil), "dpkg knows no modes")
			assert.Equal(t, name == "rpm", k.explains(long, link1, k.found(link1), nil), "dpkg knows no targets")
			version := k.ask(long)[k.path(program1)][0].Version
			assert.True(t, strings.HasPrefix(version, "2.0"), version)
		})
	}
}

// TestTampered: no change of a packaged file is explained that the package did not make.
func TestTampered(t *testing.T) {
	acl := []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 7, 0, 1, 0, 0, 0, 4, 0, 5, 0, 255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 5, 0, 255, 255, 255, 255}
	netRaw := []byte{1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for what, tamper := range map[string]func(k kit) string{
		"content": func(k kit) string { put(k.t, k.path(program1), "evil", 0o755); return program1 },
		"content of the old size and time": func(k kit) string {
			info, err := os.Stat(k.path(program1))
			require.NoError(k.t, err)
			put(k.t, k.path(program1), "owt", 0o755)
			require.NoError(k.t, os.Chtimes(k.path(program1), info.ModTime(), info.ModTime()))
			return program1
		},
		"rights": func(k kit) string {
			require.NoError(k.t, os.Chmod(k.path(program1), 0o755|os.ModeSetuid))
			return program1
		},
		"write for all": func(k kit) string { require.NoError(k.t, os.Chmod(k.path(program1), 0o777)); return program1 },
		"owner":         func(k kit) string { require.NoError(k.t, os.Chown(k.path(program1), 1, 0)); return program1 },
		"group":         func(k kit) string { require.NoError(k.t, os.Chown(k.path(program1), 0, 1)); return program1 },
		"target": func(k kit) string {
			require.NoError(k.t, os.Remove(k.path(link1)))
			require.NoError(k.t, os.Symlink("/tmp/evil", k.path(link1)))
			return link1
		},
		"a link in its place": func(k kit) string {
			require.NoError(k.t, os.Rename(k.path(program1), k.path(program1)+"2"))
			require.NoError(k.t, os.Symlink("tool2", k.path(program1)))
			return program1
		},
		"a file in place of the link": func(k kit) string {
			require.NoError(k.t, os.Remove(k.path(link1)))
			put(k.t, k.path(link1), "evil", 0o755)
			return link1
		},
		"an access list": func(k kit) string {
			if err := unix.Setxattr(k.path(program1), "system.posix_acl_access", acl, 0); err != nil {
				k.t.Skip("no access lists here: ", err)
			}
			return program1
		},
		"capabilities": func(k kit) string {
			if err := unix.Setxattr(k.path(program1), "security.capability", netRaw, 0); err != nil {
				k.t.Skip("no capabilities here: ", err)
			}
			return program1
		},
		"rights of the folder": func(k kit) string { require.NoError(k.t, os.Chmod(k.path(folder1), 0o777)); return folder1 },
		"a new file":           func(k kit) string { put(k.t, k.path("opt/tool/bin/evil"), "evil", 0o755); return "opt/tool/bin/evil" },
	} {
		for name, newKit := range kits(t) {
			t.Run(name+", "+what, func(t *testing.T) {
				k := newKit(t)
				k.install("1.0", "one")
				was := k.found(program1)
				k.install("2.0", "two")
				path := tamper(k)
				if path == folder1 || path == link1 {
					was = Entry{Perm: "40755", UID: "0", GID: "0", Target: "tool"}
				}
				assert.False(t, k.explains(long, path, k.found(path), &was))
			})
		}
	}
}

// TestChangedSince: a file that is not any more what AIDE found is not explained.
func TestChangedSince(t *testing.T) {
	for name, newKit := range kits(t) {
		t.Run(name, func(t *testing.T) {
			k := newKit(t)
			k.install("1.0", "one")
			found := k.found(program1)
			k.install("2.0", "two")
			assert.False(t, k.explains(long, program1, found, nil), "AIDE found the content of before")
			found = k.found(program1)
			found.SHA512 = ""
			assert.False(t, k.explains(long, program1, found, nil), "AIDE recorded no digest")
			digest := md5.Sum([]byte("two"))
			found.MD5 = base64.StdEncoding.EncodeToString(digest[:])
			assert.True(t, k.explains(long, program1, found, nil), "with MD5 alone")
		})
	}
}

// TestForgedDigests: digests that were written after the package was unpacked do not count,
// at once nor later with the time of before.
func TestForgedDigests(t *testing.T) {
	k := dpkgKit(t)
	k.install("1.0", "one")
	put(t, k.path(program1), "evil", 0o755)
	digests := filepath.Join(k.manager.(dpkg).folder, "info/tool.md5sums")
	info, err := os.Stat(digests)
	require.NoError(t, err)
	put(t, digests, fmt.Sprintf("%x  %s\n", md5.Sum([]byte("evil")), k.path(program1)[1:]), 0o644)
	assert.False(t, k.explains(long, program1, k.found(program1), nil))

	require.NoError(t, os.Chtimes(digests, info.ModTime(), info.ModTime()))
	before := time.Now().Add(-2 * afterList)
	require.NoError(t, os.Chtimes(strings.TrimSuffix(digests, "md5sums")+"list", before, before))
	assert.False(t, k.explains(long, program1, k.found(program1), nil))
}

// TestInterruptedUpgrade: a package that is only unpacked explains nothing.
func TestInterruptedUpgrade(t *testing.T) {
	k := dpkgKit(t)
	k.install("1.0", "one")
	status := filepath.Join(k.manager.(dpkg).folder, "status")
	text, err := os.ReadFile(status)
	require.NoError(t, err)
	put(t, status, strings.Replace(string(text), "install ok installed", "install ok half-configured", 1), 0o644)
	assert.False(t, k.explains(long, program1, k.found(program1), nil))
	put(t, status, string(text), 0o644)
	assert.True(t, k.explains(long, program1, k.found(program1), nil))
}

// TestDiverted: what is at a diverted path is not the package's.
func TestDiverted(t *testing.T) {
	k := dpkgKit(t)
	k.install("1.0", "one")
	assert.NotEmpty(t, k.ask(long)[k.path(program1)])
	sh(t, "dpkg-divert", "--admindir="+k.manager.(dpkg).folder, "--local", "--no-rename", "--divert", k.path(program1)+".real", k.path(program1))
	assert.Empty(t, k.ask(long)[k.path(program1)])
	assert.NotEmpty(t, k.ask(long)[k.path(setuid1)])
}

// TestBroken: a database that cannot be read, or not in time, is an error that says which.
func TestBroken(t *testing.T) {
	for name, newKit := range kits(t) {
		k := newKit(t)
		k.install("1.0", "one")
		ask := func(limit time.Duration) error {
			_, err := Ask(t.Context(), Query{Since: long, Folder: t.TempDir(), Limit: limit, managers: []manager{k.manager}})
			return err
		}
		require.NoError(t, ask(time.Minute), name)
		assert.ErrorContains(t, ask(time.Nanosecond), name+": no answer within 1ns; is its database locked?")
		switch m := k.manager.(type) {
		case dpkg:
			put(t, filepath.Join(m.folder, "status"), "Package\n", 0o644)
		case rpm:
			files, err := filepath.Glob(m.options[1] + "/*")
			require.NoError(t, err)
			for _, path := range files {
				put(t, path, "no database", 0o644)
			}
		}
		assert.ErrorContains(t, ask(time.Minute), name+": /usr/bin/"+name)
	}
}
