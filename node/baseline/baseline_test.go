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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	require.NoError(f.t, err, "Replace by %s", name)
	require.Equal(f.t, f.path, info.Path, "Replace by %s: %+v", name, info)
	require.Equal(f.t, 1, info.Entries, "Replace by %s", name)
	require.Equal(f.t, digest(database(name)), info.SHA256, "Replace by %s", name)
	return backup
}

func TestInstall(t *testing.T) {
	f := newFolder(t)
	_, err := Install(f.another, f.path)
	assert.ErrorIs(t, err, ErrExists, "over a baseline")
	assert.Equal(t, database("old"), f.read(f.path), "over a baseline")
	elsewhere := filepath.Join(f.dir, "a", "b", "aide.db")
	info, err := Install(f.another, elsewhere)
	assert.NoError(t, err, "into a new folder")
	assert.Equal(t, elsewhere, info.Path, "into a new folder: %+v", info)
	assert.Equal(t, digest(f.read(elsewhere)), info.SHA256, "into a new folder")
	f.write("new.db", "garbage\n")
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	_, err = Install(f.another, f.path)
	assert.ErrorIs(t, err, aide.ErrDatabase, "of garbage")
	assert.Empty(t, f.names(), "of garbage")
}

func TestReplace(t *testing.T) {
	f := newFolder(t)
	if err := os.Chmod(f.path, 0o664); err != nil {
		t.Fatal(err)
	}
	backup := f.replace("new", now)
	assert.Equal(t, database("new"), f.read(f.path), "beside the baseline")
	assert.Equal(t, database("old"), f.read(backup), "beside the baseline")
	assert.Equal(t, "20261123T050000Z", f.names(), "beside the baseline")
	for path, want := range map[string]os.FileMode{f.path: 0o644, backup: 0o664} {
		info, err := os.Stat(path)
		require.NoError(t, err, path)
		assert.Equal(t, want, info.Mode(), path)
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
			assert.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, c.message)
			assert.Equal(t, database("old"), f.read(f.path), "the baseline and its folder")
			assert.Empty(t, f.names(), "the baseline and its folder")
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
	_, _, err := Undo(f.path)
	assert.ErrorIs(t, err, aide.ErrDatabase, "undo to garbage")
	assert.Equal(t, database("new"), f.read(f.path), "undo to garbage")
	assert.Equal(t, "20261123T050000Z", f.names(), "undo to garbage")

	f = newFolder(t)
	if err := errors.Join(os.Rename(f.path, f.dir+"/real"), os.Symlink(f.dir+"/real", f.path)); err != nil {
		t.Fatal(err)
	}
	backup := f.replace("new", now)
	assert.Equal(t, database("old"), f.read(backup), "behind a link")
	assert.Equal(t, database("old"), f.read(f.dir+"/real"), "behind a link")
	_, _, err = Undo(f.path)
	assert.NoError(t, err, "undo behind a link")
	assert.Equal(t, database("old"), f.read(f.path), "undo behind a link")

	f = newFolder(t)
	if err := errors.Join(os.Remove(f.path), os.Mkdir(f.path, 0o700)); err != nil {
		t.Fatal(err)
	}
	_, _, err = Replace(f.another, digest(database("new")), f.path, now)
	assert.ErrorContains(t, err, "regular", "over a folder")
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
		require.NoError(t, err, "undo")
		require.Equal(t, database(want), f.read(f.path), "undo")
		require.Equal(t, digest(database(want)), info.SHA256, "undo")
		require.Equal(t, database(before), f.read(kept), "undo")
		before = want
	}
	_, _, err := Undo(f.path)
	assert.ErrorIs(t, err, ErrNoBackup, "one undo too many")
	assert.Equal(t, database("1"), f.read(f.path), "one undo too many")
	err = os.Remove(f.path + undone)
	assert.NoError(t, err, "foreign files")
	assert.Equal(t, foreign, f.names(), "foreign files")
}

func TestUndoWithoutABaseline(t *testing.T) {
	f := newFolder(t)
	f.replace("new", now)
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	_, kept, err := Undo(f.path)
	assert.NoError(t, err)
	assert.Empty(t, kept)
	assert.Equal(t, database("old"), f.read(f.path))
	assert.Empty(t, f.names())
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
	assert.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, database("old"), f.read(f.path))
	assert.Empty(t, f.names())
	if f.replace("new", now); f.read(f.path) != database("new") {
		t.Errorf("after it: %q", f.read(f.path))
	}
}
