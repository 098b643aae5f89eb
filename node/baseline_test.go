package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// released is a baseline as a release of AIDE wrote it.
func released(t *testing.T, file string) string {
	t.Helper()
	return string(readFile(t, filepath.Join("aide/testdata/databases", file)))
}

// TestBaselineOf016 has no end marker, and is whole. AIDE 0.19 and later refuse it, and
// that is an upgrade.
func TestBaselineOf016(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for _, file := range []string{"0.16.2/plain.db", "0.16.2/gzip.db.gz"} {
			h := newHost(t, a)
			h.write("db/aide.db", released(t, file))
			appendTo(h, "/srv/sample p\n")
			l, text := h.run("check")
			d, said, _ := doctorSays(t, h, "--aide", a.Path)
			reason := ""
			for _, c := range d.Checks {
				if c.Name == "baseline" {
					reason = c.Reason
				}
			}
			if !a.Since(19) {
				if l.Status != result.Drift {
					t.Errorf("%s: %+v\n%s", file, l, text)
				}
				if l.Counts != nil && l.Removed != 41 {
					t.Errorf("%s: %d removed", file, l.Removed)
				}
				if reason != "" {
					t.Errorf("%s: doctor: %s\n%s", file, reason, said)
				}
				continue
			}
			if l.Reason != result.BaselineOutdated {
				t.Errorf("%s: %+v\n%s", file, l, text)
			}
			if want := "AIDE was upgraded from 0.16.2 to " + a.Version + "; take a new baseline"; !strings.Contains(l.Message, want) {
				t.Errorf("%s: %q, want %q", file, l.Message, want)
			}
			if reason != string(result.BaselineOutdated) {
				t.Errorf("%s: doctor: %s\n%s", file, reason, said)
			}
			if l, _ := h.run("init"); l.Reason != result.BaselineOutdated {
				t.Errorf("%s: init: %+v", file, l)
			}
			if l, text := h.run("init", "--force", "--yes"); l.Status != result.Clean {
				t.Errorf("%s: init --force: %+v\n%s", file, l, text)
			}
			if l, text := h.run("check"); l.Status != result.Clean {
				t.Errorf("%s: check after it: %+v\n%s", file, l, text)
			}
		}
	})
}

// TestDowngrade: releases before 0.19 do not understand the times that it writes, and
// would call each file changed.
func TestDowngrade(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		h := newHost(t, a)
		h.write("db/aide.db", released(t, "0.19.3/plain.db"))
		l, text := h.run("check")
		if a.Since(19) {
			if l.Status != result.Drift {
				t.Errorf("%+v\n%s", l, text)
			}
			return
		}
		if l.Reason != result.BaselineOutdated {
			t.Errorf("%+v\n%s", l, text)
		}
		if want := "AIDE was downgraded from 0.19.3 to " + a.Version; !strings.Contains(l.Message, want) {
			t.Errorf("%q, want %q", l.Message, want)
		}
	})
}

// TestCutShort: what was noted of a baseline tells when it was cut short behind a line,
// which nothing in a plain one of 0.16 does.
func TestCutShort(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		if a.Since(19) {
			t.Skip("AIDE " + a.Version + " does not read baselines of 0.16 at all")
		}
		h := newHost(t, a)
		whole := released(t, "0.16.2/plain.db")
		sum := sha256.Sum256([]byte(whole))
		h.write("db/aide.db", whole)
		h.run("check")
		h.write("state/configs", fmt.Sprintf("%s - 2026-11-25T22:40:00Z %d 41 \"2026-11-25 22:39:31\" %q\n", hex.EncodeToString(sum[:]), len(whole), h.dir+"/db/aide.db"))
		l, text := h.run("check")
		assert.Equal(t, result.Drift, l.Status, "whole: %+v\n%s", l, text)
		assert.Contains(t, l.Message, "no rule selects 41 entries", "whole")
		h.write("db/aide.db", whole[:strings.LastIndex(strings.TrimSpace(whole), "\n")+1])
		l, text = h.run("check")
		if l.Reason != result.BaselineInvalid {
			t.Errorf("cut short: %+v\n%s", l, text)
		}
		if !strings.Contains(l.Message, "it had 41 entries in 12643 bytes then, and has 40 in ") {
			t.Errorf("cut short: %q", l.Message)
		}
	})
}

// TestCutShortOfMarked: an AIDE 0.16 that does end its databases, as with mhash, has not
// written one without an end, even if nothing in it tells.
func TestCutShortOfMarked(t *testing.T) {
	a := aidetest.System(t)
	if a.Since(19) {
		t.Skip("AIDE " + a.Version + " cannot be run as if it were 0.16")
	}
	h := newHost(t)
	fake := h.fakeOf("0.16.2", `real "$@"`)
	appendTo(h, "database_add_metadata=no\n")
	h.write("db/aide.db", "@@begin_db\n@@db_spec name lname attr perm\n"+h.tree+" 0 4 40755\n")
	l, text := h.run("check", "--aide", fake)
	if l.Reason != result.BaselineInvalid {
		t.Errorf("%+v\n%s", l, text)
	}
	if !strings.Contains(l.Message, "it was cut short after 1 entries") {
		t.Errorf("%q", l.Message)
	}
}

// TestOwnBaseline goes through a baseline's life with a real 0.16, and with every other.
func TestOwnBaseline(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		for _, packed := range []string{"yes", "no"} {
			t.Run("gzip_dbout="+packed, func(t *testing.T) {
				h := newHost(t, a)
				h.write("aide.conf", strings.Replace(string(readFile(t, h.config)), "gzip_dbout=yes", "gzip_dbout="+packed, 1))
				l, text := h.run("init")
				require.Equal(t, result.Clean, l.Status, "init: %+v\n%s", l, text)
				require.Equal(t, 5, l.Total, "init")
				h.clean("check")
				h.write("tree/new", "new\n")
				l, text = h.run("check")
				require.Equal(t, result.Drift, l.Status, "drift: %+v\n%s", l, text)
				require.Equal(t, 1, l.Added, "drift")
				h.clean("accept", "--fingerprint", l.Fingerprint)
				h.clean("check")
				if l, text := h.run("accept", "--undo"); l.Status != result.Clean {
					t.Errorf("undo: %+v\n%s", l, text)
				}
				l, text = h.run("check")
				assert.Equal(t, result.Drift, l.Status, "check after undo: %+v\n%s", l, text)
				assert.Empty(t, l.Message, "check after undo")
				base := filepath.Join(h.dir, "db/aide.db")
				whole := readFile(t, base)
				end := len(whole) - 1
				if packed == "no" { // behind a line
					end = bytes.LastIndexByte(bytes.TrimSuffix(whole, []byte("\n")), '\n') + 1
				}
				if err := os.WriteFile(base, whole[:end], 0o600); err != nil {
					t.Fatal(err)
				}
				l, text = h.run("check")
				assert.Equal(t, result.BaselineInvalid, l.Reason, "cut short: %+v\n%s", l, text)
				assert.Contains(t, l.Message, "cut short", "cut short")
			})
		}
	})
}

// TestBaselineRemoved: a baseline that was there is not taken anew without a word.
func TestBaselineRemoved(t *testing.T) {
	a := aidetest.System(t)
	for name, c := range map[string]struct {
		do   func(h host)
		want result.Reason
		text string
	}{
		"after init":           {func(h host) { h.run("init") }, result.BaselineRemoved, "Z aide-node had put it there. Find out who removed it; then aide-node init --force takes"},
		"after a check":        {func(h host) { h.run("init"); time.Sleep(time.Second); h.run("check") }, result.BaselineRemoved, "Z a check compared with it. Find out"},
		"after AIDE's own":     {func(h host) { h.byHand(a); h.run("check") }, result.BaselineRemoved, "Z a check compared with it."},
		"AIDE's own, not seen": {func(h host) { h.byHand(a) }, result.BaselineMissing, "there is no baseline at"},
		"with a backup": {func(h host) {
			h.run("init")
			h.run("init", "--force", "--yes")
			if err := os.RemoveAll(h.state); err != nil {
				t.Fatal(err)
			}
		}, result.BaselineRemoved, "then accept --undo goes back to the newest backup"},
		"of another path": {func(h host) {
			h.run("init")
			h.run("check")
			h.write("aide.conf", strings.Replace(string(readFile(t, h.config)), "database_in=file:@@{DB}/aide.db", "database_in=file:@@{DB}/other.db", 1))
		}, result.BaselineMissing, "other.db"},
		"nothing was there": {func(host) {}, result.BaselineMissing, "there is no baseline at"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			c.do(h)
			_ = os.Remove(filepath.Join(h.dir, "db/aide.db"))
			l, text := h.run("check")
			if l.Reason != c.want {
				t.Errorf("%+v\n%s", l, text)
			}
			if !strings.Contains(l.Message, c.text) {
				t.Errorf("%q, want %q", l.Message, c.text)
			}
			d, said, _ := doctorSays(t, h)
			reason := ""
			for _, found := range d.Checks {
				if found.Name == "baseline" {
					reason = found.Reason
				}
			}
			if reason != string(c.want) {
				t.Errorf("doctor: %q\n%s", reason, said)
			}
			if c.want == result.BaselineRemoved {
				if l, _ := h.run("init"); l.Reason != result.BaselineRemoved {
					t.Errorf("init: %+v", l)
				}
				if _, err := os.Stat(filepath.Join(h.dir, "db/aide.db")); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("init left a baseline: %v", err)
				}
			}
			h.clean("init", "--force", "--yes")
			h.clean("check")
		})
	}
}

// byHand lets AIDE take a baseline as an operator does, and moves it into place.
func (h host) byHand(a aidetest.AIDE) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Join(h.dir, "db"), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if out, err := exec.Command(a.Path, "--config="+h.config, "--init").CombinedOutput(); err != nil {
		h.t.Fatalf("aide --init: %v\n%s", err, out)
	}
	if err := os.Rename(filepath.Join(h.dir, "db/aide.db.new"), filepath.Join(h.dir, "db/aide.db")); err != nil {
		h.t.Fatal(err)
	}
}

// TestForeignBaseline: one that somebody put in the place of the node's is said, and the
// first one that there ever was is none.
func TestForeignBaseline(t *testing.T) {
	a := aidetest.System(t)
	const foreign = "is not the one that aide-node took or accepted on "
	h := newHost(t)
	h.byHand(a)
	h.clean("check")
	time.Sleep(time.Second) // no two runs of AIDE end in one second
	h.run("init", "--force", "--yes")
	h.clean("accept", "--undo")
	if l, text := h.run("check"); l.Message != "" {
		t.Errorf("back to the first: %+v\n%s", l, text)
	}
	h.write("tree/bad", "hidden\n")
	time.Sleep(time.Second)
	h.byHand(a)
	for _, command := range []string{"check", "init"} {
		l, text := h.run(command)
		if l.Status != result.Clean {
			t.Errorf("%s: %+v\n%s", command, l, text)
		}
		assert.Contains(t, l.Message, foreign, command)
		assert.Contains(t, l.Message, "with 6 entries", command)
		assert.Contains(t, l.Message, ", with 5: ", command)
		if !strings.Contains(text, foreign) {
			t.Errorf("%s: the text does not say so:\n%s", command, text)
		}
	}
	// It stays so with another profile, and until somebody accepts it.
	h.run("configure", "--watch", h.tree+"/none")
	l, text := h.run("check")
	assert.Contains(t, l.Message, foreign, "after configure: %+v\n%s", l, text)
	assert.Contains(t, text, changed, "after configure")
	h.write("tree/more", "")
	l, _ = h.run("check")
	h.clean("accept", "--fingerprint", l.Fingerprint)
	h.clean("check")
}

// TestNotMoved names what AIDE wrote for an operator who left it at that.
func TestNotMoved(t *testing.T) {
	a := aidetest.System(t)
	h := newHost(t)
	h.byHand(a)
	if err := os.Rename(filepath.Join(h.dir, "db/aide.db"), filepath.Join(h.dir, "db/aide.db.new")); err != nil {
		t.Fatal(err)
	}
	made := time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(h.dir, "db/aide.db.new"), made, made); err != nil {
		t.Fatal(err)
	}
	l, _ := h.run("check")
	if l.Reason != result.BaselineMissing {
		t.Errorf("%+v", l)
	}
	if want := "AIDE wrote " + h.dir + "/db/aide.db.new on 2026-11-02T03:04:05Z, and nobody moved it there: look at it, then mv"; !strings.Contains(l.Message, want) {
		t.Errorf("%q, want %q", l.Message, want)
	}
	if l, _ := h.run("init"); l.Status != result.Clean {
		t.Errorf("init: %+v", l)
	}
}

// TestUntrustedBaseline is refused with the command that mends it, by each command.
func TestUntrustedBaseline(t *testing.T) {
	aidetest.System(t)
	const somebody = 54321
	for name, c := range map[string]struct {
		do   func(dir string) error
		mend string // DIR stands for the folder of the host
	}{
		"everybody's file":   {func(dir string) error { return os.Chmod(dir+"/db/aide.db", 0o666) }, "chmod go-w DIR/db/aide.db"},
		"everybody's folder": {func(dir string) error { return os.Chmod(dir+"/db", 0o777) }, "chmod go-w DIR/db"},
		"somebody's": {func(dir string) error {
			return errors.Join(os.Chown(dir+"/db/aide.db", somebody, somebody), os.Chmod(dir+"/db", 0o777))
		}, "chmod go-w DIR/db"},
		"a folder as /tmp": {func(dir string) error { return os.Chmod(dir+"/db", 0o777|os.ModeSticky) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			h := newHost(t)
			h.run("init")
			h.write("tree/a", "other\n")
			drift, _ := h.run("check")
			if err := c.do(h.dir); err != nil {
				t.Fatal(err)
			}
			before := string(readFile(t, filepath.Join(h.dir, "db/aide.db")))
			if c.mend == "" {
				if l, text := h.run("check"); l.Status != result.Drift {
					t.Errorf("%+v\n%s", l, text)
				}
				return
			}
			want := "then " + strings.ReplaceAll(c.mend, "DIR", h.dir)
			for _, args := range [][]string{{"check"}, {"init"}, {"init", "--force", "--yes"}, {"accept", "--fingerprint", drift.Fingerprint}, {"accept", "--undo"}} {
				l, text := h.run(args[0], args[1:]...)
				if l.Reason != result.BaselineInvalid {
					t.Errorf("%s: %+v\n%s", args, l, text)
				}
				if !strings.Contains(l.Message, want) {
					t.Errorf("%s: %q, want %q", args, l.Message, want)
				}
			}
			if after := string(readFile(t, filepath.Join(h.dir, "db/aide.db"))); after != before {
				t.Error("the baseline was changed")
			}
		})
	}
	// Nor is the first one taken in such a folder.
	h := newHost(t)
	if err := errors.Join(os.Mkdir(h.dir+"/db", 0o700), os.Chmod(h.dir+"/db", 0o777)); err != nil {
		t.Fatal(err)
	}
	l, _ := h.run("init")
	assert.Equal(t, result.BaselineInvalid, l.Reason, "init: %+v", l)
	assert.Contains(t, l.Message, "chmod go-w "+h.dir+"/db", "init")
}

// TestImmutableBaseline names the file and the cure, and has nothing to do with room.
func TestImmutableBaseline(t *testing.T) {
	h, fingerprint := drifted(t)
	base := filepath.Join(h.dir, "db/aide.db")
	if out, err := exec.Command("chattr", "+i", base).CombinedOutput(); err != nil {
		t.Skipf("chattr +i, which not each file system has: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("chattr", "-i", base).Run() })
	for _, args := range [][]string{{"accept", "--fingerprint", fingerprint}, {"init", "--force", "--yes"}} {
		l, text := h.run(args[0], args[1:]...)
		if l.Reason != result.StateUnwritable {
			t.Errorf("%s: %+v\n%s", args, l, text)
		}
		if !strings.Contains(l.Message, "chattr -i "+base) {
			t.Errorf("%s: %q", args, l.Message)
		}
	}
	if l, text := h.run("check"); l.Message != "" {
		t.Errorf("check: %+v\n%s", l, text)
	}
}
