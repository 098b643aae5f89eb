package packaging_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func manual(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("aide-node.8")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// first returns the first group of each match.
func first(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

func TestManualSections(t *testing.T) {
	want := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "FILES", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}
	if got := first(`(?m)^\.Sh (.+)$`, manual(t)); !slices.Equal(got, want) {
		t.Errorf("the sections are %q, want %q", got, want)
	}
}

// TestManualRenders checks that man has nothing to complain about.
func TestManualRenders(t *testing.T) {
	// Small images have a program of that name which says that there are no manuals.
	if out, err := exec.Command("man", "--version").Output(); err != nil || !strings.HasPrefix(string(out), "man ") {
		t.Skip("man is not installed here: apt-get install man-db, or dnf install man-db")
	}
	c := exec.Command("man", "--warnings", "-l", "aide-node.8")
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "MANWIDTH=80", "MANPAGER=cat", "MAN_KEEP_FORMATTING=")
	var complaints strings.Builder
	c.Stderr = &complaints
	out, err := c.Output()
	assert.NoError(t, err, c.String())
	assert.Empty(t, complaints.String(), c.String())
	if !strings.Contains(string(out), "aide-node check [options]") {
		t.Errorf("man prints\n%s", out)
	}
}

// TestManualIsComplete holds the manual against the program's own help: neither
// names a command or an option that the other lacks.
func TestManualIsComplete(t *testing.T) {
	release(t)
	node, page := filepath.Join(dist, "linux-"+runtime.GOARCH, "aide-node"), manual(t)
	commands := first(`(?m)^  aide-node (\S+)`, run(t, node, "help"))
	var options []string
	for _, command := range commands {
		options = append(options, first(`(?m)^  -(\S+)`, run(t, node, command, "--help"))...)
	}
	synopsis, rest, _ := strings.Cut(page, ".Sh DESCRIPTION")
	for _, c := range []struct {
		what      string
		help, man []string
	}{
		{"commands in SYNOPSIS", commands, first(`(?m)^\.Cm (\S+)$`, synopsis)},
		{"commands in COMMANDS", commands, first(`(?m)^\.It Cm (\S+)$`, rest)},
		{"options", options, first(`(?m)^\.It Fl -([a-z-]+)`, rest)},
	} {
		help, man := set(c.help), set(c.man)
		assert.NotEmpty(t, help, c.what)
		assert.Equal(t, man, help, c.what)
	}
}

func set(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
