package cli

import (
	"bytes"
	"strings"
	"testing"
)

func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), append([]string{"lab"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestBadInput(t *testing.T) {
	for args, want := range map[string]string{
		"bogus":         `no command "bogus"`,
		"--bogus":       "-bogus",
		"up --bogus":    "-bogus",
		"up extra":      `unexpected "extra"`,
		"demo extra":    `unexpected "extra"`,
		"demo --dir /x": "-dir",
		"exec":          "want HOST -- PROGRAM",
		"exec web-1":    "want HOST -- PROGRAM",
		"exec web-1 --": "want HOST -- PROGRAM",
		"env --bogus":   "-bogus",
		"env extra":     `unexpected "extra"`,
		"down extra":    `unexpected "extra"`,
	} {
		code, stdout, stderr := run(t, strings.Fields(args)...)
		if code != exitUsage {
			t.Errorf("%s: exit %d, want %d", args, code, exitUsage)
		}
		if !strings.HasPrefix(stderr, "lab: ") {
			t.Errorf("%s: stderr %q, want it to begin with the program's name", args, stderr)
		}
		if !strings.Contains(stderr, want) {
			t.Errorf("%s: stderr %q, want %q", args, stderr, want)
		}
		if strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: stderr %q, want one line", args, stderr)
		}
		if stdout != "" {
			t.Errorf("%s: stdout %q", args, stdout)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"", "--help", "up --help", "exec --help"} {
		code, stdout, stderr := run(t, strings.Fields(args)...)
		if code != 0 {
			t.Errorf("%q: exit %d", args, code)
		}
		if !strings.Contains(stdout, "lab") {
			t.Errorf("%q: stdout %q", args, stdout)
		}
		if strings.Contains(stdout, "stand-in agent, in") {
			t.Errorf("%q: it shows what is not for operators: %q", args, stdout)
		}
		if stderr != "" {
			t.Errorf("%q: stderr %q", args, stderr)
		}
	}
}
