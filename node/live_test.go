package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// option is the name of an option as that release spells it.
func option(a aidetest.AIDE, now, old string) string {
	if a.Since(17) {
		return now
	}
	return old
}

// newLive is a host of a small tree with that AIDE.
func newLive(t *testing.T, a aidetest.AIDE) host {
	t.Helper()
	h := newHost(t, a)
	h.conf(a, "")
	return h
}

// conf makes text the end of the configuration.
func (h host) conf(a aidetest.AIDE, text string) {
	h.t.Helper()
	h.write("aide.conf", option(a, "database_in", "database")+"=file:"+h.dir+"/db/aide.db\nreport_url=stdout\n"+h.tree+" p+u+g+s+sha256\n"+text)
}

// TestEmpty tells files that are all gone from rules that select none.
func TestEmpty(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		h := newLive(t, a)
		h.clean("init", "--aide", a.Path)
		h.write("aide.conf", option(a, "database_in", "database")+"=file:"+h.dir+"/db/aide.db\nreport_url=stdout\n/none p\n")
		l, text := h.run("check", "--aide", a.Path)
		assert.Equal(t, result.ConfigInvalid, l.Reason, "without rules: %+v\n%s", l, text)
		assert.Contains(t, l.Message, "selects no file", "without rules")
		h.conf(a, "")
		if err := os.RemoveAll(h.tree); err != nil {
			t.Fatal(err)
		}
		l, text = h.run("check", "--aide", a.Path)
		require.NotNil(t, l.Counts, "without files: %+v\n%s", l, text)
		require.Equal(t, result.Counts{Removed: 5}, *l.Counts, "without files")
		if !slices.Contains(l.Paths, "-"+h.tree+"/etc/passwd") {
			t.Errorf("paths %q", l.Paths)
		}
		l, text = h.run("accept", "--fingerprint", l.Fingerprint, "--aide", a.Path)
		assert.Equal(t, result.Refused, l.Reason, "accept: %+v\n%s", l, text)
		assert.Contains(t, l.Message, "nothing is there", "accept")
		h.write("tree/a", "a\n")
		l, text = h.run("check", "--aide", a.Path)
		require.NotNil(t, l.Counts, "with one file again: %+v\n%s", l, text)
		assert.Equal(t, result.Counts{Removed: 3, Total: 2}, *l.Counts, "with one file again")
	})
}

// TestFewEntries: a host that is hardly looked at says so, when its baseline is taken
// and at each check.
func TestFewEntries(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		h := newLive(t, a)
		h.write("aide.conf", strings.Replace(string(readFile(t, h.config)), h.tree+" ", h.tree+"/a ", 1))
		for _, command := range []string{"init", "check", "init"} {
			l, text := h.run(command, "--aide", a.Path)
			require.Equal(t, result.Clean, l.Status, "%s: %+v\n%s", command, l, text)
			assert.Equal(t, 1, l.Total, command)
			assert.Contains(t, l.Message, "hardly anything (entries: 1)", command)
			assert.Contains(t, l.Message, h.config, command)
		}
	})
}

// TestIgnoredIsSaid: changes that the configuration ignores are no drift, and are said.
func TestIgnoredIsSaid(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		if !a.Since(17) {
			t.Skip("AIDE " + a.Version + " does not count what it ignores")
		}
		h := newLive(t, a)
		h.conf(a, "report_ignore_changed_attrs=p\n")
		h.run("init", "--aide", a.Path)
		if err := os.Chmod(h.tree+"/a", 0o600); err != nil {
			t.Fatal(err)
		}
		l, text := h.run("check", "--aide", a.Path)
		require.Equal(t, result.Clean, l.Status, "%+v\n%s", l, text)
		assert.Equal(t, 5, l.Total)
		assert.Contains(t, l.Message, "ignores (report_ignore_…): 1")
		h.write("tree/b", "other\n")
		l, text = h.run("check", "--aide", a.Path)
		require.Equal(t, result.Drift, l.Status, "%+v\n%s", l, text)
		assert.Equal(t, 1, l.Changed)
		assert.Equal(t, []string{"~" + h.tree + "/b"}, l.Paths)
		assert.Contains(t, l.Message, "ignores (report_ignore_…): 1")
	})
}

// TestBaselineWatched: a baseline in a folder that is watched does not report itself,
// and a change is clean once it is accepted. A file put beside it is seen.
func TestBaselineWatched(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for _, folder := range []string{"db", `odd (db) %41`} {
			h := newLive(t, a)
			h.state = filepath.Join(h.dir, folder, "the state")
			h.conf(a, h.dir+"/"+map[string]string{"db": "db", `odd (db) %41`: "odd"}[folder]+" p+i+n+u+g+s+m+c+sha256\n")
			options := []string{"--aide", a.Path, "--database", filepath.Join(h.dir, folder, "aide.db")}
			h.write(folder+"/other", "other\n")
			l, text := h.run("init", options...)
			require.Equal(t, result.Clean, l.Status, "init: %+v\n%s", l, text)
			require.Equal(t, 7, l.Total, "init")
			if l, text := h.run("check", options...); l.Status != result.Clean {
				t.Errorf("check: %+v\n%s", l, text)
			}
			for _, content := range []string{"one\n", "two\n"} {
				h.write("tree/a", content)
				l, text := h.run("check", options...)
				require.NotNil(t, l.Counts, "check of a change: %+v\n%s", l, text)
				require.Equal(t, 1, l.Sum(), "check of a change")
				require.Equal(t, 1, l.Changed, "check of a change")
				if l, text := h.run("accept", append(options, "--fingerprint", l.Fingerprint)...); l.Status != result.Clean {
					t.Fatalf("accept: %+v\n%s", l, text)
				}
				if l, text := h.run("check", options...); l.Status != result.Clean {
					t.Errorf("check behind it: %+v\n%s", l, text)
				}
			}
			if l, text := h.run("accept", append(options, "--undo")...); l.Status != result.Clean {
				t.Fatalf("undo: %+v\n%s", l, text)
			}
			h.write(folder+"/aide.db.new", "")
			l, text = h.run("check", options...)
			require.NotNil(t, l.Counts, "check of a file beside it: %+v\n%s", l, text)
			assert.Equal(t, 2, l.Sum(), "check of a file beside it: %+v\n%s", l, text)
			assert.Equal(t, 1, l.Added, "check of a file beside it")
		}
	})
}

// TestDoctorConfig: doctor fails where each check would, and only there.
func TestDoctorConfig(t *testing.T) {
	program := func(h host, script string) string {
		h.write("conf.d/rules", script)
		if err := os.Chmod(h.dir+"/conf.d/rules", 0o755); err != nil {
			h.t.Fatal(err)
		}
		return "@@x_include " + h.dir + "/conf.d ^[a-z]+$\n"
	}
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for _, c := range []struct {
			name    string
			conf    func(h host) string
			failed  bool
			message string
		}{
			{"as it is", func(host) string { return "" }, false, ""},
			{"a report", func(h host) string { return "report_url=file:" + h.dir + "/report\n" }, false, ""},
			{"a report in a folder that is not there", func(h host) string { return "@@define LOG " + h.dir + "/log\nreport_url=file:@@{LOG}/aide.log\n" }, a.Since(17), "/log/aide.log"},
			{"a report that is a folder", func(h host) string { return "report_url=file:" + h.tree + "\n" }, a.Since(17), "is a folder"},
			{"a program that fails", func(h host) string { return program(h, "#!/bin/sh\necho oh no >&2\nexit 1\n") }, true, option(a, "oh no", ":4: ")},
			{"a program that is well", func(h host) string { return program(h, "#!/bin/sh\necho /none p\n") }, !a.Since(17), ":4: "}, // 0.16 runs none
			{"CR LF", func(host) string { return "/none p\r\n" }, !a.Since(18), ":4: "},
			{"no end", func(host) string { return "/none p" }, a.Version[:4] == "0.17", ":4: "},
			{"an option of 0.16", func(host) string { return "summarize_changes=no\n" }, a.Since(19), "summarize_changes"},
			{"an unknown option", func(host) string { return "no_option=1\n" }, true, ":4: "},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := newLive(t, a)
				h.run("init", "--aide", a.Path)
				h.conf(a, c.conf(h))
				said, _, _ := doctorSays(t, h, "--aide", a.Path)
				for _, found := range said.Checks {
					if found.Name != "config" {
						continue
					}
					if failed := found.Status == "failed"; failed != c.failed {
						t.Errorf("%+v", found)
					}
					if c.failed && !strings.Contains(found.Message, c.message) {
						t.Errorf("%q, want %q", found.Message, c.message)
					}
				}
				if l, text := h.run("check", "--aide", a.Path); (l.Status == result.Failed) != c.failed {
					t.Errorf("the check says %+v\n%s", l, text)
				}
			})
		}
	})
}

// TestSyslogFormat: what only Red Hat's 0.16 knows is switched off where it is on.
func TestSyslogFormat(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip(err)
	}
	h := newHost(t)
	fake := h.fakeOf("0.16", "printf '%s\\n' \"$2\" >"+h.dir+"/told; exit 18")
	for text, want := range map[string]bool{"": false, "syslog_format=yes\n": true, "syslog_format = yes\n": true} {
		h.write("aide.conf", "database=file:"+h.dir+"/db/aide.db\n"+text)
		h.write("db/aide.db", "@@begin_db\n@@db_spec name\n/a\n@@end_db\n")
		h.run("check", "--aide", fake)
		_, behind, _ := strings.Cut(string(readFile(t, h.dir+"/told")), "@@include")
		if got := strings.Contains(behind, "\nsyslog_format=no\n"); got != want {
			t.Errorf("%q: AIDE is told %q", text, behind)
		}
	}
}

// TestExcludedByRelease: up to 0.18 AIDE passes over what is excluded since the baseline
// was taken, from 0.19 on that is removed. The message says which.
func TestExcludedByRelease(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		h := newLive(t, a)
		h.write("tree/c", "c\n")
		h.run("init", "--aide", a.Path)
		h.conf(a, "!"+h.tree+"/a\n")
		h.write("tree/a", "other\n")
		l, text := h.run("check", "--aide", a.Path)
		want, message := result.Counts{Total: 5}, "any more: not compared. AIDE's configuration was changed"
		if a.Since(19) {
			want, message = result.Counts{Removed: 1, Total: 5}, "what it excludes now is told as removed"
		}
		require.NotNil(t, l.Counts, "%+v\n%s", l, text)
		assert.Equal(t, want, *l.Counts)
		if !strings.Contains(l.Message, message) {
			t.Errorf("message %q, want %q", l.Message, message)
		}
		if _, text := h.run("configure", "--aide", a.Path, "--watch", h.tree); strings.Contains(text, "excluded now as removed") != a.Since(19) {
			t.Errorf("configure says\n%s", text)
		}
	})
}
