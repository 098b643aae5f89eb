package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// program makes a program that the configuration includes, and returns how to change it.
func (h host) program(script string) {
	h.t.Helper()
	h.write("programs/10_rules", "#!/bin/sh\n"+script+"\n")
	h.chmod("programs/10_rules", 0o755)
}

// TestProgramIsConfiguration holds that a program that an @@x_include runs cannot hide a
// change by what it prints: the digest of the configuration is another one, the message
// says so, and what AIDE passes over is counted.
func TestProgramIsConfiguration(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		if !a.Since(17) {
			t.Skip("0.16 knows no @@x_include")
		}
		h := newHost(t, a)
		h.program("echo '# now: '$$\necho @@define NOTHING")
		h.write("aide.conf", "@@x_include "+h.dir+"/programs ^[a-z0-9_]+$\n"+string(readFile(t, h.config)))
		first, text := h.run("init", "--aide", a.Path)
		if first.Status != result.Clean {
			t.Fatalf("init: %+v\n%s", first, text)
		}
		again, _ := h.run("check", "--aide", a.Path)
		if again.Config != first.Config {
			t.Errorf("the digest is %s and then %s, with another comment", first.Config, again.Config)
		}
		if again.Message != "" {
			t.Errorf("a message where nothing was changed: %s", again.Message)
		}

		h.write("tree/a", "changed\n")
		h.program("test -e " + h.dir + "/hide && echo '!" + h.tree + "/a$' || :")
		h.write("hide", "")
		l, _ := h.run("check", "--aide", a.Path)
		if l.Config == first.Config {
			t.Errorf("the digest is the same where the program hides a file: %+v", l)
		}
		if !strings.Contains(l.Message, "configuration was changed") {
			t.Errorf("the message is %q, want that the configuration was changed", l.Message)
		}
		if a.Since(19) {
			require.NotNil(t, l.Counts, "%+v", l)
			assert.Equal(t, 1, l.Removed)
			return
		}
		if l.Status != result.Clean {
			t.Errorf("%+v, want clean: AIDE passes over the file", l)
		}
		if !strings.HasPrefix(l.Message, "no rule selects 1 entry of the baseline any more") {
			t.Errorf("the message is %q, want that one was not compared", l.Message)
		}
	})
}

// TestProgramSaysTheDatabase reads a database_in that only a program prints.
func TestProgramSaysTheDatabase(t *testing.T) {
	a := aidetest.System(t)
	h := newHost(t)
	text := string(readFile(t, h.config))
	h.program("echo database_in=file:$WHERE/by-program.db")
	h.write("aide.conf", "@@x_include_setenv WHERE "+h.dir+"\n@@x_include_setenv PATH /nowhere\n@@x_include "+h.dir+"/programs/10_rules\n"+
		strings.Replace(text, "database_in=file:@@{DB}/aide.db\n", "", 1))
	if l, said := h.run("init", "--aide", a.Path); l.Status != result.Clean {
		t.Fatalf("init: %+v\n%s", l, said)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "by-program.db")); err != nil {
		t.Error(err)
	}
}

// TestProgramFails has programs that AIDE would refuse, or wait for.
func TestProgramFails(t *testing.T) {
	a := aidetest.System(t)
	for name, c := range map[string]struct {
		script, want string
		reason       result.Reason
	}{
		"status":   {"exit 3", "status 3", result.ConfigInvalid},
		"stderr":   {"echo no network >&2", "no network", result.ConfigInvalid},
		"signal":   {"kill -9 $$", "signal 9", result.ConfigInvalid},
		"much":     {"yes '# much' | head -c 5000000", "more than", result.ConfigInvalid},
		"for ever": {"sleep 3600", "2s", result.Timeout}, // the test is over before that
		"itself":   {"echo @@x_include $0", "10_rules (stdout):1", result.ConfigInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.program(c.script)
			h.write("aide.conf", "@@x_include "+h.dir+"/programs/10_rules\n"+string(readFile(t, h.config)))
			timeout := "1m"
			if c.reason == result.Timeout {
				timeout = c.want
			}
			l, _ := h.run("check", "--aide", a.Path, "--timeout", timeout)
			if l.Reason != c.reason {
				t.Errorf("%+v, want %s", l, c.reason)
			}
			if !strings.Contains(l.Message, c.want) {
				t.Errorf("the message is %q, want %q in it", l.Message, c.want)
			}
		})
	}
}

// TestRemovalIgnored: what the rules let AIDE pass over when it is gone is no entry that
// no rule selects.
func TestRemovalIgnored(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		h := newHost(t, a)
		h.write("aide.conf", strings.Replace(string(readFile(t, h.config)), "p+u+g+s+sha256", "p+u+g+s+sha256+ARF", 1))
		h.write("tree/c", "c\n") // few entries would be told
		if l, text := h.run("init", "--aide", a.Path); l.Status != result.Clean {
			t.Fatalf("init: %+v\n%s", l, text)
		}
		h.remove("tree/a")
		l, _ := h.run("check", "--aide", a.Path)
		if l.Status != result.Clean {
			t.Errorf("%+v, want clean", l)
		}
		if l.Message != "" {
			t.Errorf("the message is %q, want none", l.Message)
		}
	})
}
