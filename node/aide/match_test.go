package aide

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		expression, name string
		want             bool
	}{
		{"^[a-zA-Z0-9_-]+$", "31_aide_apt-get", true},
		{"^[a-zA-Z0-9_-]+$", "31_aide.bak", false},
		{"^[[:alnum:]_-]+$", "31_aide_apt-get", true},
		{"^[[:alnum:]_-]+$", "31_aide.bak", false},
		{"^[0-9]{2}_", "31_aide", true},
		{"^[0-9]{2}_", "3_aide", false},
		{`^\d+_\w+$`, "31_aide", true},
		{`\.conf$`, "local.conf", true},
		{`\.conf$`, "local.conf~", false},
		{`\.conf$`, "local.conf\n", true},
		{"^[0-9][0-9]?_", "7_x", true},
		{"^[^.]*$", ".hidden", false},
		{"a.*b", "xaxxbx", true},
		{"^ab+c$", "abbbc", true},
		{"^ab+c$", "ac", false},
		{"", "anything", true},
		{`^[a-z]+\.(conf|inc)$`, "local.inc", true},
		{`^[a-z]+\.(conf|inc)$`, "local.bak", false},
		{"^(a|b(c|d)+)*$", "abcdcab", false},
		{"^(a|b(c|d)+)*$", "abcdcabd", true},
		{"^a|b$", "xb", true},
		{"^(a*)*$", "aaab", false},
		{"^()$", "", true},
	} {
		p, err := compile(c.expression)
		if err != nil {
			t.Errorf("%q: %v", c.expression, err)
		}
		if got := p.match(c.name); got != c.want {
			t.Errorf("%q on %q: %t, want %t", c.expression, c.name, got, c.want)
		}
	}
}

// TestPatternUnsaid: what RE2 cannot say matches every name, and is told.
func TestPatternUnsaid(t *testing.T) {
	for _, expression := range []string{`^(?!x)`, `(?<=a)b`, `^(.)\1`, `a++`, `(?>a|b)`, `\h`, "a{2000}", "(a", "[a"} {
		p, err := compile(expression)
		if err == nil {
			t.Errorf("%q is said", expression)
			continue
		}
		if !strings.Contains(err.Error(), "cannot say the pattern "+expression) {
			t.Errorf("%q: %v", expression, err)
		}
		if !p.match("any") {
			t.Errorf("%q leaves a file out", expression)
		}
	}
}

// TestPatternAsAIDE: of names and patterns that both can say, AIDE includes the same
// files. One that is included breaks the configuration.
func TestPatternAsAIDE(t *testing.T) {
	p, err := Find(t.Context(), "")
	if errors.Is(err, ErrMissing) {
		t.Skip("there is no AIDE here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !p.Version.since(17) {
		t.Skipf("AIDE %s cannot check a configuration without emptying reports", p.Version)
	}
	dir := t.TempDir()
	for _, expression := range []string{
		"^[a-zA-Z0-9_-]+$", "^[[:alnum:]_-]+$", "^[[:digit:]]{2}_", `^\d+_\w+$`, `\.conf$`, "^[^.]*$", `^(?i)AIDE`, `^a{1,3}$`, `\Aa\.b$`, `(?:x|y)+z?$`,
	} {
		names, err := compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		for n, name := range []string{"10_aide", "aide.conf", "aide.conf~", "Aide", "x-y", "aa", "a.b", "a.b\n", "xyz", "é"} {
			folder := filepath.Join(dir, fmt.Sprint("d", n))
			conf := filepath.Join(dir, "conf")
			if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(filepath.Join(folder, name), []byte("@@broken\n"), 0o600),
				os.WriteFile(conf, []byte("database_in=file:/x\n/x p\n@@include "+folder+" "+expression+"\n"), 0o600)); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), p.Path, "--config", conf, "--config-check").CombinedOutput()
			var ended *exec.ExitError
			if err != nil && (!errors.As(err, &ended) || ended.ExitCode() != 17) {
				t.Fatalf("%s: %v: %s", p.Path, err, out)
			}
			if included := err != nil; names.match(name) != included {
				t.Errorf("%q on %q: AIDE includes it: %t; %s", expression, name, included, out)
			}
		}
	}
}

// TestReadConfigUnsaid: no file of a folder is left out if only AIDE knows which it
// takes.
func TestReadConfigUnsaid(t *testing.T) {
	dir := t.TempDir()
	folder, conf := filepath.Join(dir, "d"), filepath.Join(dir, "conf")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(conf, "@@include "+folder+" ^(?!README)\n")
	write(filepath.Join(folder, "10_db"), "database_in=file:/a\n")
	before, err := ReadConfig(t.Context(), conf, "")
	if err != nil {
		t.Fatal(err)
	}
	if before.Database != "/a" {
		t.Errorf("database %s", before.Database)
	}
	if before.DropIn != "" {
		t.Errorf("%s may be read, or may not", before.DropIn)
	}
	if len(before.Unsaid) != 1 {
		t.Fatalf("told %v", before.Unsaid)
	}
	if got, want := before.Unsaid[0].Error(), "@@include "+folder+" ^(?!README): this program cannot say the pattern ^(?!README), which may be one of PCRE's own"; !strings.HasPrefix(got, want) {
		t.Errorf("told %s, want %s", got, want)
	}

	write(filepath.Join(folder, "20_more"), "# a comment\n")
	after, err := ReadConfig(t.Context(), conf, "")
	if err != nil {
		t.Fatal(err)
	}
	if after.SHA256 == before.SHA256 {
		t.Error("a file more is not part of the configuration")
	}

	// A file that cannot be read as a configuration may be none.
	write(filepath.Join(folder, "README"), "@@endif\n")
	_, err = ReadConfig(t.Context(), conf, "")
	assert.ErrorContains(t, err, "--database can say where the baseline is")
	given, err := ReadConfig(t.Context(), conf, "/b")
	if err != nil {
		t.Errorf("with --database: %v", err)
	}
	if given.Database != "/b" {
		t.Errorf("database %s, want /b", given.Database)
	}

	// Nor is a program run that AIDE may not run.
	ran := filepath.Join(dir, "ran")
	write(conf, "@@x_include "+folder+" ^(?!README)\n")
	write(filepath.Join(folder, "README"), "#!/bin/sh\n>"+ran+"\n")
	if err := os.Chmod(filepath.Join(folder, "README"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(t.Context(), conf, ""); err != nil {
		t.Errorf("beside a program: %v", err)
	}
	if _, err := os.Stat(ran); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the program was run: %v", err)
	}
	if err := os.Chmod(filepath.Join(folder, "README"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadConfig(t.Context(), conf, "/b"); !errors.Is(err, ErrUntrusted) {
		t.Errorf("%v, want ErrUntrusted", err)
	}
}

// FuzzPattern: no pattern makes a file that is there go unread without being told.
func FuzzPattern(f *testing.F) {
	f.Add("^[[:alnum:]]{2}$", "ab")
	f.Add("(?!a)", "b")
	f.Fuzz(func(t *testing.T, expression, name string) {
		p, err := compile(expression)
		if err != nil && !p.match(name) {
			t.Errorf("%q leaves %q out: %v", expression, name, err)
		}
	})
}
