package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// binary is built once, for the tests that kill the node.
var binary string

func TestMain(m *testing.M) {
	syscall.Umask(0o022) // a configuration that the group can write to is refused
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "aide-node-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "aide-node")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build aide-node: %v\n%s", err, out)
			return 1
		}
		return aidetest.Main(m)
	}())
}

// host is a small host in a folder, with a configuration for a real AIDE.
type host struct {
	t                        *testing.T
	dir, config, state, tree string
	aide, version            string // the real AIDE's path and release
}

// newHost is a host with the AIDE given, or else with the system's.
func newHost(t *testing.T, a ...aidetest.AIDE) host {
	t.Helper()
	if len(a) == 0 {
		a = append(a, aidetest.System(t))
	}
	// A short name, so that a line has room for paths.
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := host{t, dir, filepath.Join(dir, "aide.conf"), filepath.Join(dir, "state"), filepath.Join(dir, "tree"), a[0].Path, a[0].Version}
	h.write("aide.conf", "@@define DB "+dir+"/db\ndatabase_in=file:@@{DB}/aide.db\ndatabase_out=file:@@{DB}/aide.db.new\ngzip_dbout=yes\nreport_url=stdout\n"+
		h.tree+" p+u+g+s+sha256\n")
	h.nameInput(h.version)
	h.write("tree/a", "a\n")
	h.write("tree/b", "b\n")
	h.write("tree/etc/passwd", "root\n")
	return h
}

// nameInput calls the input database what a release calls it.
func (h host) nameInput(version string) {
	if text, err := os.ReadFile(h.config); err == nil && !(aidetest.AIDE{Version: version}).Since(17) {
		h.write("aide.conf", strings.Replace(string(text), "database_in=", "database=", 1))
	}
}

func (h host) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// fake makes an AIDE of the host's release that does what a script says.
func (h host) fake(script string) string { return h.fakeOf(h.version, script) }

// fakeOf makes an AIDE of a release that does what a script says. There the function
// included prints the path of the configuration that is in the argument --before, and
// real runs the host's AIDE, with the options of 0.16 as that AIDE spells them.
func (h host) fakeOf(version, script string) string {
	h.t.Helper()
	h.nameInput(version)
	const spelled = `conf=$(printf %s "$2" | sed 's/^--before=verbose=5/--before=/; s/^database=/database_in=/; s/^grouped=/report_&/; s/^summarize_changes=/report_&/'); first=$1; shift 2; set -- "$first" "$conf" "$@"; `
	real := `"` + h.aide + `" "$@"`
	if (aidetest.AIDE{Version: h.version}).Since(17) && !(aidetest.AIDE{Version: version}).Since(17) {
		real = spelled + real
	}
	h.write("aide", "#!/bin/sh\nif [ \"$1\" = --version ]; then echo AIDE "+version+"; exit; fi\n"+
		"included() { printf %s \"$1\" | sed -n 's/^@@include //p'; }\nreal() { "+real+"; }\n"+script+"\n")
	path := filepath.Join(h.dir, "aide")
	if err := os.Chmod(path, 0o755); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// refused runs a command line, and holds the reason and the message of its refusal.
func refused(t *testing.T, reason result.Reason, message string, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	exit := run(context.Background(), args, &stdout, &stderr)
	l, err := result.Parse(stdout.Bytes())
	assert.NoError(t, err, args)
	assert.Equal(t, 1, exit, args)
	assert.Equal(t, reason, l.Reason, args)
	assert.Contains(t, l.Message, message, args)
	assert.NotEmpty(t, stderr.String(), args)
}

// clean runs a command that ends clean, with nothing to say in its line.
func (h host) clean(command string, options ...string) {
	h.t.Helper()
	l, text := h.run(command, options...)
	assert.Equal(h.t, result.Clean, l.Status, "%s: %+v\n%s", command, l, text)
	assert.Empty(h.t, l.Message, command)
}

// run runs the node, reads its line and checks what holds for each of them.
func (h host) run(command string, options ...string) (result.Line, string) {
	h.t.Helper()
	// The packages of this machine are none of the host's.
	args := append([]string{command, "--config", h.config, "--state", h.state, "--aide", h.aide, "--packages=false"}, options...)
	var stdout, stderr bytes.Buffer
	exit := run(context.Background(), args, &stdout, &stderr)
	l, err := result.Parse(stdout.Bytes())
	if err != nil {
		h.t.Fatalf("%q: %v in %q", args, err, stdout.String())
	}
	failed := l.Status == result.Failed
	assert.Equal(h.t, failed, exit == 1, "%q: status %s, exit %d, stderr %q", args, l.Status, exit, stderr.String())
	assert.Equal(h.t, failed, stderr.Len() > 0, args)
	assert.LessOrEqual(h.t, exit, 1, args)
	_, text, _ := strings.Cut(stdout.String(), "\n")
	return l, text
}

func TestCheck(t *testing.T) { aidetest.Each(t, testCheck) }

func testCheck(t *testing.T, a aidetest.AIDE) {
	cases := map[string]struct {
		do   func(h host)
		want result.Counts
		// paths are relative to the tree, most relevant first.
		paths []string
	}{
		"nothing": {func(host) {}, result.Counts{Total: 5}, nil},
		"all kinds": {func(h host) {
			h.write("tree/new", "new\n")
			h.write("tree/a", "other\n")
			_ = os.Remove(filepath.Join(h.tree, "b"))
		}, result.Counts{Added: 1, Removed: 1, Changed: 1, Total: 5}, []string{"~/a", "-/b", "+/new"}},
		"odd names": {func(h host) {
			for _, name := range []string{"a\nb", "tab\t", "\x1b[31m", "日本", "a : b", "Added entries:\t\t9", `q"`, "x\nf+++++++++++++++++: /etc/shadow"} {
				h.write("tree/"+filepath.Base("/"+strings.ReplaceAll(name, "/", "∕")), name)
			}
		}, result.Counts{Added: 8, Total: 13}, []string{
			"+/\x1b[31m", "+/Added entries:\t\t9", "+/a\nb", "+/a : b", `+/q"`, "+/tab\t",
			"+/x\nf+++++++++++++++++: ∕etc∕shadow", "+/日本",
		}},
		"a name like an escaped one": {func(h host) {
			h.write(`tree/\011`, "")
			h.write("tree/\t", "")
		}, result.Counts{Added: 2, Total: 7}, []string{"+/\t", `+/\011`}},
		"a name that AIDE does not escape": {func(h host) {
			h.write("tree/\x1f", "")
			h.write("tree/q\"x", "")
		}, result.Counts{Added: 2, Total: 7}, []string{"+/\x1f", "+/q\"x"}},
		"setuid first": {func(h host) {
			h.write("tree/1", "")
			h.write("tree/2", "")
			_ = os.Chmod(filepath.Join(h.tree, "2"), 0o755|os.ModeSetuid)
		}, result.Counts{Added: 2, Total: 7}, []string{"+/2", "+/1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, a)
			l, _ := h.run("init")
			require.Equal(t, result.Clean, l.Status, "init: %+v", l)
			require.Equal(t, 5, l.Total, "init")
			c.do(h)
			l, text := h.run("check")
			require.NotNil(t, l.Counts, "%+v\n%s", l, text)
			require.Equal(t, c.want, *l.Counts)
			require.Equal(t, 0, l.More)
			var want []string
			for _, p := range c.paths {
				want = append(want, p[:1]+h.tree+p[1:])
			}
			if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(l.Paths)), want) {
				t.Errorf("paths %q, want %q", l.Paths, want)
			}
			if len(want) == 2 && l.Paths[0] != c.paths[0][:1]+h.tree+c.paths[0][1:] {
				t.Errorf("first path %q, want %q", l.Paths[0], c.paths[0])
			}
			assert.False(t, strings.ContainsAny(text, "\x1b\t"), "control characters in the text for people: %q", text)
			assert.True(t, utf8.ValidString(text), "no UTF-8: %q", text)
			form := ".txt.gz"
			if a.Since(18) {
				form = ".json.gz"
			}
			if kept, _ := filepath.Glob(filepath.Join(h.state, "reports", l.Report+form)); len(kept) != 1 {
				t.Errorf("report %q is not kept", l.Report)
			}
		})
	}
}

// TestCheckNotUTF8 is with a name that is no UTF-8. Upstream's AIDE from 0.17 on, and
// Debian's 0.17.3, never see such a file; Debian's later ones do.
func TestCheckNotUTF8(t *testing.T) { aidetest.Each(t, testCheckNotUTF8) }

func testCheckNotUTF8(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.write("tree/inv\xff", "")
	l, _ := h.run("init")
	h.remove("tree/inv\xff")
	want := map[int][]string{5: nil, 6: {"-" + h.tree + `/inv\377`}}
	paths, known := want[l.Total]
	if !known {
		t.Fatalf("a baseline of %d entries, want 5 or 6", l.Total)
	}
	if l, _ := h.run("check"); !slices.Equal(l.Paths, paths) {
		t.Errorf("paths %q, want %q", l.Paths, paths)
	}
}

// TestCheckRawNames is with an AIDE that writes names as they are, as upstream
// does up to 0.18.6: its reports can only be read by who knows the names.
func TestCheckRawNames(t *testing.T) { aidetest.Each(t, testCheckRawNames) }

func testCheckRawNames(t *testing.T, a aidetest.AIDE) {
	odd := []string{"a\nb", "tab\t", "\x1b[31m", `q"u\ote`, "x\nf+++++++++++++++++: /etc/shadow", "y\n    \"/etc/shadow\": \"f+++++++++++++++++\",", "a"}
	const plain = `s/\\012/\n/g; s/\\011/\t/g; s/\\033/\x1b/g`
	for _, c := range []struct {
		version, raw string
		from, to     int // releases that take the options of that version
	}{
		{"0.16.2", plain, 16, 18}, // 0.19 has no option database
		{"0.17.4", plain, 17, 19},
		{"0.18.6", `s/\\n/\n/g; s/\\t/\t/g; s/\\u0027/\x1b/g; s/\\"/"/g`, 18, 18}, // later ones escape in JSON
	} {
		if !a.Since(c.from) || a.Since(c.to+1) {
			continue
		}
		t.Run("as "+c.version, func(t *testing.T) {
			h := newHost(t, a)
			h.run("init")
			var want []string
			for _, name := range odd {
				h.write("tree/odd/"+name, name)
				want = append(want, "+ "+strings.NewReplacer("\n", "?", "\t", "?", "\x1b", "?").Replace(h.tree+"/odd/"+name)+"\n")
			}
			fake := h.fakeOf(c.version, `real "$@"; exit=$?; sed -i '`+c.raw+`' "`+h.state+`/run/report"; exit $exit`)
			l, text := h.run("check", "--aide", fake)
			for _, p := range want {
				if !strings.Contains(text, p) {
					t.Errorf("%q is not in\n%s", p, text)
				}
			}
			require.NotNil(t, l.Counts, "%+v\n%s", l, text)
			assert.Equal(t, len(odd)+5, l.Added)
			assert.Equal(t, 0, l.Changed+l.Removed)
			assert.NotEmpty(t, l.Fingerprint)
		})
	}
}

// TestFingerprint is that of the change: equal on two hosts to which the same
// happened, and another one if a byte, a mode or a name differs.
func TestFingerprint(t *testing.T) { aidetest.Each(t, testFingerprint) }

func testFingerprint(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	seen := make(map[string]string)
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"a file", func() { h.write("tree/new", "one\n") }},
		{"other content", func() { h.write("tree/new", "two\n") }},
		{"other mode", func() { _ = os.Chmod(filepath.Join(h.tree, "new"), 0o600) }},
		{"other name", func() { _ = os.Rename(filepath.Join(h.tree, "new"), filepath.Join(h.tree, "new2")) }},
		{"one more", func() { _ = os.Remove(filepath.Join(h.tree, "b")) }},
	} {
		c.do()
		l, _ := h.run("check")
		before, twice := seen[l.Fingerprint]
		assert.False(t, twice, "%s: fingerprint %q, that of %q", c.name, l.Fingerprint, before)
		assert.NotEmpty(t, l.Fingerprint, c.name)
		seen[l.Fingerprint] = c.name
	}
	// The same state again, with new inodes and times.
	_ = os.Remove(filepath.Join(h.tree, "new2"))
	h.write("tree/other", "")
	h.write("tree/new2", "two\n")
	_ = os.Chmod(filepath.Join(h.tree, "new2"), 0o600)
	_ = os.Remove(filepath.Join(h.tree, "other"))
	if l, _ := h.run("check"); seen[l.Fingerprint] != "one more" {
		t.Errorf("the same state has the fingerprint %q, that of %q", l.Fingerprint, seen[l.Fingerprint])
	}
}

// TestAttributeANF is with rules that let AIDE ignore new files.
func TestAttributeANF(t *testing.T) { aidetest.Each(t, testAttributeANF) }

func testAttributeANF(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	cut(h, "aide.conf", "p+u+g")
	appendTo(h, "p+sha256+ANF\n")
	h.run("init")
	h.write("tree/log.1", "rotated\n")
	l, _ := h.run("check")
	require.Equal(t, result.Clean, l.Status, "%+v", l)
	assert.Equal(t, 6, l.Total)
}

// TestStateIsOurs refuses a state folder through which others could lead what is
// written as root.
func TestStateIsOurs(t *testing.T) { aidetest.Each(t, testStateIsOurs) }

func testStateIsOurs(t *testing.T, a aidetest.AIDE) {
	for name, do := range map[string]func(h host){
		"a link for the lock":    func(h host) { h.link("victim", "state/lock") },
		"a link for run":         func(h host) { h.link("victims", "state/run") },
		"a link for reports":     func(h host) { h.link("victims", "state/reports") },
		"a link for itself":      func(h host) { _ = os.Rename(h.state, h.state+"2"); h.link("state2", "state") },
		"a pipe for the lock":    func(h host) { _ = os.Remove(h.state + "/lock"); _ = syscall.Mkfifo(h.state+"/lock", 0o600) },
		"written to by everyone": func(h host) { _ = os.Chmod(h.state, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, a)
			h.run("init")
			h.write("victim", "precious")
			h.write("victims/new.db", "precious")
			do(h)
			if l, _ := h.run("check"); l.Reason != result.StateUnwritable {
				t.Errorf("%+v, want %s", l, result.StateUnwritable)
			}
			for _, f := range []string{"victim", "victims/new.db"} {
				if got := string(readFile(t, filepath.Join(h.dir, f))); got != "precious" {
					t.Errorf("%s is now %q", f, got)
				}
			}
		})
	}
	h := newHost(t, a)
	if err := os.Mkdir(h.state, 0o755); err != nil {
		t.Fatal(err)
	}
	h.run("init")
	info, err := os.Stat(h.state)
	require.NoError(t, err, "the state folder")
	assert.Equal(t, fs.FileMode(0o700), info.Mode().Perm(), "the state folder has mode %v", info.Mode())
}

// link puts a link in the place of a file of the state folder.
func (h host) link(to, from string) {
	h.t.Helper()
	from = filepath.Join(h.dir, from)
	if err := os.RemoveAll(from); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(h.dir, to), from); err != nil {
		h.t.Fatal(err)
	}
}

// TestDatabase is with a baseline that the configuration does not name.
func TestDatabase(t *testing.T) { aidetest.Each(t, testDatabase) }

func testDatabase(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	option := "database_in="
	if !a.Since(17) {
		option = "database="
	}
	cut(h, "aide.conf", option)
	appendTo(h, "gzip_dbout=yes\nreport_url=stdout\n"+h.tree+" p+u+g+s+sha256\n")
	l, _ := h.run("check")
	assert.Equal(t, result.ConfigInvalid, l.Reason, "without --database: %+v", l)
	assert.Contains(t, l.Message, "--database", "without --database")
	if l, _ := h.run("init", "--database", h.dir+"/other/base.db"); l.Status != result.Clean {
		t.Fatalf("init: %+v", l)
	}
	h.write("tree/a", "other\n")
	l, _ = h.run("check", "--database", h.dir+"/other/base.db")
	require.NotNil(t, l.Counts, "check: %+v", l)
	assert.Equal(t, 1, l.Changed, "check")
	assert.Equal(t, 1, l.Sum(), "check")
}

func TestInitKeepsABaseline(t *testing.T) { aidetest.Each(t, testInitKeepsABaseline) }

func testInitKeepsABaseline(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	first, said := h.run("init")
	if first.Baseline == nil {
		t.Fatalf("init: %+v\n%s", first, said)
	}
	h.write("tree/a", "other\n")
	second, text := h.run("init")
	require.NotNil(t, second.Baseline, "init over a baseline: %+v\n%s", second, text)
	assert.Equal(t, second.Baseline.SHA256, first.Baseline.SHA256, "init over a baseline")
	assert.Contains(t, text, "already", "init over a baseline")
	l, _ := h.run("check")
	require.NotNil(t, l.Counts, "check after it: %+v", l)
	assert.Equal(t, 1, l.Changed, "check after it")
}

// TestFailures has one row for each way in which a check can fail. None is a zero.
func TestFailures(t *testing.T) { aidetest.Each(t, testFailures) }

func testFailures(t *testing.T, a aidetest.AIDE) {
	cases := map[string]struct {
		do      func(h host) []string // returns options
		want    result.Reason
		message string
		real    bool // with a baseline
	}{
		"no aide":           {func(h host) []string { return []string{"--aide", h.dir + "/none"} }, result.AideMissing, "/none", false},
		"no version":        {func(host) []string { return []string{"--aide", "/bin/true"} }, result.AideFailed, "--version", false},
		"no config":         {func(h host) []string { return []string{"--config", h.dir + "/none"} }, result.ConfigMissing, "/none", true},
		"no database in it": {func(h host) []string { h.write("aide.conf", "\n"); return nil }, result.ConfigInvalid, "no database", true},
		"bad config":        {func(h host) []string { appendTo(h, "this is ( not valid\n"); return nil }, result.ConfigInvalid, "not valid", true},
		"nothing selected":  {func(h host) []string { cut(h, "aide.conf", h.tree); return nil }, result.ConfigInvalid, "selects no file", true},
		"no baseline":       {func(h host) []string { _ = os.Remove(h.dir + "/db/aide.db"); return nil }, result.BaselineRemoved, "aide.db any more", true},
		"never a baseline":  {func(host) []string { return nil }, result.BaselineMissing, "aide.db", false},
		"empty baseline":    {func(h host) []string { h.write("db/aide.db", ""); return nil }, result.BaselineInvalid, "empty", true},
		"garbage baseline":  {func(h host) []string { h.write("db/aide.db", "garbage\n"); return nil }, result.BaselineInvalid, "@@begin_db", true},
		"cut baseline":      {func(h host) []string { _ = os.Truncate(h.dir+"/db/aide.db", 150); return nil }, result.BaselineInvalid, "cut short", true},
		"baseline is a dir": {func(h host) []string { _ = os.Remove(h.dir + "/db/aide.db"); h.write("db/aide.db/x", ""); return nil }, result.BaselineInvalid, "regular", true},
		"baseline is a pipe": {func(h host) []string {
			_ = os.Remove(h.dir + "/db/aide.db")
			_ = syscall.Mkfifo(h.dir+"/db/aide.db", 0o600)
			return nil
		}, result.BaselineInvalid, "regular", true},
		"config is a pipe": {func(h host) []string { _ = os.Remove(h.config); _ = syscall.Mkfifo(h.config, 0o600); return nil }, result.ConfigInvalid, "regular", true},
		"state is a file":  {func(h host) []string { h.write("file", ""); return []string{"--state", h.dir + "/file"} }, result.StateUnwritable, "/file", true},
		"killed":           {func(h host) []string { return []string{"--aide", h.fake("kill -9 $$")} }, result.AideCrashed, "SIGKILL", true},
		"crashed":          {func(h host) []string { return []string{"--aide", h.fake("kill -11 $$")} }, result.AideCrashed, "signal 11", true},
		"error status":     {func(h host) []string { return []string{"--aide", h.fake("echo '  ERROR: of some kind' >&2; exit 18")} }, result.AideFailed, "status 18: ERROR: of some kind", true},
		"baseline refused": {func(h host) []string { return []string{"--aide", h.fake("exit 24")} }, result.BaselineInvalid, "AIDE refused the baseline", true},
		"refused after an upgrade": {func(h host) []string {
			later := h.version[:strings.LastIndexByte(h.version, '.')] + ".99"
			return []string{"--aide", h.fakeOf(later, "exit 24")}
		}, result.BaselineOutdated, ".99; take a new baseline", true},
		"no report":           {func(h host) []string { return []string{"--aide", h.fake("exit 1")} }, result.ReportUnreadable, "status 1", true},
		"no report, status 0": {func(h host) []string { return []string{"--aide", h.fake("exit 0")} }, result.ReportUnreadable, "no report", true},
		"timeout":             {func(h host) []string { return []string{"--aide", h.fake("exec sleep 60"), "--timeout", "300ms"} }, result.Timeout, "300ms", true},
		"a status that lies":  {func(h host) []string { return []string{"--aide", h.fake(`"` + h.aide + `" "$@"; exit 4`)} }, result.ReportUnreadable, "status 4", true},
		"new database lost": {func(h host) []string {
			return []string{"--aide", h.fake(`"` + h.aide + `" "$@"; : >"` + h.state + `/run/new.db"`)}
		}, result.StateUnwritable, "not whole", true},
	}
	if !a.Since(17) { // 0.16 names a word of the line
		c := cases["bad config"]
		c.message = "syntax error"
		cases["bad config"] = c
		delete(cases, "refused after an upgrade") // which would refuse the option database first
	}
	if a.Since(19) { // what no rule selects any more is removed
		delete(cases, "nothing selected")
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, a)
			if c.real {
				if l, _ := h.run("init"); l.Status != result.Clean {
					t.Fatalf("init: %+v", l)
				}
			}
			l, text := h.run("check", c.do(h)...)
			assert.Equal(t, c.want, l.Reason, "%+v\n%s", l, text)
			assert.Contains(t, l.Message, c.message)
			assert.Nil(t, l.Counts)
		})
	}
}

// appendTo adds to AIDE's configuration.
func appendTo(h host, text string) {
	h.t.Helper()
	h.write("aide.conf", string(readFile(h.t, h.config))+text)
}

func cut(h host, name, from string) {
	b, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(name, string(b[:bytes.LastIndex(b, []byte(from))]))
}

func TestArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // in the message
	}{
		{nil, "no command"},
		{[]string{"chek"}, `"chek"`},
		{[]string{"check", "--nope"}, "-nope"},
		{[]string{"check", "extra"}, `"extra"`},
		{[]string{"check", "--config", "aide.conf"}, "absolute"},
		{[]string{"check", "--state", "x"}, "absolute"},
		{[]string{"check", "--aide", "x"}, "absolute"},
		{[]string{"check", "--timeout", "-1s"}, "negative"},
		{[]string{"check", "--keep", "-1s"}, "negative"},
		{[]string{"check", "--nice", "20"}, "0 to 19"},
		{[]string{"init", "--timeout", "soon"}, "soon"},
	} {
		refused(t, result.BadArguments, c.want, c.args...)
	}
	for _, args := range [][]string{{"version"}, {"--version"}, {"help"}, {"-h"}, {"check", "--help"}} {
		var stdout, stderr bytes.Buffer
		exit := run(context.Background(), args, &stdout, &stderr)
		assert.Equal(t, 0, exit, args)
		assert.NotEmpty(t, stdout.String(), args)
		assert.Empty(t, stderr.String(), args)
	}
}

// start runs a node of its own with an AIDE that takes a minute, and returns
// with AIDE's pid when that runs.
func start(t *testing.T, h host) (node *exec.Cmd, stdout *bytes.Buffer, aide string) {
	t.Helper()
	h.run("init")
	pid := filepath.Join(h.dir, "pid")
	fake := h.fake("echo $$ >" + pid + ".tmp; mv " + pid + ".tmp " + pid + "; exec sleep 60")
	stdout = new(bytes.Buffer)
	node = exec.Command(binary, "check", "--config", h.config, "--state", h.state, "--aide", fake)
	node.Stdout = stdout
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Process.Kill() })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(pid); err == nil {
			return node, stdout, strings.TrimSpace(string(b))
		}
		if time.Now().After(deadline) {
			t.Fatal("AIDE was not started within 10 s")
		}
	}
}

// gone waits for a process to end.
func gone(pid string) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return true
		}
	}
	return false
}

func TestBusy(t *testing.T) { aidetest.Each(t, testBusy) }

func testBusy(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	node, _, aide := start(t, h)
	l, _ := h.run("check")
	want := fmt.Sprintf("pid %d since 20", node.Process.Pid)
	assert.Equal(t, result.Busy, l.Reason, "%+v", l)
	assert.Contains(t, l.Message, want)
	// A dead process leaves its lock file, and no lock.
	_ = node.Process.Kill()
	_ = node.Wait()
	if !gone(aide) {
		t.Errorf("AIDE %s outlives a node that was killed", aide)
	}
	if l, _ := h.run("check"); l.Status != result.Clean {
		t.Errorf("after a dead process: %+v", l)
	}
}

func TestInterrupted(t *testing.T) { aidetest.Each(t, testInterrupted) }

func testInterrupted(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	node, stdout, aide := start(t, h)
	group, err := syscall.Getpgid(node.Process.Pid)
	assert.NoError(t, err, "AIDE left the node's process group")
	assert.Equal(t, processGroup(t, aide), fmt.Sprint(group), "AIDE left the node's process group")
	_ = node.Process.Signal(syscall.SIGTERM)
	_ = node.Wait()
	l, err := result.Parse(stdout.Bytes())
	assert.NoError(t, err)
	assert.Equal(t, result.Failed, l.Status, "%+v", l)
	assert.Contains(t, l.Message, "interrupted")
	if !gone(aide) {
		t.Errorf("AIDE %s outlives an interrupted node", aide)
	}
}

func processGroup(t *testing.T, pid string) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, behind, _ := strings.Cut(string(stat), ") ") // state, parent, group
	return strings.Fields(behind)[2]
}
