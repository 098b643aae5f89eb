package aidetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAtHand: in CI the tests have run with at least three releases of AIDE.
func TestAtHand(t *testing.T) {
	found, none := atHand()
	for _, a := range found {
		t.Logf("AIDE %s at %s", a.Version, a.Path)
	}
	for _, m := range none {
		t.Logf("no AIDE of %s: %s", m.name, strings.TrimSpace(m.why))
	}
	if os.Getenv("CI") == "" {
		t.Skipf("%d AIDEs; only CI, which CI=true tells, must have three", len(found))
	}
	if len(found) < 3 {
		t.Errorf("%d AIDEs at hand, want at least 3", len(found))
	}
}

// TestExtra: everybody can hold an AIDE of their own against the tests.
func TestExtra(t *testing.T) {
	own := filepath.Join(t.TempDir(), "my aide")
	if err := os.WriteFile(own, []byte("#!/bin/sh\necho AIDE 0.18.99\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Extra, own+":/nowhere/aide")
	found, none := find()
	if last := found[len(found)-1]; last != (AIDE{Version: "0.18.99", Path: own}) {
		t.Errorf("the last one is %+v, want that at %s", last, own)
	}
	if last := none[len(none)-1]; !strings.Contains(last.why, "/nowhere/aide") {
		t.Errorf("the last one that is missing is %+v, want /nowhere/aide", last)
	}
}

func TestSince(t *testing.T) {
	for _, c := range []struct {
		version string
		minor   int
		want    bool
	}{
		{"0.16", 17, false},
		{"0.16.2", 16, true},
		{"0.18.3", 19, false},
		{"0.19-22-g417e724", 19, true},
		{"1.0", 19, true},
	} {
		if got := (AIDE{Version: c.version}).Since(c.minor); got != c.want {
			t.Errorf("%s is since 0.%d: %t, want %t", c.version, c.minor, got, c.want)
		}
	}
}

// fetch runs .ci/aides into an empty folder and returns that and what it said.
func fetch(t *testing.T, env ...string) (cache, said string) {
	t.Helper()
	cache = filepath.Join(t.TempDir(), "a cache")
	cmd := exec.Command(filepath.Join(root(), ".ci", "aides"))
	cmd.Env = append(os.Environ(), append(env, Cache+"="+cache)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("what cannot be fetched is no error: %v\n%s", err, out)
	}
	return cache, string(out)
}

// TestFetchNothing: where no AIDE can be fetched, the tests know why.
func TestFetchNothing(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"sh", "dirname", "mkdir", "mktemp", "find", "rm"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, env, needs, why string }{
		{"no apt-get", "PATH=" + bin, "sh", "no apt-get"},
		{"no network", "AIDEFLEET_DEBIAN=http://127.0.0.1:9/debian", "apt-get", "Failed to fetch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := exec.LookPath(c.needs); err != nil {
				t.Skipf("this system has no %s", c.needs)
			}
			cache, said := fetch(t, c.env)
			if strings.Count(said, "no AIDE of Debian ") < 3 {
				t.Errorf("it says\n%s\nwant a line for each suite", said)
			}
			t.Setenv(Cache, cache)
			if paths, _ := filepath.Glob(filepath.Join(cache, "*", "root")); len(paths) > 0 {
				t.Errorf("there is %q", paths)
			}
			_, none := fetched()
			if len(none) < 3 {
				t.Fatalf("reasons %q, want one for each suite", none)
			}
			for _, m := range none {
				if !strings.Contains(m.why, c.why) {
					t.Errorf("%s is missing because of %q, want %q", m.name, m.why, c.why)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(cache, ".fetch*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
