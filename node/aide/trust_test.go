package aide

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// A configuration that the group can write to is refused, whatever the umask of who
// runs the tests.
func init() { syscall.Umask(0o022) }

// somebody is a user who is neither root nor, most likely, who runs the tests.
const somebody = 54321

// TestReadConfigUntrusted refuses what others can change, wherever it is named.
func TestReadConfigUntrusted(t *testing.T) {
	const plain = "database_in=file:/a\n"
	chmod := func(name string, mode fs.FileMode) func(string) error {
		return func(dir string) error { return os.Chmod(filepath.Join(dir, name), mode) }
	}
	chown := func(name string) func(string) error {
		return func(dir string) error { return os.Lchown(filepath.Join(dir, name), somebody, somebody) }
	}
	chgrp := func(name string) func(string) error {
		return func(dir string) error { return os.Chown(filepath.Join(dir, name), 0, 54321) }
	}
	link := func(to, from string) func(string) error {
		return func(dir string) error { return os.Symlink(filepath.Join(dir, to), filepath.Join(dir, from)) }
	}
	all := func(steps ...func(string) error) func(string) error {
		return func(dir string) (err error) {
			for _, step := range steps {
				err = errors.Join(err, step(dir))
			}
			return err
		}
	}
	for _, c := range []struct {
		name, conf string // DIR stands for the folder
		do         func(dir string) error
		// untrusted is what the error names, with what mends it; empty if all is well.
		untrusted, mend string
		root            bool // only root can do that
	}{
		{"as it should be", "@@include DIR/more\n@@x_include DIR/d ^[a-z]+$\n", chmod("conf", 0o644), "", "", false},
		{"everybody can write to it", "", chmod("conf", 0o666), "DIR/conf", "chmod go-w DIR/conf", false},
		{"a group can write to it", "", all(chgrp("conf"), chmod("conf", 0o660)), "DIR/conf", "chmod go-w DIR/conf", true},
		{"a group can write to an include", "@@include DIR/more\n", all(chgrp("more"), chmod("more", 0o664)), "DIR/more", "chmod go-w DIR/more", true},
		{"root's group can write to an include", "@@include DIR/more\n", chmod("more", 0o664), "", "", true},
		{"root's group can write to a folder", "@@include DIR/d ^[a-z]+$\n", all(chmod("d", 0o775), chmod("d/rules", 0o664)), "", "", true},
		{"somebody's", "", chown("conf"), "DIR/conf", "chown root DIR/conf", true},
		{"somebody's, who lets everybody", "", all(chown("conf"), chmod("conf", 0o666)), "DIR/conf", "chown root DIR/conf && chmod go-w DIR/conf", true},
		{"everybody's folder", "", chmod(".", 0o777), "DIR", "chmod go-w DIR", false},
		{"a folder as /tmp", "", chmod(".", 0o777|fs.ModeSticky), "", "", false},
		{"somebody's folder", "", chown("."), "DIR", "chown root DIR", true},
		{"an include", "@@include DIR/more\n", chmod("more", 0o666), "DIR/more", "chmod go-w DIR/more", false},
		{"an include by x_include", "@@x_include DIR/more\n", chmod("more", 0o666), "DIR/more", "chmod go-w DIR/more", false},
		{"an include of an include", "@@include DIR/nest\n", chmod("more", 0o666), "DIR/more", "chmod go-w DIR/more", false},
		{"a program", "@@x_include DIR/more\n", chmod("more", 0o757), "DIR/more", "chmod go-w DIR/more", false},
		{"an include that does not hold", "@@ifdef X\n@@include DIR/more\n@@endif\n", chmod("more", 0o666), "", "", false},
		{"an included folder", "@@include DIR/d ^[a-z]+$\n", chmod("d", 0o777), "DIR/d", "chmod go-w DIR/d", false},
		{"an included folder as /tmp", "@@include DIR/d ^[a-z]+$\n", chmod("d", 0o777|fs.ModeSticky), "DIR/d", "chmod go-w DIR/d", false},
		{"a file of a folder", "@@include DIR/d ^[a-z]+$\n", chmod("d/rules", 0o666), "DIR/d/rules", "chmod go-w DIR/d/rules", false},
		{"a program of a folder", "@@x_include DIR/d ^[a-z]+$\n", chmod("d/rules", 0o777), "DIR/d/rules", "chmod go-w DIR/d/rules", false},
		{"a file that AIDE does not take", "@@include DIR/d ^[0-9]+$\n", chmod("d/rules", 0o666), "", "", false},
		{"a file of a folder by a pattern not understood", "@@include DIR/d [[:alpha:]]\n", chmod("d/rules", 0o666), "DIR/d/rules", "chmod go-w DIR/d/rules", false},
		{"a link of ours", "@@include DIR/link\n", link("more", "link"), "", "", false},
		{"somebody's link", "@@include DIR/link\n", all(link("more", "link"), chown("link")), "DIR/link", "chown root DIR/link", true},
		{"what a link leads to", "@@include DIR/link\n", all(link("more", "link"), chmod("more", 0o666)), "DIR/more", "chmod go-w DIR/more", false},
		{"the folder that a link leads to", "@@include DIR/link/rules\n", all(link("d", "link"), chmod("d", 0o777)), "DIR/d", "chmod go-w DIR/d", false},
		{"a folder between links", "@@include DIR/link\n", all(link("d/on", "link"), link("more", "d/on"), chmod("d", 0o777)), "DIR/d", "chmod go-w DIR/d", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			dir := t.TempDir()
			t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
			here := strings.NewReplacer("DIR", dir)
			for name, text := range map[string]string{"conf": plain + c.conf, "more": "/more p\n", "nest": "@@include DIR/more\n", "d/rules": "/rules p\n"} {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(here.Replace(text)), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			_, err := ReadConfig(t.Context(), filepath.Join(dir, "conf"), "/given")
			switch {
			case c.untrusted == "" && err != nil:
				t.Errorf("%v, want none", err)
			case c.untrusted != "" && (!errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), here.Replace(c.untrusted)+": ") ||
				!strings.HasSuffix(err.Error(), "then "+here.Replace(c.mend))):
				t.Errorf("%v, want %q and that %q mends it", err, here.Replace(c.untrusted), here.Replace(c.mend))
			}
		})
	}
}

func TestTrustedEnds(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := errors.Join(os.Symlink("b", "a"), os.Symlink("a", "b"), os.WriteFile("file", nil, 0o600), os.Symlink("../"+filepath.Base(dir)+"/file", "up")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		dir + "/a": syscall.ELOOP, dir + "/none": fs.ErrNotExist, dir + "/file/x": syscall.ENOTDIR,
		dir + "/file": nil, "file": nil, "./file": nil, dir + "/up": nil, "/": nil,
	} {
		if err := Trusted(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

// TestFiles: AIDE comes upon a file through no link.
func TestFiles(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(dir+"/real", 0o755), os.WriteFile(dir+"/real/conf", nil, 0o600),
		os.Symlink("real", dir+"/etc"), os.Symlink("conf", dir+"/real/link")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		want   []string
	}{
		{Config{Path: dir + "/real/conf"}, []string{"/real/conf"}},
		{Config{Path: dir + "/real/link"}, []string{"/real/conf", "/real/link"}},
		{Config{Path: dir + "/etc/link", DropIn: dir + "/etc/d"}, []string{"/etc/d", "/etc/link", "/real/conf", "/real/d", "/real/link"}},
	} {
		var got []string
		for _, file := range c.config.Files() {
			got = append(got, strings.TrimPrefix(file, dir))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.config, got, c.want)
		}
	}
}
