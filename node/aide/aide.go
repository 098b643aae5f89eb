// Package aide finds, runs and reads AIDE, the Advanced Intrusion Detection
// Environment. It is the only package that starts it, and the programs that AIDE's
// configuration has it run (@@x_include); no shell is involved.
//
// It reads the releases 0.16 to 0.19. What it relies on was measured on them:
// the counts of a report that holds no file names cannot be imitated by a file
// name, so that is where counts come from.
package aide

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrMissing says that there is no AIDE on this host.
var ErrMissing = errors.New("aide is not installed")

// folders hold AIDE in the distributions. They come before PATH, which an agent, cron and a
// login shell set differently.
var folders = [...]string{"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"}

// Program is an AIDE that can be run.
type Program struct {
	Path    string
	Version Version
}

// Version is the version of an AIDE release, such as 0.18.6.
type Version struct{ Major, Minor, Patch int }

func (v Version) String() string {
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// since says whether this is release 0.minor or a later one.
func (v Version) since(minor int) bool { return v.Major > 0 || v.Minor >= minor }

// JSON says whether this release can write a report as JSON.
func (v Version) JSON() bool { return v.since(18) }

// levels says whether each target of a report can have a level of its own.
func (v Version) levels() bool { return v.since(17) }

// TellsExcluded says whether this release reports an entry of the baseline as removed if no
// rule selects it. The releases before pass over it.
func (v Version) TellsExcluded() bool { return v.since(19) }

// NeedsReports says whether this release refuses to run if it cannot write to a file
// that report_url names. 0.16 does without it.
func (v Version) NeedsReports() bool { return v.since(17) }

// Find looks for AIDE, at path if that is not empty, and asks for its version.
// The error wraps ErrMissing if there is none.
func Find(ctx context.Context, path string) (Program, error) {
	paths := []string{path}
	if path == "" {
		paths = nil
		for _, dir := range append(folders[:], filepath.SplitList(os.Getenv("PATH"))...) {
			paths = append(paths, filepath.Join(dir, "aide"))
		}
	}
	closed := "" // an AIDE that nobody may execute
	for _, path := range paths {
		info, err := os.Stat(path)
		if !filepath.IsAbs(path) || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if info.Mode()&0o111 == 0 {
			if info.Size() > 0 { // else it is no program either way
				closed = path
			}
			continue
		}
		version, err := askVersion(ctx, path)
		return Program{Path: path, Version: version}, err
	}
	if closed != "" {
		return Program{}, fmt.Errorf("run %s: %w: chmod 0755 %[1]s", closed, ErrNotExecutable)
	}
	if path != "" {
		return Program{}, fmt.Errorf("%w: %s is no program", ErrMissing, path)
	}
	return Program{}, ErrMissing
}

func askVersion(ctx context.Context, path string) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	o, err := run(ctx, command{path: path, args: []string{"--version"}})
	if err != nil {
		return Version{}, err
	}
	v, ok := parseVersion(append(bytes.Clone(o.Stdout), o.Stderr...))
	if !ok {
		return Version{}, fmt.Errorf("%s --version: no version in what it printed: %.100q", path, firstLine(append(o.Stdout, o.Stderr...)))
	}
	return v, nil
}

// parseVersion finds the version in what aide --version prints: "AIDE 0.18.3" on
// stdout, or "Aide 0.16.2" on stderr.
func parseVersion(text []byte) (v Version, ok bool) {
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) < 2 || !strings.EqualFold(words[0], "aide") {
			continue
		}
		parts := strings.SplitN(strings.TrimPrefix(words[1], "v"), ".", 3)
		for i, part := range []*int{&v.Major, &v.Minor, &v.Patch}[:len(parts)] {
			// A distribution may append to the last part.
			digits := parts[i][:len(parts[i])-len(strings.TrimLeft(parts[i], "0123456789"))]
			if *part, ok = number(digits); !ok {
				return v, false
			}
		}
		return v, len(parts) > 1
	}
	return v, false
}

// number reads a short number.
func number(digits string) (n int, ok bool) {
	n, err := strconv.Atoi(digits)
	return n, err == nil && len(digits) < 6
}

// firstLine returns the first line of a text that is not blank.
func firstLine(text []byte) string {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return string(line)
		}
	}
	return ""
}
