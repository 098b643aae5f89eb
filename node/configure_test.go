package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// layouts are where the rules of a profile go.
var layouts = map[string]string{"debian": "conf.d/00_aidefleet", "amazon-linux": "aide.conf"}

// layoutsOf are those that an AIDE knows: 0.16 has no @@x_include.
func layoutsOf(a aidetest.AIDE) map[string]string {
	known := maps.Clone(layouts)
	if !a.Since(17) {
		delete(known, "debian")
	}
	return known
}

// newLayout is a host whose AIDE looks at nothing of its tree yet but the folder
// logs, and of that at everything.
func newLayout(t *testing.T, layout string, a ...aidetest.AIDE) host {
	t.Helper()
	h := newHost(t, a...)
	conf := strings.Replace(string(readFile(t, h.config)), h.tree+" ", h.tree+"/logs ", 1)
	if layout == "debian" {
		h.write("conf.d/50_host", "# the host's own\n")
		conf = "@@x_include " + h.dir + "/conf.d ^[a-zA-Z0-9_-]+$\n" + conf
	}
	h.write("aide.conf", conf)
	for _, name := range []string{"app/bin", "app/cache/x", "app2/bin", "logs/access", "logs/1", "logs/2", "logs/3", "home/bob/.bash_history", "home/bob/notes"} {
		h.write("tree/"+name, "first\n")
	}
	return h
}

// profile writes a profile and returns its path.
func (h host) profile() string {
	h.write("profile", strings.ReplaceAll(`
watch       TREE/app
exclude     TREE/app/cache
permissions TREE/logs
permissions TREE/home/*/.bash_history
`, "TREE", h.tree))
	return filepath.Join(h.dir, "profile")
}

// configuration is all that configures AIDE, as text.
func (h host) configuration() string {
	h.t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"aide.conf", ".aide*", "conf.d/*", "conf.d/.*"} {
		files, _ := filepath.Glob(filepath.Join(h.dir, pattern))
		for _, file := range files {
			if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() {
				b.WriteString(info.Mode().String() + " " + file + ":\n" + string(readFile(h.t, file)))
			}
		}
	}
	return b.String()
}

// TestConfigure has AIDE do what the profile says.
func TestConfigure(t *testing.T) { aidetest.Each(t, testConfigure) }

func testConfigure(t *testing.T, a aidetest.AIDE) {
	for layout, place := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h := newLayout(t, layout, a)
			l, text := h.run("configure", "--profile", h.profile())
			require.Equal(t, result.Clean, l.Status, "configure: %+v\n%s", l, text)
			require.Equal(t, 4, l.Total, "configure")
			require.NotEmpty(t, l.Config, "configure")
			require.Contains(t, text, filepath.Join(h.dir, place), "configure")
			require.Contains(t, text, "no baseline yet", "configure")
			first := l.Config
			l, text = h.run("init")
			require.Equal(t, result.Clean, l.Status, "init: %+v\n%s", l, text)
			require.Equal(t, first, l.Config, "init")
			for _, c := range []struct {
				name string
				do   func()
				want []string
			}{
				{"nothing", func() {}, nil},
				{"what is not watched", func() { h.write("tree/app2/bin", "second\n"); h.write("tree/home/bob/notes", "second\n") }, nil},
				{"what is excluded", func() { h.write("tree/app/cache/x", "second\n"); h.write("tree/app/cache/new", "") }, nil},
				{"content where permissions count", func() { h.write("tree/logs/access", "second\n"); appendFile(h, "tree/home/bob/.bash_history") }, nil},
				{"touched", func() { _ = os.Chtimes(h.tree+"/app/bin", time.Now(), time.Now().Add(time.Hour)) }, nil},
				{"mode where permissions count", func() { _ = os.Chmod(h.tree+"/home/bob/.bash_history", 0o666) }, []string{"~/home/bob/.bash_history"}},
				{"mode of a log", func() { _ = os.Chmod(h.tree+"/logs/access", 0o666) }, []string{"~/home/bob/.bash_history", "~/logs/access"}},
				{"content that is watched", func() { h.write("tree/app/bin", "second\n") }, []string{"~/app/bin", "~/home/bob/.bash_history", "~/logs/access"}},
				{"a new file", func() { h.write("tree/app/new", "") }, []string{"~/app/bin", "+/app/new", "~/home/bob/.bash_history", "~/logs/access"}},
			} {
				c.do()
				l, text := h.run("check")
				var got []string
				for _, p := range l.Paths {
					got = append(got, p[:1]+strings.TrimPrefix(p[1:], h.tree))
				}
				slices.SortFunc(got, func(a, b string) int { return strings.Compare(a[1:], b[1:]) })
				assert.NotEqual(t, result.Failed, l.Status, "%s: %q\n%+v\n%s", c.name, got, l, text)
				assert.Equal(t, c.want, got, c.name)
			}
		})
	}
}

// configured is a host with the profile, and a baseline by it.
func configured(t *testing.T, layout string, a aidetest.AIDE) (h host, config string) {
	t.Helper()
	h = newLayout(t, layout, a)
	h.run("configure", "--profile", h.profile())
	l, text := h.run("init")
	require.Equal(t, result.Clean, l.Status, "%+v\n%s", l, text)
	return h, l.Config
}

// TestConfigureAgain changes nothing, also in the other spelling.
func TestConfigureAgain(t *testing.T) { aidetest.Each(t, testConfigureAgain) }

func testConfigureAgain(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h, _ := configured(t, layout, a)
			now := h.configuration()
			l, text := h.run("configure", "--profile", h.profile())
			assert.Equal(t, result.Clean, l.Status, "again: %+v\n%s", l, text)
			assert.Contains(t, text, "Nothing was changed", "again")
			l, text = h.run("configure", "--watch", h.tree+"/app", "--exclude", h.tree+"/app/cache",
				"--permissions", h.tree+"/home/*/.bash_history:"+h.tree+"/logs")
			assert.Equal(t, result.Clean, l.Status, "by lists: %+v\n%s", l, text)
			assert.Contains(t, text, "Nothing was changed", "by lists")
			assert.Equal(t, now, h.configuration())
		})
	}
}

// TestConfigureAnother takes the place of the first one, and what comes into view is
// added.
func TestConfigureAnother(t *testing.T) { aidetest.Each(t, testConfigureAnother) }

func testConfigureAnother(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h, first := configured(t, layout, a)
			l, text := h.run("configure", "--watch", h.tree+"/app2:"+h.tree+"/app")
			assert.Equal(t, result.Clean, l.Status, "another: %+v\n%s", l, text)
			assert.NotEqual(t, first, l.Config, "another")
			assert.Contains(t, text, "init --force", "another")
			l, text = h.run("check")
			assert.Equal(t, result.Drift, l.Status, "check after another: %+v\n%s", l, text)
			assert.Contains(t, text, "  + "+h.tree+"/app2/bin\n", "check after another")
			assert.Contains(t, text, "  + "+h.tree+"/app/cache/x\n", "check after another")
			if l, text := h.run("init", "--force", "--yes"); l.Status != result.Clean {
				t.Errorf("init --force: %+v\n%s", l, text)
			}
			if l, text := h.run("check"); l.Status != result.Clean {
				t.Errorf("check after init --force: %+v\n%s", l, text)
			}
		})
	}
}

// TestConfigureRemove leaves the configuration as it was before there was a profile.
func TestConfigureRemove(t *testing.T) { aidetest.Each(t, testConfigureRemove) }

func testConfigureRemove(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h := newLayout(t, layout, a)
			before := h.configuration()
			h.run("configure", "--profile", h.profile())
			h.run("configure", "--watch", h.tree+"/app2:"+h.tree+"/app")
			l, text := h.run("configure", "--remove")
			require.Equal(t, result.Clean, l.Status, "remove: %+v\n%s", l, text)
			assert.Equal(t, 0, l.Total, "remove")
			assert.Contains(t, text, "There is no profile", "remove")
			assert.Equal(t, before, h.configuration(), "remove")
			l, text = h.run("configure", "--remove")
			assert.Equal(t, result.Clean, l.Status, "remove again: %+v\n%s", l, text)
			assert.Contains(t, text, "Nothing was changed", "remove again")
		})
	}
}

func appendFile(h host, name string) {
	h.write(name, string(readFile(h.t, filepath.Join(h.dir, name)))+"more\n")
}

// TestConfigureWins: at the same folder the profile's rule holds, and not that of
// the host.
func TestConfigureWins(t *testing.T) { aidetest.Each(t, testConfigureWins) }

func testConfigureWins(t *testing.T, a aidetest.AIDE) {
	h := newLayout(t, "amazon-linux", a)
	h.run("init")
	h.write("tree/logs/access", "second\n")
	l, _ := h.run("check")
	require.NotNil(t, l.Counts, "before: %+v", l)
	assert.Equal(t, 1, l.Changed, "before")
	h.run("configure", "--permissions", h.tree+"/logs")
	// All that is to be seen is the configuration, which came into view.
	l, text := h.run("check")
	assert.Equal(t, []string{"+" + h.config}, l.Paths, "after: %+v\n%s", l, text)
	assert.Equal(t, 1, l.Sum(), "after")
}

// TestConfigureFails has one row for each way in which a host does not take a
// profile. Its configuration is as it was, byte for byte.
func TestConfigureFails(t *testing.T) { aidetest.Each(t, testConfigureFails) }

// inPlace is a command of the shell that succeeds if the new rules are in place.
func (h host) inPlace() string {
	return `grep -qr app2 "` + h.dir + `/aide.conf" "` + h.dir + `/conf.d"`
}

func testConfigureFails(t *testing.T, a aidetest.AIDE) {
	fakeCheck := func(h host, script string) []string {
		// The real AIDE but for --config-check, and sound where the old rules are.
		return []string{"--aide", h.fake(`case "$*" in *--config-check*) ` + script + ` ;; esac; exec "` + h.aide + `" "$@"`)}
	}
	for layout := range layoutsOf(a) {
		for name, c := range map[string]struct {
			do      func(h host) []string // returns options
			want    result.Reason
			message string
		}{
			"an AIDE without that digest": {func(h host) []string {
				return fakeCheck(h, `if grep -q app2.*sha256 "$(included "$2")"; then echo "ERROR: unknown expression 'sha256'" >&2; exit 17; fi`)
			}, result.ConfigInvalid, "nothing was changed: "},
			"refused where it is": {func(h host) []string {
				return fakeCheck(h, `if `+h.inPlace()+`; then echo "ERROR: of some kind" >&2; exit 17; fi`)
			}, result.ConfigInvalid, "what was there before is there again: "},
			"ended while AIDE reads what is in place": {func(h host) []string {
				return append(fakeCheck(h, `if `+h.inPlace()+`; then exec sleep 60; fi`), "--timeout", "1s")
			}, result.Timeout, "1s"},
			"ended before": {func(h host) []string {
				return append(fakeCheck(h, `exec sleep 60`), "--timeout", "500ms")
			}, result.Timeout, "500ms"},
			"refused for another reason": {func(h host) []string {
				appendTo(h, "this is ( not valid\n")
				return nil
			}, result.ConfigInvalid, "what was there before is there again: "},
			"a link in the way": {func(h host) []string {
				return []string{"--config", h.linked(layout)}
			}, result.ConfigInvalid, "symbolic link"},
			"no configuration": {func(h host) []string { return []string{"--config", h.dir + "/none"} }, result.ConfigMissing, "/none"},
			"no AIDE":          {func(h host) []string { return []string{"--aide", h.dir + "/none"} }, result.AideMissing, "/none"},
		} {
			t.Run(layout+" "+name, func(t *testing.T) {
				h := newLayout(t, layout, a)
				if l, text := h.run("configure", "--profile", h.profile()); l.Status != result.Clean {
					t.Fatalf("%+v\n%s", l, text)
				}
				options := c.do(h)
				before := h.configuration()
				l, text := h.run("configure", append(options, "--watch", h.tree+"/app2")...)
				assert.Equal(t, c.want, l.Reason, "%+v\n%s", l, text)
				assert.Contains(t, l.Message, c.message)
				if after := h.configuration(); after != before {
					t.Errorf("the configuration was\n%s\nand is\n%s", before, after)
				}
				if name == "refused for another reason" {
					return
				}
				l, text = h.run("configure", "--profile", h.profile())
				assert.Equal(t, result.Clean, l.Status, "the old profile is not there any more: %+v\n%s", l, text)
				assert.Contains(t, text, "Nothing was changed", "the old profile is not there any more")
			})
		}
	}
}

// linked is a configuration with a link where the rules would go.
func (h host) linked(layout string) string {
	h.write("victim", "precious\n")
	if layout == "debian" {
		h.write("linked.d/50_host", "# the host's own\n")
		h.link("victim", "linked.d/00_aidefleet")
		h.write("linked.conf", "database_in=file:"+h.dir+"/db/aide.db\n@@include "+h.dir+"/linked.d ^[a-z0-9_]+$\n")
		return h.dir + "/linked.conf"
	}
	h.link("aide.conf", "linked.conf")
	return h.dir + "/linked.conf"
}

// TestConfigureMends: a profile can take the place of one that somebody broke.
func TestConfigureMends(t *testing.T) { aidetest.Each(t, testConfigureMends) }

func testConfigureMends(t *testing.T, a aidetest.AIDE) {
	for layout, place := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h := newLayout(t, layout, a)
			h.run("configure", "--watch", h.tree+"/app")
			good := string(readFile(t, filepath.Join(h.dir, place)))
			h.write(place, strings.Replace(good, " d p+ftype", " d p+ftyp", 1))
			if l, text := h.run("configure", "--watch", h.tree+"/app"); l.Status != result.Clean {
				t.Errorf("%+v\n%s", l, text)
			}
			if got := string(readFile(t, filepath.Join(h.dir, place))); got != good {
				t.Errorf("got\n%s\nwant\n%s", got, good)
			}
		})
	}
}

// TestConfigureKilled ends the node while AIDE reads the new rules: before they
// are in place, and after that. Either way AIDE has whole and valid ones, and the
// next run leaves nothing behind.
func TestConfigureKilled(t *testing.T) { aidetest.Each(t, testConfigureKilled) }

func testConfigureKilled(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		for _, at := range []string{"before", "after"} {
			t.Run(layout+" "+at, func(t *testing.T) {
				h := newLayout(t, layout, a)
				h.run("configure", "--watch", h.tree+"/app2")
				changed := h.configuration()
				h.run("configure", "--profile", h.profile())
				want, hangs := h.configuration(), "true"
				if at == "after" {
					want, hangs = changed, h.inPlace()
				}
				fake := h.fake(`case "$*" in *--config-check*) if ` + hangs + `; then : >"` + h.dir + `/hangs"; exec sleep 60; fi ;; esac; exec "` + h.aide + `" "$@"`)
				node := exec.Command(binary, "configure", "--config", h.config, "--state", h.state, "--aide", fake, "--watch", h.tree+"/app2")
				if err := node.Start(); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
					if _, err := os.Stat(h.dir + "/hangs"); err == nil {
						break
					}
					if time.Now().After(deadline) {
						_ = node.Process.Kill()
						t.Fatal("AIDE was not asked within a minute")
					}
				}
				_ = node.Process.Kill()
				_ = node.Wait()
				if got := h.configuration(); got != want {
					t.Errorf("the configuration is\n%s\nwant\n%s", got, want)
				}
				l, text := h.run("configure", "--watch", h.tree+"/app2")
				assert.Equal(t, result.Clean, l.Status, "the next run: %+v\n%s", l, text)
				assert.Equal(t, changed, h.configuration(), "the next run")
				if left, _ := filepath.Glob(h.state + "/run/*"); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
}

// TestConfigureBusy waits for no check, and does not change what one reads.
func TestConfigureBusy(t *testing.T) { aidetest.Each(t, testConfigureBusy) }

func testConfigureBusy(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	start(t, h)
	before := h.configuration()
	if l, _ := h.run("configure", "--watch", h.tree+"/a"); l.Reason != result.Busy {
		t.Errorf("%+v, want busy", l)
	}
	if after := h.configuration(); after != before {
		t.Errorf("the configuration was\n%s\nand is\n%s", before, after)
	}
}

// TestConfigureOldAIDE: 0.16 empties reports while it reads a configuration that
// names them, so it is shown one that does not.
func TestConfigureOldAIDE(t *testing.T) { aidetest.Each(t, testConfigureOldAIDE) }

func testConfigureOldAIDE(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h := newLayout(t, layout, a)
			appendTo(h, "report_url=file:"+h.dir+"/report\n")
			script := `f="` + h.dir + `/stdin"; sed "s,^database=,` + option(a, "database_in", "database") + `=," >"$f"; if grep -q report_url "$f"; then : >"` + h.dir + `/report"; fi; if grep -q app2 "$f"; then echo 'Error in rule' >&2; exit 17; fi; real "$1" "$(printf %s "$2" | sed "s,^@@include -,@@include $f,")" "$3"`
			fake := h.fakeOf("0.16.2", script)
			h.write("report", "precious\n")
			if l, text := h.run("configure", "--aide", fake, "--watch", h.tree+"/app"); l.Status != result.Clean {
				t.Errorf("%+v\n%s", l, text)
			}
			before := h.configuration()
			l, _ := h.run("configure", "--aide", fake, "--watch", h.tree+"/app2")
			assert.Equal(t, result.ConfigInvalid, l.Reason, "%+v", l)
			assert.Contains(t, l.Message, "Error in rule")
			if after := h.configuration(); after != before {
				t.Errorf("the configuration was\n%s\nand is\n%s", before, after)
			}
			if got := string(readFile(t, filepath.Join(h.dir, "report"))); got != "precious\n" {
				t.Errorf("the report is now %q", got)
			}
		})
	}
}

func TestConfigureArguments(t *testing.T) {
	h := newHost(t)
	h.write("bad", "watch /srv/app\nwatch srv\n")
	if err := syscall.Mkfifo(h.dir+"/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "there is no profile"},
		{[]string{"--remove", "--watch", "/srv"}, "exclude each other"},
		{[]string{"--profile", h.dir + "/bad", "--exclude", "/srv"}, "exclude each other"},
		{[]string{"--profile", h.dir + "/none"}, "/none"},
		{[]string{"--profile", h.dir + "/pipe"}, "not a regular file"},
		{[]string{"--profile", h.dir + "/bad"}, `/bad: line 2: "srv": want an absolute path`},
		{[]string{"--watch", "/srv/a b"}, `--watch: "/srv/a b": want a path`},
		{[]string{"--permissions", "/"}, "--permissions: "},
		{[]string{"--watch", "/srv", "--config", "x"}, "absolute"},
	} {
		refused(t, result.BadArguments, c.want, append([]string{"configure"}, c.args...)...)
	}
}
