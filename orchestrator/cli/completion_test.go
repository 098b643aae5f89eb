package cli

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asProgram in the environment makes this test the orchestrator, so that shells can
// run it.
const asProgram = "AIDEFLEET_TEST_AS_ORCHESTRATOR"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(context.Background(), os.Args, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// inShell runs a shell with the orchestrator in its PATH, in a folder with nothing
// else in it.
func inShell(t *testing.T, shell string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("there is no " + shell + " here")
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "orchestrator")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = []string{asProgram + "=1", "PATH=" + dir + ":/usr/bin:/bin", "HOME=" + dir, "TERM=dumb"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return string(out)
}

// completions are command lines up to the cursor, and what is found there.
var completions = []struct {
	line string
	want []string
}{
	{"orchestrator swe", []string{"sweep"}},
	{"orchestrator doc", []string{"doctor", "documents"}},
	{"orchestrator documents ", []string{"diff", "list", "publish"}},
	{"orchestrator completion z", []string{"zsh"}},
	{"orchestrator sweep --re", []string{"--region"}},
	{"orchestrator sweep --tag env=prod --role", []string{"--role-arn"}},
	{"orchestrator documents publish --target", []string{"--target-type"}},
	{"orchestrator sweep -- swe", nil},
}

func TestCompletionBash(t *testing.T) {
	const script = `source <(orchestrator completion bash)
complete -p orchestrator >/dev/null || exit
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _orchestrator
printf '%s\n' "${COMPREPLY[@]}"`
	for _, tc := range completions {
		// As readline cuts a line: at = too.
		words := strings.Split(strings.ReplaceAll(tc.line, "=", " = "), " ")
		got := strings.Fields(inShell(t, "bash", append([]string{"--norc", "-c", script, "bash"}, words...)...))
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.line, got, tc.want)
		}
	}
}

// TestCompletionZsh presses the Tab key, and prints the line that is there then.
func TestCompletionZsh(t *testing.T) {
	const script = `zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; autoload -Uz compinit; compinit -D -u; source <(orchestrator completion zsh); print re""ady'
while zpty -r z line && [[ $line != *ready* ]]; do :; done
zpty -w -n z "$1"$'\t\x01print -r -- "\x05" >line\n'
zpty -w z 'exit'
while zpty -r z line; do :; done
print -r -- "$(<line)"`
	for _, tc := range completions {
		want := tc.line[strings.LastIndexByte(tc.line, ' ')+1:]
		switch len(tc.want) {
		case 0:
		case 1:
			want = tc.want[0]
		default:
			continue // a menu
		}
		got := strings.Fields(inShell(t, "zsh", "-f", "-c", script, "zsh", tc.line))
		if last := got[len(got)-1]; last != want {
			t.Errorf("%s: %q, want %q", tc.line, got, want)
		}
	}
}

func TestCompletionFish(t *testing.T) {
	const script = `orchestrator completion fish | source; complete -C $argv[1]`
	for _, tc := range completions {
		var got []string
		for line := range strings.Lines(inShell(t, "fish", "--no-config", "-c", script, tc.line)) {
			// Each has its usage behind a tab. The program itself is a file here.
			if name, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); name != "orchestrator" {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.line, got, tc.want)
		}
	}
}

func TestCompletionRefuses(t *testing.T) {
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"completion"}, "orchestrator: no shell: want bash, zsh or fish; see orchestrator completion --help\n"},
		{[]string{"completion", "tcsh"}, "orchestrator: shell \"tcsh\": want bash, zsh or fish; see orchestrator completion --help\n"},
		{[]string{"completion", "bash", "x"}, "orchestrator: unexpected \"x\"; see orchestrator completion bash --help\n"},
	} {
		code, stdout, stderr := run(t, tc.args...)
		if code != exitUsage {
			t.Errorf("%q: exit %d", tc.args, code)
		}
		if stdout != "" {
			t.Errorf("%q: printed %q", tc.args, stdout)
		}
		if stderr != tc.want {
			t.Errorf("%q: %q, want %q", tc.args, stderr, tc.want)
		}
	}
}

// TestCompletionDoesNothing: whatever has been typed, nothing is done while it is
// completed.
func TestCompletionDoesNothing(t *testing.T) {
	isolate(t)
	for _, args := range [][]string{
		{"sweep", "--tag", "env=prod"}, {"sweep", "--tag"}, {"accept", "--undo", "--instance", "i-0"}, {"documents", "publish"}, {"sweep", "--wrong", "x"},
	} {
		code, _, stderr := run(t, append(args, "--generate-bash-completion")...)
		if code != 0 {
			t.Errorf("%q: exit %d", args, code)
		}
		if stderr != "" {
			t.Errorf("%q: %s", args, stderr)
		}
	}
}
