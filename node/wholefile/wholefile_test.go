package wholefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// TestWrite: what fails leaves the file before, and nothing beside it.
func TestWrite(t *testing.T) {
	failed := errors.New("failed")
	failAt := func(at string) func(string) error {
		return func(step string) error {
			if step == at {
				return failed
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		options Options
		content func(io.Writer) error
		want    string
		err     error
	}{
		"a file":           {Options{}, text("new"), "new", nil},
		"a lasting file":   {Options{Lasting: true}, text("new"), "new", nil},
		"content fails":    {Options{}, func(w io.Writer) error { return errors.Join(text("ne")(w), failed) }, "old", failed},
		"no owner":         {Options{Prepare: func(*os.File) error { return failed }}, text("new"), "old", failed},
		"not yet renamed":  {Options{Step: failAt("written")}, text("new"), "old", failed},
		"renamed, no sync": {Options{Step: failAt("renamed"), Lasting: true}, text("new"), "new", failed},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			tc.options.Half = filepath.Join(dir, "half")
			for file, was := range map[string]string{path: "old", tc.options.Half: "of a dead process, and longer"} {
				if err := os.WriteFile(file, []byte(was), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := Write(path, tc.options, tc.content); !errors.Is(err, tc.err) {
				t.Errorf("%v, want %v", err, tc.err)
			}
			if got, err := os.ReadFile(path); err != nil {
				t.Error(err)
			} else if string(got) != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			if files, err := os.ReadDir(dir); err != nil {
				t.Error(err)
			} else if len(files) != 1 {
				t.Errorf("%v, want one file", files)
			}
		})
	}
}

// TestWriteFollowsNoLink: a link or a pipe where the file is written is removed, and
// nothing goes where it leads.
func TestWriteFollowsNoLink(t *testing.T) {
	for name, put := range map[string]func(half, victim string) error{
		"link": func(half, victim string) error { return os.Symlink(victim, half) },
		"pipe": func(half, _ string) error { return syscall.Mkfifo(half, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path, half, victim := filepath.Join(dir, "file"), filepath.Join(dir, "half"), filepath.Join(dir, "victim")
			if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), put(half, victim)); err != nil {
				t.Fatal(err)
			}
			if err := Write(path, Options{Half: half}, text("new")); err != nil {
				t.Error(err)
			}
			if got, _ := os.ReadFile(victim); string(got) != "precious" {
				t.Errorf("the victim holds %q", got)
			}
			if info, err := os.Lstat(path); err != nil {
				t.Error(err)
			} else if info.Mode() != 0o600 {
				t.Errorf("mode %v, want a regular file of 0600", info.Mode())
			}
		})
	}
}

// TestPrepare: the owner and the mode are the file's before it has its name.
func TestPrepare(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	o := Options{Half: path + ".half", Prepare: func(f *os.File) error { return f.Chmod(0o644) }}
	o.Step = func(step string) error {
		if info, err := os.Stat(o.Half); step == "written" && (err != nil || info.Mode() != 0o644) {
			t.Errorf("%v, %v", info, err)
		}
		return nil
	}
	if err := Write(path, o, text("x")); err != nil {
		t.Error(err)
	}
}
