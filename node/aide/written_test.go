package aide

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestReadDatabaseCutShort cuts a whole baseline of each release off. Of one without
// an end marker only the rest of a line is told, or of compressed data.
func TestReadDatabaseCutShort(t *testing.T) {
	for _, c := range []struct {
		file string
		cut  func(text string) string
		ok   bool
	}{
		{"0.16.2/plain.db", func(s string) string { return s[:len(s)-1] }, false},
		{"0.16.2/plain.db", func(s string) string { return s[:len(s)-90] }, false},
		{"0.16.2/plain.db", func(s string) string { return s[:strings.LastIndex(strings.TrimSpace(s), "\n")+1] }, true},
		{"0.16.2/plain.db", func(s string) string { return s[:strings.Index(s, "\n/")+1] }, false},
		{"0.16.2/plain.db", func(s string) string { return s + "@@end_db\n" }, true},
		{"0.16.2/plain.db", func(s string) string { return s + "@@end_db Xr4ilOzQ4PCOq3aQ0qbuaQ==\n" }, true},
		{"0.16.2/plain.db", func(s string) string { return s + "@@end_db a b\n" }, false},
		{"0.16.2/plain.db", func(s string) string { return s + "@@end_db\n/srv 0 0\n" }, false},
		{"0.16.2/plain.db", func(s string) string { return s + "@@end_dbx\n" }, false},
		{"0.16.2/plain.db", func(s string) string { return strings.Replace(s, "version 0.16.2", "version 0.17.1", 1) }, false},
		{"0.16.2/plain.db", func(s string) string { return strings.Replace(s, "version 0.16.2", "version x", 1) }, false},
		{"0.16.2/plain.db", withoutComments, true},
		{"0.16.2/gzip.db.gz", func(s string) string { return s[:len(s)-1] }, false},
		{"0.16.2/gzip.db.gz", func(s string) string { return s[:len(s)-8] }, false},
		{"0.17.4/plain.db", func(s string) string { return strings.TrimSuffix(s, "@@end_db\n") }, false},
		{"0.17.4/plain.db", func(s string) string { return strings.TrimSuffix(withoutComments(s), "@@end_db\n") }, false},
		{"0.17.4/plain.db", func(s string) string {
			return strings.TrimSuffix(strings.Replace(s, "version 0.17.4", "version 0.16.2", 1), "@@end_db\n")
		}, false},
		{"0.18.8/plain.db", func(s string) string { return strings.TrimSuffix(s, "@@end_db\n") }, false},
		{"0.19.3/plain.db", func(s string) string { return strings.TrimSuffix(s, "@@end_db\n") }, false},
		{"0.19.3/gzip.db.gz", func(s string) string { return s[:len(s)-1] }, false},
	} {
		text, err := os.ReadFile("testdata/databases/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		cut := c.cut(string(text))
		d, err := ReadDatabase(strings.NewReader(cut), nil)
		if c.ok && err != nil {
			t.Errorf("%s, %d of %d bytes: %v", c.file, len(cut), len(text), err)
		}
		if !c.ok && !errors.Is(err, ErrDatabase) {
			t.Errorf("%s, %d of %d bytes: %d entries, %v, want ErrDatabase", c.file, len(cut), len(text), d.Entries, err)
		}
	}
}

// withoutComments is a database as database_add_metadata=no has it.
func withoutComments(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestReads: which release can read what another one wrote was tried with each of them.
func TestReads(t *testing.T) {
	v := func(minor int) Version { return Version{Minor: minor} }
	for _, c := range []struct {
		by    string
		cut   func(string) string
		reads map[Version]bool
	}{
		{"0.16.2", strings.Clone, map[Version]bool{v(16): true, v(17): true, v(18): true, v(19): false}},
		{"0.16.2", withoutComments, map[Version]bool{v(16): true, v(18): true, v(19): false}},
		{"0.16.2", func(s string) string { return s + "@@end_db\n" }, map[Version]bool{v(16): true, v(18): true, v(19): true}},
		{"0.17.4", strings.Clone, map[Version]bool{v(16): true, v(17): true, v(18): true, v(19): true}},
		{"0.18.8", strings.Clone, map[Version]bool{v(17): true, v(18): true, v(19): true}},
		{"0.19.3", strings.Clone, map[Version]bool{v(17): false, v(18): false, v(19): true, v(20): true}},
		{"0.20-dev", strings.Clone, map[Version]bool{v(18): false, v(19): true}},
		{"0.19.3", func(s string) string { return strings.NewReplacer("ctime", "xattr1", "mtime", "xattr2").Replace(s) }, map[Version]bool{v(18): true, v(19): true}},
	} {
		text, err := os.ReadFile("testdata/databases/" + c.by + "/plain.db")
		if err != nil {
			t.Fatal(err)
		}
		d, err := ReadDatabase(strings.NewReader(c.cut(string(text))), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.by, err)
		}
		for version, want := range c.reads {
			if got := version.Reads(d); got != want {
				t.Errorf("%s reads one of %s: %t, want %t", version, c.by, got, want)
			}
		}
	}
}
