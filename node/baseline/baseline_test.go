package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aidefleet/node/aide"
)

var now = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// database is a small one that names a file.
func database(name string) string {
	return "@@begin_db\n@@db_spec name perm\n/" + name + " 100644\n@@end_db\n"
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// folder is one with a baseline and a new database in it.
type folder struct {
	t                  *testing.T
	dir, path, another string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	dir := t.TempDir()
	f := folder{t, dir, filepath.Join(dir, "db", "aide.db"), filepath.Join(dir, "new.db")}
	if err := os.Mkdir(filepath.Dir(f.path), 0o700); err != nil {
		t.Fatal(err)
	}
	f.write("db/aide.db", database("old"))
	f.write("new.db", database("new"))
	return f
}

func (f folder) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f folder) read(path string) string {
	f.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		f.t.Error(err)
	}
	return string(b)
}

// names lists what lies beside the baseline, without the baseline's own name.
func (f folder) names() string {
	f.t.Helper()
	files, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		if file.Name() != "aide.db" {
			names = append(names, strings.TrimPrefix(file.Name(), "aide.db"+mark))
		}
	}
	return strings.Join(names, " ")
}

// replace makes a database of that name the baseline at a time.
func (f folder) replace(name string, at time.Time) (backup string) {
	f.t.Helper()
	f.write("new.db", database(name))
	info, backup, err := Replace(f.another, digest(database(name)), f.path, at)
	if err != nil || info.Path != f.path || info.Entries != 1 || info.SHA256 != digest(database(name)) {
		f.t.Fatalf("Replace by %s: %+v, %v", name, info, err)
	}
	return backup
}

func TestInstall(t *testing.T) {
	f := newFolder(t)
	if _, err := Install(f.another, f.path); !errors.Is(err, ErrExists) || f.read(f.path) != database("old") {
		t.Errorf("over a baseline: %v", err)
	}
	elsewhere := filepath.Join(f.dir, "a", "b", "aide.db")
	info, err := Install(f.another, elsewhere)
	if err != nil || info.Path != elsewhere || info.SHA256 != digest(f.read(elsewhere)) {
		t.Errorf("into a new folder: %+v, %v", info, err)
	}
	f.write("new.db", "garbage\n")
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(f.another, f.path); !errors.Is(err, aide.ErrDatabase) || f.names() != "" {
		t.Errorf("of garbage: %v, left behind: %q", err, f.names())
	}
}

func TestReplace(t *testing.T) {
	f := newFolder(t)
	if err := os.Chmod(f.path, 0o664); err != nil {
		t.Fatal(err)
	}
	backup := f.replace("new", now)
	if f.read(f.path) != database("new") || f.read(backup) != database("old") || f.names() != "20261123T050000Z" {
		t.Errorf("beside the baseline: %q", f.names())
	}
	for path, want := range map[string]os.FileMode{f.path: 0o644, backup: 0o664} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
		}
	}
}

// TestReplaceRefuses leaves everything as it is.
func TestReplaceRefuses(t *testing.T) {
	cases := map[string]struct {
		do      func(f folder)
		digest  string
		want    error
		message string
	}{
		"another digest": {func(folder) {}, digest("x"), ErrDigest, "new.db"},
		"garbage":        {func(f folder) { f.write("new.db", "x") }, digest("x"), aide.ErrDatabase, "@@begin_db"},
		"cut short": {func(f folder) { f.write("new.db", database("x")[:40]) }, digest(database("x")[:40]),
			aide.ErrDatabase, "cut short"},
		"no new database": {func(f folder) { _ = os.Remove(f.another) }, digest(database("new")), os.ErrNotExist, "new.db"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			c.do(f)
			_, _, err := Replace(f.another, c.digest, f.path, now)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("%v, want %v with %q", err, c.want, c.message)
			}
			if f.read(f.path) != database("old") || f.names() != "" {
				t.Errorf("the baseline is %q, beside it: %q", f.read(f.path), f.names())
			}
		})
	}
}

// TestReplaceKeepsAnything also keeps what is no database, and what a symbolic
// link stands for. It cannot keep a folder.
func TestReplaceKeepsAnything(t *testing.T) {
	f := newFolder(t)
	f.write("db/aide.db", "garbage\n")
	if backup := f.replace("new", now); f.read(backup) != "garbage\n" {
		t.Errorf("backup %q", f.read(backup))
	}
	if _, _, err := Undo(f.path); !errors.Is(err, aide.ErrDatabase) || f.read(f.path) != database("new") || f.names() != "20261123T050000Z" {
		t.Errorf("undo to garbage: %v, %q", err, f.names())
	}

	f = newFolder(t)
	if err := errors.Join(os.Rename(f.path, f.dir+"/real"), os.Symlink(f.dir+"/real", f.path)); err != nil {
		t.Fatal(err)
	}
	if backup := f.replace("new", now); f.read(backup) != database("old") || f.read(f.dir+"/real") != database("old") {
		t.Errorf("behind a link: %q", f.read(backup))
	}
	if _, _, err := Undo(f.path); err != nil || f.read(f.path) != database("old") {
		t.Errorf("undo behind a link: %v, %q", err, f.read(f.path))
	}

	f = newFolder(t)
	if err := errors.Join(os.Remove(f.path), os.Mkdir(f.path, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Replace(f.another, digest(database("new")), f.path, now); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("over a folder: %v", err)
	}
}

// TestBackups are in the order in which they were made, whatever the clock says.
func TestBackups(t *testing.T) {
	f := newFolder(t)
	f.write("db/aide.db.aide-node-notes", "foreign")
	f.write("db/aide.db.aide-node-20261123T050000Z.gz", "foreign")
	f.write("db/aide.db.old", "foreign")
	foreign := f.names()
	for _, s := range []struct {
		name string
		at   time.Time
		want string // name of the backup
	}{
		{"1", now, "20261123T050000Z"},
		{"2", now, "20261123T050001Z"},
		{"3", now.Add(time.Hour), "20261123T060000Z"},
		{"4", now.Add(-time.Hour), "20261123T060001Z"},
	} {
		if got := f.replace(s.name, s.at); got != f.path+mark+s.want {
			t.Errorf("backup %s, want %s", got, s.want)
		}
	}
	if err := Prune(f.path, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(f.path + mark + "20261123T050000Z"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the oldest of four is there: %v", err)
	}
	before := "4"
	for _, want := range []string{"3", "2", "1"} {
		info, kept, err := Undo(f.path)
		if err != nil || f.read(f.path) != database(want) || info.SHA256 != digest(database(want)) || f.read(kept) != database(before) {
			t.Fatalf("undo: %+v, kept %s, %v, baseline %q, want %s", info, kept, err, f.read(f.path), want)
		}
		before = want
	}
	if _, _, err := Undo(f.path); !errors.Is(err, ErrNoBackup) || f.read(f.path) != database("1") {
		t.Errorf("one undo too many: %v", err)
	}
	if err := os.Remove(f.path + undone); err != nil || f.names() != foreign {
		t.Errorf("foreign files: %q, were %q (%v)", f.names(), foreign, err)
	}
}

func TestUndoWithoutABaseline(t *testing.T) {
	f := newFolder(t)
	f.replace("new", now)
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if _, kept, err := Undo(f.path); err != nil || kept != "" || f.read(f.path) != database("old") || f.names() != "" {
		t.Errorf("kept %q, %v, %q", kept, err, f.names())
	}
}

// TestDiskFull fills a small file system while a database is copied.
func TestDiskFull(t *testing.T) {
	f := newFolder(t)
	small := filepath.Dir(f.path)
	if err := syscall.Mount("none", small, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small file system, which only root may: %v", err)
	}
	defer func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) }()
	f.write("db/aide.db", database("old"))
	large := "@@begin_db\n@@db_spec name perm\n" + strings.Repeat("/a 100644\n", 20_000) + "@@end_db\n"
	f.write("new.db", large)
	_, _, err := Replace(f.another, digest(large), f.path, now)
	if !errors.Is(err, syscall.ENOSPC) || f.read(f.path) != database("old") || f.names() != "" {
		t.Errorf("%v, beside the baseline: %q", err, f.names())
	}
	if f.replace("new", now); f.read(f.path) != database("new") {
		t.Errorf("after it: %q", f.read(f.path))
	}
}
