// Package packaging_test builds what is released and looks into it.
package packaging_test

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/deploy"
)

const version = "0.1.0"

var (
	workspace string // a folder for all tests of this package
	dist      = filepath.Join("..", "dist")
	released  = sync.OnceValues(func() (map[string]string, error) { return makeDist("..", dist, "022") })
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if workspace, err = os.MkdirTemp("", "aidefleet-dist-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(workspace) }()
		dist = filepath.Join(workspace, "dist")
		return m.Run()
	}())
}

// makeDist runs make dist in the folder source and returns the digests it lists.
// The commit's time is given: a copy of the source has no commit.
func makeDist(source, dist, umask string, env ...string) (map[string]string, error) {
	tools, err := filepath.Abs("../.tools")
	if err != nil {
		return nil, err
	}
	c := exec.Command("sh", "-c", `umask "$1" && shift && exec make "$@"`, "sh", umask,
		"dist", "VERSION=v"+version, "DIST="+dist, "TOOLS="+tools, "SOURCE_DATE_EPOCH=1700000000")
	c.Dir = source
	// What make was told about this test is not for the build.
	c.Env = append(os.Environ(), append(env, "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=")...)
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", c, err, out)
	}
	f, err := os.Open(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	sums := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		digest, name, ok := strings.Cut(s.Text(), "  ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is no digest and name", f.Name(), s.Text())
		}
		sums[name] = digest
	}
	return sums, nil
}

// release is built once for all tests.
func release(t *testing.T) map[string]string {
	t.Helper()
	sums, err := released()
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// TestSums holds the list of digests against the files.
func TestSums(t *testing.T) {
	sums := release(t)
	want := []string{
		"aide-node-0.1.0-1.aarch64.rpm", "aide-node-0.1.0-1.x86_64.rpm",
		"aide-node_0.1.0_amd64.deb", "aide-node_0.1.0_arm64.deb",
		"aide-node_0.1.0_linux_amd64.tar.gz", "aide-node_0.1.0_linux_arm64.tar.gz",
		"linux-amd64/aide-node", "linux-amd64/orchestrator", "linux-arm64/aide-node", "linux-arm64/orchestrator",
		"orchestrator-lambda_0.1.0_linux_amd64.zip", "orchestrator-lambda_0.1.0_linux_arm64.zip",
		"orchestrator_0.1.0_linux_amd64.tar.gz", "orchestrator_0.1.0_linux_arm64.tar.gz",
	}
	if got := slices.Sorted(maps.Keys(sums)); !slices.Equal(got, want) {
		t.Errorf("SHA256SUMS lists %q, want %q", got, want)
	}
	err := fs.WalkDir(os.DirFS(dist), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == "SHA256SUMS" {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dist, name))
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != sums[name] {
			t.Errorf("%s has the digest %x, SHA256SUMS says %q", name, sum, sums[name])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestInstallable: orchestrator install takes what was built.
func TestInstallable(t *testing.T) {
	sums := release(t)
	packages, err := deploy.ReadPackages(dist)
	require.NoError(t, err)
	require.Len(t, packages, 2)
	for _, p := range packages {
		assert.Equal(t, version, p.Version, "%s, version %s, SHA-256 %s", p.Name, p.Version, p.SHA256)
		assert.Equal(t, sums[p.Name], p.SHA256, "%s, version %s, SHA-256 %s", p.Name, p.Version, p.SHA256)
	}
}

// TestReproducible builds a copy of the source in another folder, with another
// umask, time zone and number of threads.
func TestReproducible(t *testing.T) {
	want := release(t)
	source := filepath.Join(workspace, "elsewhere")
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		from, to := filepath.Join("..", e.Name()), filepath.Join(source, e.Name())
		switch {
		case slices.Contains([]string{".git", ".tools", "bin", "dist"}, e.Name()):
		case e.IsDir():
			err = errors.Join(err, os.CopyFS(to, os.DirFS(from)))
		default:
			b, readErr := os.ReadFile(from)
			err = errors.Join(err, readErr, os.MkdirAll(source, 0o755), os.WriteFile(to, b, 0o600))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := makeDist(source, filepath.Join(workspace, "again"), "077", "TZ=Asia/Tokyo", "GOMAXPROCS=1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: the second build has the digest %q, the first %q", name, got[name], want[name])
		}
	}
}

// TestBinaries checks that they run on any Linux of their kind, and their size.
func TestBinaries(t *testing.T) {
	release(t)
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for arch, machine := range machines {
		for program, mib := range map[string]int64{"aide-node": 6, "orchestrator": 24} {
			path := filepath.Join(dist, "linux-"+arch, program)
			f, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if f.Machine != machine {
				t.Errorf("%s is for %s, want %s", path, f.Machine, machine)
			}
			for _, p := range f.Progs {
				assert.NotEqual(t, elf.PT_INTERP, p.Type, "%s is not static", path)
				assert.NotEqual(t, elf.PT_DYNAMIC, p.Type, "%s is not static", path)
			}
			assert.Nil(t, f.Section(".symtab"), "%s is not stripped", path)
			assert.Nil(t, f.Section(".debug_info"), "%s is not stripped", path)
			_ = f.Close()
			info, err := os.Stat(path)
			require.NoError(t, err, path)
			assert.LessOrEqual(t, info.Size(), mib<<20, path)
			assert.Equal(t, fs.FileMode(0o755), info.Mode(), path)
		}
	}
}

// TestLambdaZip: what AWS Lambda runs is the orchestrator, and small.
func TestLambdaZip(t *testing.T) {
	sums := release(t)
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(dist, "orchestrator-lambda_"+version+"_linux_"+arch+".zip")
		info, err := os.Stat(path)
		require.NoError(t, err, path)
		assert.LessOrEqual(t, info.Size(), int64(10<<20), path)
		z, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		require.Len(t, z.File, 1, path)
		require.Equal(t, "bootstrap", z.File[0].Name, path)
		require.Equal(t, fs.FileMode(0o755), z.File[0].Mode(), path)
		require.Equal(t, int64(1_700_000_000), z.File[0].Modified.Unix(), path)
		r, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		_, err = io.Copy(sum, r)
		require.NoError(t, err, path)
		assert.Equal(t, sums["linux-"+arch+"/orchestrator"], hex.EncodeToString(sum.Sum(nil)), "%s: bootstrap is not the orchestrator of %s", path, arch)
		_ = z.Close()
	}
}

func TestArchives(t *testing.T) {
	release(t)
	contents := map[string][]string{
		"aide-node":    {"", "LICENSE", "README.md", "aide-node", "aide-node.8"},
		"orchestrator": {"", "LICENSE", "README.md", "orchestrator"},
	}
	for program, want := range contents {
		for _, arch := range []string{"amd64", "arm64"} {
			name := program + "_" + version + "_linux_" + arch
			f, err := os.Open(filepath.Join(dist, name+".tar.gz"))
			if err != nil {
				t.Fatal(err)
			}
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			assert.True(t, z.ModTime.IsZero(), "%s: its gzip header has the time %s", name, z.ModTime)
			assert.Empty(t, z.Name, "%s: its gzip header has a name", name)
			var got []string
			r := tar.NewReader(z)
			h, err := r.Next()
			for ; err == nil; h, err = r.Next() {
				got = append(got, strings.TrimPrefix(h.Name, name+"/"))
				mode := int64(0o644)
				if h.Typeflag == tar.TypeDir || filepath.Base(h.Name) == program {
					mode = 0o755
				}
				assert.Equal(t, mode, h.Mode, "%s: %s", name, h.Name)
				assert.Equal(t, 0, h.Uid, "%s: %s", name, h.Name)
				assert.Equal(t, 0, h.Gid, "%s: %s", name, h.Name)
				assert.Equal(t, int64(1_700_000_000), h.ModTime.Unix(), "%s: %s", name, h.Name)
			}
			assert.ErrorIs(t, err, io.EOF, "%s holds %q, %v", name, got, err)
			assert.Equal(t, want, got, "%s holds %q, %v", name, got, err)
			_ = f.Close()
		}
	}
}
