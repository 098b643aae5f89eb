package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// changed is what a check says whose configuration is not the baseline's.
const changed = "configuration was changed since the baseline was taken"

// TestNarrowingIsSeen: rules that let AIDE see less make a host that somebody has
// changed no clean one. Without a rule of its own for AIDE's configuration, and
// without a note of which one the baseline was taken with, these are clean.
func TestNarrowingIsSeen(t *testing.T) { aidetest.Each(t, testNarrowingIsSeen) }

func testNarrowingIsSeen(t *testing.T, a aidetest.AIDE) {
	for layout, place := range layoutsOf(a) {
		for _, digest := range []string{"sha256", "sha512"} { // as Debian, and as Amazon Linux
			t.Run(layout+" "+digest, func(t *testing.T) {
				h := newLayout(t, layout, a)
				appendTo(h, h.dir+"/(aide\\.conf|conf\\.d) p+u+g+"+digest+"\n"+h.tree+" p+u+g+"+digest+"\n")
				h.run("init")
				h.clean("check")
				l, text := h.run("configure", "--permissions", h.dir)
				require.Equal(t, result.Clean, l.Status, "%+v\n%s", l, text)
				require.Contains(t, text, "check and accept before")
				h.write("tree/etc/passwd", "root\nroot2\n")
				l, text = h.run("check")
				sign := map[bool]string{true: "~", false: "+"}[place == "aide.conf"]
				assert.Equal(t, result.Drift, l.Status, "%+v\n%s", l, text)
				assert.Contains(t, l.Paths, sign+filepath.Join(h.dir, place))
				assert.Contains(t, l.Message, changed)
				assert.Contains(t, text, changed)
				// It is the state that was reviewed, with the configuration that it was seen by.
				h.clean("accept", "--fingerprint", l.Fingerprint)
				h.clean("check")
				// And so it goes on, also where the rules hide what they are in.
				h.run("configure", "--permissions", h.dir+":"+h.dir+"/conf.d:"+h.dir+"/aide.conf:"+h.dir+"/aide*")
				l, text = h.run("check")
				assert.Equal(t, result.Drift, l.Status, "%+v\n%s", l, text)
				assert.Contains(t, l.Paths, "~"+filepath.Join(h.dir, place))
				assert.Contains(t, l.Message, changed)
			})
		}
	}
}

// TestConfigureKeepsItself: no profile lets AIDE pass over its own configuration.
func TestConfigureKeepsItself(t *testing.T) { aidetest.Each(t, testConfigureKeepsItself) }

func testConfigureKeepsItself(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		h := newLayout(t, layout, a)
		before := h.configuration()
		for _, exclude := range []string{h.dir, h.dir + "/aide.conf", h.dir + "/*.conf", filepath.Dir(h.dir) + "/*"} {
			l, text := h.run("configure", "--watch", "/srv", "--exclude", exclude)
			assert.Equal(t, result.BadArguments, l.Reason, "%s: %+v\n%s", exclude, l, text)
			assert.Contains(t, l.Message, "exclude "+exclude+": ", exclude)
			assert.Contains(t, l.Message, h.config, exclude)
		}
		if after := h.configuration(); after != before {
			t.Errorf("the configuration was\n%s\nand is\n%s", before, after)
		}
	}
}

// TestExcludedIsSaid: up to 0.18 AIDE says nothing of what is excluded, not even that
// it is gone. From 0.19 on it calls that removed.
func TestExcludedIsSaid(t *testing.T) { aidetest.Each(t, testExcludedIsSaid) }

func testExcludedIsSaid(t *testing.T, a aidetest.AIDE) {
	h := newLayout(t, "amazon-linux", a)
	h.write("tree/logs/4", "fourth\n")
	h.run("init")
	appendTo(h, "!"+h.tree+"/logs/access\n")
	h.write("tree/logs/access", "second\n")
	removed := 0
	if a.Since(19) {
		removed = 1
	}
	l, text := h.run("check")
	require.NotNil(t, l.Counts, "%+v\n%s", l, text)
	assert.Equal(t, removed, l.Removed)
	assert.Equal(t, removed, l.Sum())
	assert.Contains(t, l.Message, changed)
	assert.Contains(t, text, changed)
	// Nothing can be accepted of a clean check: a baseline is taken.
	l, _ = h.run("init")
	assert.Equal(t, result.Clean, l.Status, "init: %+v", l)
	assert.Contains(t, l.Message, changed, "init")
	h.clean("init", "--force", "--yes")
	h.clean("check")
	// The baseline before was taken with the configuration before.
	if l, _ := h.run("accept", "--undo"); l.Status != result.Clean {
		t.Errorf("undo: %+v", l)
	}
	if l, _ := h.run("check"); !strings.Contains(l.Message, changed) {
		t.Errorf("check after undo: %+v", l)
	}
}

// TestConfigNotKnown: a baseline that AIDE itself took, or of which the note is lost,
// is as good as before, and configure notes what it was compared with until then.
func TestConfigNotKnown(t *testing.T) { aidetest.Each(t, testConfigNotKnown) }

func testConfigNotKnown(t *testing.T, a aidetest.AIDE) {
	layout := "debian"
	if !a.Since(17) {
		layout = "amazon-linux"
	}
	for name, text := range map[string]string{
		"no note": "", "garbage": "\x00\xff\n\n", "cut short": strings.Repeat("0", 100),
		"a long one": strings.Repeat("a", 1<<20), "of another baseline": strings.Repeat("0a", 32) + " " + strings.Repeat("0b", 32) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			h := newLayout(t, layout, a)
			h.run("init")
			note := filepath.Join(h.state, "configs")
			if err := os.Remove(note); err != nil {
				t.Fatal(err)
			}
			if text != "" {
				h.write("state/configs", text)
			}
			h.clean("check")
			h.run("configure", "--watch", "/srv/app")
			if l, said := h.run("check"); !strings.Contains(l.Message, changed) {
				t.Errorf("after configure: %+v\n%s", l, said)
			}
			info, err := os.Stat(note)
			require.NoError(t, err)
			if text == "" {
				assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
			}
			// The rules of before are those of the baseline again.
			h.run("configure", "--remove")
			if l, said := h.run("check"); l.Message != "" {
				t.Errorf("after configure --remove: %+v\n%s", l, said)
			}
		})
	}
}

// TestMessageFits: the line of a drift with a message is as long as any other.
func TestMessageFits(t *testing.T) { aidetest.Each(t, testMessageFits) }

func testMessageFits(t *testing.T, a aidetest.AIDE) {
	h := newHost(t, a)
	h.run("init")
	appendTo(h, "# another\n"+string(readFile(t, h.config)))
	for i := range 60 {
		h.write(fmt.Sprintf("tree/%s-%d", strings.Repeat("x", 60), i), "")
	}
	// h.run holds the line against the contract, its length included.
	l, text := h.run("check")
	require.Equal(t, result.Drift, l.Status, "%+v\n%s", l, text)
	assert.Equal(t, 60, l.Added)
	assert.NotEmpty(t, l.Paths)
	assert.True(t, strings.HasSuffix(l.Message, "init --force"), "%+v\n%s", l, text)
}
