// Package aidetest has the real AIDEs that are at hand, for tests to run with each
// of them: the system's, those that .ci/aides fetched, and those that the
// environment names.
package aidetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"
)

// Variables of the environment.
const (
	// Extra names more AIDEs, as PATH names folders: absolute paths between colons.
	Extra = "AIDEFLEET_TEST_AIDES"
	// Cache is the folder that .ci/aides fetches into, .tools/aide if it is not set.
	Cache = "AIDEFLEET_AIDES"
)

// AIDE is a real AIDE that tests can start.
type AIDE struct {
	Version string // what it calls itself, such as 0.19.1
	Path    string // absolute
}

// Since says whether this is release 0.minor or a later one.
func (a AIDE) Since(minor int) bool {
	var own int
	_, err := fmt.Sscanf(a.Version, "0.%d", &own)
	return err != nil || own >= minor
}

// missing is an AIDE that is not at hand.
type missing struct{ name, why string }

// atHand looks for the AIDEs once.
var atHand = sync.OnceValues(find)

// find looks for the AIDEs, the system's first.
func find() (found []AIDE, none []missing) {
	add := func(name, path string, twice bool) {
		version, err := askVersion(path)
		if err != nil {
			none = append(none, missing{name, err.Error()})
			return
		}
		for _, a := range found {
			// sid's may be what the system has, too.
			if a.Version == version && !twice {
				return
			}
		}
		found = append(found, AIDE{Version: version, Path: path})
	}
	if path, err := system(); err != nil {
		none = append(none, missing{"system", err.Error()})
	} else {
		add("system", path, true)
	}
	suites, whys := fetched()
	for _, path := range suites {
		add(filepath.Base(filepath.Dir(path)), path, false)
	}
	none = append(none, whys...)
	for _, path := range filepath.SplitList(os.Getenv(Extra)) {
		add(path, path, true)
	}
	return found, none
}

// system is the path of the system's AIDE, which stands in sbin on some.
func system() (string, error) {
	for _, name := range []string{"aide", "/usr/sbin/aide", "/usr/bin/aide"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("AIDE is not installed here: apt-get install aide, or dnf install aide")
}

// fetched are the AIDEs in the cache, and why others are not there.
func fetched() (paths []string, none []missing) {
	cache := os.Getenv(Cache)
	if cache == "" {
		cache = filepath.Join(root(), ".tools", "aide")
	}
	paths, _ = filepath.Glob(filepath.Join(cache, "*", "aide"))
	whys, _ := filepath.Glob(filepath.Join(cache, "*.why"))
	for _, path := range whys {
		why, err := os.ReadFile(path)
		if err != nil {
			why = []byte(err.Error())
		}
		name := filepath.Base(path)
		none = append(none, missing{name[:len(name)-len(".why")], string(why)})
	}
	if len(paths)+len(whys) == 0 {
		none = append(none, missing{"others", "no AIDE of other releases in " + cache + ": run .ci/aides"})
	}
	return paths, none
}

// root is the folder of the module, or of the test if it is in none.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
	}
	return dir
}

// version is in what aide --version prints: "AIDE 0.18.3", or "Aide 0.16.2" on stderr.
var version = regexp.MustCompile(`(?mi)^aide v?([0-9]+\.[0-9]\S*)`)

func askVersion(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w: %.200q", path, err, out)
	}
	m := version.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%s --version says no version: %.200q", path, out)
	}
	return string(m[1]), nil
}

// OwnTemp makes a temporary folder for this process, which TMPDIR names until remove is
// called. AIDE 0.19.1 skips a folder on its way whose number of folders changes just then,
// and that of /tmp does while the tests of other packages run.
func OwnTemp() (remove func(), err error) {
	dir, err := os.MkdirTemp("/var/tmp", "")
	if err != nil {
		return nil, err
	}
	return func() { _ = os.RemoveAll(dir) }, os.Setenv("TMPDIR", dir)
}

// Main runs the tests of a package with a temporary folder of their own.
func Main(m *testing.M) int {
	remove, err := OwnTemp()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	return m.Run()
}

// Each runs test with each AIDE at hand, as subtests with the names of the versions.
// An AIDE that is not at hand is a skip with its reason. They run one after another:
// a program that one test starts has all files of the process open for a moment, with
// the locks of the others.
func Each(t *testing.T, test func(t *testing.T, a AIDE)) {
	t.Helper()
	found, none := atHand()
	for _, a := range found {
		t.Run(a.Version, func(t *testing.T) { test(t, a) })
	}
	for _, m := range none {
		t.Run(m.name, func(t *testing.T) { t.Skip(m.why) })
	}
}

// System returns the system's AIDE, or skips the test.
func System(t testing.TB) AIDE {
	t.Helper()
	path, err := system()
	if err != nil {
		t.Skip(err)
	}
	v, err := askVersion(path)
	if err != nil {
		t.Fatal(err)
	}
	return AIDE{Version: v, Path: path}
}
