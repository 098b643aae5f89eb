package rules

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide"
)

const conf = "@@define DB /x\ndatabase_in=file:@@{DB}\n/etc p\n"

// layout is a configuration in a folder, and where its rules go.
type layout struct {
	t   *testing.T
	dir string
	aide.Config
}

// newLayout is as Debian's with a folder, or else as Amazon Linux's.
func newLayout(t *testing.T, debian bool) layout {
	t.Helper()
	l := layout{t: t, dir: t.TempDir()}
	l.Path = filepath.Join(l.dir, "aide.conf")
	l.write("aide.conf", conf)
	if err := os.Chmod(l.Path, 0o640); err != nil {
		t.Fatal(err)
	}
	if debian {
		if err := os.Mkdir(filepath.Join(l.dir, "conf.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		l.DropIn = filepath.Join(l.dir, "conf.d", "00_aidefleet")
	}
	return l
}

func (l layout) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l layout) find() Place {
	l.t.Helper()
	p, err := Find(l.Config)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

func (l layout) put(rules string) {
	l.t.Helper()
	if err := l.find().Put(rules); err != nil {
		l.t.Fatal(err)
	}
	if got := l.find().Rules; got != rules {
		l.t.Errorf("the rules are %q, want %q", got, rules)
	}
}

// files are all files there are, by name, with mode and text.
func (l layout) files() map[string]string {
	l.t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, l.dir+"/")] = info.Mode().String() + " " + string(text)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return all
}

func (l layout) holds(want map[string]string) {
	l.t.Helper()
	got := l.files()
	for name, text := range want {
		if got[name] != text {
			l.t.Errorf("%s is %q, want %q", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		l.t.Errorf("there are %q", got)
	}
}

func TestDropIn(t *testing.T) {
	l := newLayout(t, true)
	before := l.files()
	l.put("!/a\n")
	l.put("!/b\n")
	l.holds(map[string]string{"aide.conf": "-rw-r----- " + conf, "conf.d/00_aidefleet": "-rw-r--r-- !/b\n"})
	if got := string(l.find().Candidate("!/c\n")); got != "!/c\n"+conf {
		t.Errorf("the candidate is %q", got)
	}
	l.put("")
	l.holds(before)
	l.put("")
}

func TestBlock(t *testing.T) {
	l := newLayout(t, false)
	before := l.files()
	l.put("!/a\n")
	l.put("!/b\n")
	l.holds(map[string]string{"aide.conf": "-rw-r----- # BEGIN aidefleet\n!/b\n# END aidefleet\n" + conf})
	if got := string(l.find().Candidate("!/c\n")); got != "# BEGIN aidefleet\n!/c\n# END aidefleet\n"+conf {
		t.Errorf("the candidate is %q", got)
	}
	// A block that an operator moved stays where it is, and so does one from a time
	// when no folder was included.
	l.write("aide.conf", conf+"# BEGIN aidefleet\n!/b\n# END aidefleet\n/srv p\n")
	l.DropIn = filepath.Join(l.dir, "00_aidefleet")
	l.put("!/c\n")
	l.holds(map[string]string{"aide.conf": "-rw-r----- " + conf + "# BEGIN aidefleet\n!/c\n# END aidefleet\n/srv p\n"})
	l.put("")
	l.write("aide.conf", conf)
	l.holds(before)
}

// TestRestore puts back what was there, byte for byte, owner and mode with it.
func TestRestore(t *testing.T) {
	for _, debian := range []bool{false, true} {
		for name, old := range map[string]string{"nothing": "", "rules": "!/old\n"} {
			l := newLayout(t, debian)
			l.put(old)
			if err := os.Chmod(l.find().Path, 0o604); err != nil && old != "" {
				t.Fatal(err)
			}
			before, p := l.files(), l.find()
			for _, rules := range []string{"!/new\n", ""} {
				if err := errors.Join(p.Put(rules), p.Restore()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				l.holds(before)
			}
		}
	}
}

// TestOwner keeps the owner of a configuration.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	l := newLayout(t, false)
	if err := os.Chown(l.Path, 0, 7); err != nil {
		t.Fatal(err)
	}
	l.put("!/a\n")
	info, err := os.Stat(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	if gid := info.Sys().(*syscall.Stat_t).Gid; gid != 7 {
		t.Errorf("the configuration belongs to group %d, want 7", gid)
	}
}

// TestUnsafe writes nothing where others could have a hand in it.
func TestUnsafe(t *testing.T) {
	link := func(l layout, name string) {
		l.write("victim", "precious\n")
		_ = os.RemoveAll(filepath.Join(l.dir, name))
		if err := os.Symlink(filepath.Join(l.dir, "victim"), filepath.Join(l.dir, name)); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name   string
		debian bool
		do     func(l layout)
		want   string
	}{
		{"a link for the file", true, func(l layout) { link(l, "conf.d/00_aidefleet") }, "symbolic link"},
		{"a link to nothing", true, func(l layout) { _ = os.Symlink("/nowhere", l.DropIn) }, "symbolic link"},
		{"a link for the configuration", false, func(l layout) { link(l, "aide.conf") }, "symbolic link"},
		{"a link for the folder", true, func(l layout) {
			_ = os.Rename(l.dir+"/conf.d", l.dir+"/d")
			_ = os.Symlink(l.dir+"/d", l.dir+"/conf.d")
		}, "not a folder"},
		{"a pipe", true, func(l layout) { _ = syscall.Mkfifo(l.DropIn, 0o600) }, "not a regular file"},
		{"a folder", true, func(l layout) { _ = os.Mkdir(l.DropIn, 0o755) }, "not a regular file"},
		{"everybody's folder", true, func(l layout) { _ = os.Chmod(l.dir+"/conf.d", 0o777) }, "mode 0777): look at what is in it, then chmod go-w "},
		{"a group's configuration", false, func(l layout) { _ = os.Chown(l.Path, -1, 54321); _ = os.Chmod(l.Path, 0o660) }, "mode 0660)"},
		{"an end without a beginning", false, func(l layout) { l.write("aide.conf", "# END aidefleet\n"+conf) }, "mend it by hand"},
		{"a beginning without an end", false, func(l layout) { l.write("aide.conf", "# BEGIN aidefleet\n"+conf) }, "mend it by hand"},
		{"two blocks", true, func(l layout) { l.write("aide.conf", strings.Repeat(begin+end, 2)) }, "mend it by hand"},
		{"the wrong way round", false, func(l layout) { l.write("aide.conf", end+begin) }, "mend it by hand"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLayout(t, c.debian)
			c.do(l)
			p, err := Find(l.Config)
			assert.ErrorIs(t, err, ErrUnsafe, "%+v", p)
			assert.ErrorContains(t, err, c.want)
		})
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	l := newLayout(t, true)
	if err := os.Chown(filepath.Join(l.dir, "conf.d"), 7, 7); err != nil {
		t.Fatal(err)
	}
	_, err := Find(l.Config)
	assert.ErrorIs(t, err, ErrUnsafe, "a folder of user 7")
	assert.ErrorContains(t, err, "others can change it (user 7,", "a folder of user 7")
}

// TestLinkInTheWay: what lies under the name of the half-written file is removed
// and not written through.
func TestLinkInTheWay(t *testing.T) {
	l := newLayout(t, true)
	l.write("victim", "precious\n")
	if err := os.Symlink(l.dir+"/victim", l.dir+"/conf.d/"+aide.HalfWritten("00_aidefleet")); err != nil {
		t.Fatal(err)
	}
	l.put("!/a\n")
	l.holds(map[string]string{"aide.conf": "-rw-r----- " + conf, "conf.d/00_aidefleet": "-rw-r--r-- !/a\n", "victim": "-rw------- precious\n"})
}

// TestFull leaves what is there where the new cannot be written.
func TestFull(t *testing.T) {
	defer func() { step = func(string) error { return nil } }()
	for _, debian := range []bool{false, true} {
		l := newLayout(t, debian)
		l.put("!/old\n")
		before := l.files()
		step = func(at string) error {
			if at == "written" {
				return syscall.ENOSPC
			}
			return nil
		}
		if err := l.find().Put("!/new\n"); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v, want %v", err, syscall.ENOSPC)
		}
		l.holds(before)
		step = func(string) error { return nil }
	}
}

// FuzzBlock: whatever a configuration holds, the rest of it stays as it is.
func FuzzBlock(f *testing.F) {
	f.Add(conf, "!/a\n")
	f.Add(conf+begin+"!/b\n"+end+"/srv p", "!/a\n!/c\n")
	f.Fuzz(func(t *testing.T, text, rules string) {
		before, block, after, err := split([]byte(text))
		if err != nil {
			return
		}
		if block == nil {
			assert.Equal(t, text, string(join([]byte(text), "")))
		}
		assert.Equal(t, string(before)+string(after), string(join([]byte(text), "")), "%q without rules", text)
		if rules == "" || !strings.HasSuffix(rules, "\n") || strings.Contains(rules, "aidefleet") {
			return
		}
		with := join([]byte(text), rules)
		b, got, a, err := split(with)
		assert.NoError(t, err, "%q with %q is %q", text, rules, with)
		assert.Equal(t, rules, string(got), "%q with %q is %q", text, rules, with)
		assert.Equal(t, string(before)+string(after), string(b)+string(a), "%q with %q is %q", text, rules, with)
	})
}
