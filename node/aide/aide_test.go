package aide

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"AIDE 0.18.3\n\nCompile-time options:\n":                "0.18.3",
		"Aide 0.16.2\n\nCompiled with the following options:\n": "0.16.2",
		"gcry_md_enable 7 failed\nAide 0.16\n":                  "0.16.0",
		"AIDE 0.19.2+debian1\n":                                 "0.19.2",
		"AIDE v0.17.4\n":                                        "0.17.4",
		"":                                                      "",
		"AIDE of Debian\n":                                      "",
		"AIDE 999999.1\n":                                       "",
		"AIDE 7\n":                                              "",
	} {
		v, ok := parseVersion([]byte(text))
		assert.Equal(t, want != "", ok, text)
		if ok {
			assert.Equal(t, want, v.String(), text)
		}
	}
}

func TestReadSummaryRefuses(t *testing.T) {
	const head = "AIDE found differences between database and filesystem!!\n\n"
	const counts = "Summary:\n  Total number of entries:\t13\n  Added entries:\t\t2\n  Removed entries:\t\t1\n  Changed entries:\t\t3\n"
	for name, text := range map[string]string{
		"nothing":             "",
		"no headline":         counts,
		"two headlines":       head + head + counts,
		"counted twice":       head + counts + counts,
		"incomplete":          head + "Summary:\n  Total number of entries:\t13\n  Added entries:\t\t2\n",
		"no difference":       head + strings.NewReplacer("\t\t2", "\t\t0", "\t\t1", "\t\t0", "\t\t3", "\t\t0").Replace(counts),
		"clean with changes":  "AIDE found NO differences between database and filesystem. Looks okay!!\n" + counts,
		"too large a number":  head + strings.Replace(counts, "\t\t2", "\t\t9999999999999", 1),
		"not quite a number":  head + strings.Replace(counts, "\t\t2", "\t\t2x", 1),
		"behind the ruler":    strings.Repeat("-", 51) + "\n" + head + counts,
		"counts without head": "Number of entries:\t12\n",
	} {
		if s, err := ReadSummary(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %+v, want an error", name, s)
		}
	}
	// AIDE 0.16 with gcrypt glues a message to the front of the first line.
	s, err := ReadSummary(strings.NewReader("gcry_md_enable 7 failed" + head + counts))
	want := (Summary{Differences: true, Total: 13, Added: 2, Removed: 1, Changed: 3})
	assert.NoError(t, err, "with a glued headline")
	assert.Equal(t, want, s, "with a glued headline")
}

const database = "@@begin_db\n# comment\n@@db_spec name perm sha256 \n/a 100644 x \n/b%0Ac 40755 0 \n@@end_db\n"

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text) // into memory
	_ = z.Close()
	return b.String()
}

func TestReadDatabase(t *testing.T) {
	for name, text := range map[string]string{"plain": database, "compressed": zipped(database)} {
		var names []string
		d, err := ReadDatabase(strings.NewReader(text), func(e Entry) error {
			names = append(names, string(e.Name()))
			return nil
		})
		want := []string{"/a", "/b\nc"}
		assert.NoError(t, err, name)
		assert.Equal(t, 2, d.Entries, name)
		assert.Equal(t, want, names, name)
	}
}

func TestReadDatabaseRefuses(t *testing.T) {
	whole := zipped(database)
	flipped := []byte(whole)
	flipped[len(flipped)/2] ^= 0x10
	for name, text := range map[string]string{
		"empty":              "",
		"empty, compressed":  zipped(""),
		"garbage":            "garbage\n",
		"binary":             "\x00\x01\x02",
		"gzip magic alone":   "\x1f\x8b",
		"cut short":          strings.TrimSuffix(database, "@@end_db\n"),
		"cut in a line":      database[:len(database)-20],
		"compressed, cut":    whole[:len(whole)-9],
		"compressed, no sum": whole[:len(whole)-8],
		"a bit flipped":      string(flipped),
		"no spec":            strings.Replace(database, "@@db_spec name perm sha256 \n", "", 1),
		"two specs":          strings.Replace(database, "# comment", "@@db_spec name perm sha256", 1),
		"spec without name":  strings.Replace(database, "name ", "nom ", 1),
		"a field missing":    strings.Replace(database, "/a 100644 x", "/a 100644", 1),
		"no path":            strings.Replace(database, "/a 100644 x", "a 100644 x", 1),
		"more behind":        database + "/c 1 1\n",
		"no entry":           "@@begin_db\n@@db_spec name perm\n@@end_db\n",
	} {
		d, err := ReadDatabase(strings.NewReader(text), nil)
		if !errors.Is(err, ErrDatabase) {
			t.Errorf("%s: %d entries, %v, want ErrDatabase", name, d.Entries, err)
		}
	}
}

func TestReadConfig(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		files map[string]string // name → text; "conf" is read
		want  string            // the database, or what the error says
	}{
		"plain":        {map[string]string{"conf": "# comment\ndatabase_in=file:/var/lib/aide/aide.db\n"}, "/var/lib/aide/aide.db"},
		"0.16":         {map[string]string{"conf": "database=file:/a\n"}, "/a"},
		"spaces":       {map[string]string{"conf": "  database_in = file:/a  \n"}, "/a"},
		"two slashes":  {map[string]string{"conf": "database_in=file:///a\n"}, "/a"},
		"first wins":   {map[string]string{"conf": "database_in=file:/a\ndatabase_in=file:/b\n"}, "/a"},
		"macro":        {map[string]string{"conf": "@@define DBDIR /var/lib/aide\n@@define DB @@{DBDIR}/aide.db.gz\ndatabase_in=file:@@{DB}\n"}, "/var/lib/aide/aide.db.gz"},
		"undefined":    {map[string]string{"conf": "@@define D /x\n@@undef D\ndatabase_in=file:/a@@{D}\n"}, "/a"},
		"host name":    {map[string]string{"conf": "database_in=file:/@@{HOSTNAME}\n"}, "/" + host},
		"ifdef":        {map[string]string{"conf": "@@ifdef X\ndatabase_in=file:/no\n@@else\ndatabase_in=file:/a\n@@endif\n"}, "/a"},
		"ifndef":       {map[string]string{"conf": "@@ifndef X\ndatabase_in=file:/a\n@@endif\n"}, "/a"},
		"ifhost":       {map[string]string{"conf": "@@ifhost " + host + "\ndatabase_in=file:/a\n@@endif\ndatabase_in=file:/b\n"}, "/a"},
		"ifnhost":      {map[string]string{"conf": "@@ifnhost " + host + "\ndatabase_in=file:/a\n@@endif\ndatabase_in=file:/b\n"}, "/b"},
		"if not":       {map[string]string{"conf": "@@if not defined X\ndatabase_in=file:/a\n@@endif\n"}, "/a"},
		"nested":       {map[string]string{"conf": "@@ifdef X\n@@ifndef Y\ndatabase_in=file:/no\n@@else\ndatabase_in=file:/no\n@@endif\n@@endif\ndatabase_in=file:/a\n"}, "/a"},
		"include":      {map[string]string{"conf": "@@include @@{DIR}/more\n", "more": "database_in=file:/a\n"}, "/a"},
		"folder":       {map[string]string{"conf": "@@x_include @@{DIR} ^[0-9]+_[a-z]+$\n", "10_db": "database_in=file:/a\n", "05_db.bak": "database_in=file:/no\n"}, "/a"},
		"none":         {map[string]string{"conf": "report_url=stdout\n"}, "no database_in"},
		"not a file":   {map[string]string{"conf": "database_in=https://example.com/db\n"}, "only file:"},
		"relative":     {map[string]string{"conf": "database_in=file:a\n"}, "absolute"},
		"open if":      {map[string]string{"conf": "@@ifdef X\n"}, "without @@endif"},
		"endless":      {map[string]string{"conf": "@@include @@{DIR}/conf\n"}, "nested"},
		"lone else":    {map[string]string{"conf": "@@else\n"}, "conf:1: @@else without @@if"},
		"no such file": {map[string]string{"conf": "@@include /nowhere/x\n"}, "no such file"},
		"no file":      {map[string]string{"conf": "@@include\n"}, "without a file"},
		"counts":       {map[string]string{"conf": "@@include @@{DIR} ^[[:alpha:]]{2}$\n", "db": "database_in=file:/a\n"}, "/a"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				text = strings.ReplaceAll(text, "@@{DIR}", dir)
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := ReadConfig(t.Context(), filepath.Join(dir, "conf"), "")
			switch {
			case strings.HasPrefix(c.want, "/") && (err != nil || got.Database != c.want || len(got.SHA256) != 64):
				t.Errorf("%+v, %v, want %s", got, err, c.want)
			case !strings.HasPrefix(c.want, "/") && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%+v, %v, want an error with %q", got, err, c.want)
			}
		})
	}
}

// TestDropIn: a file of rules goes where the configuration reads it, and its
// half-written self does not.
func TestDropIn(t *testing.T) {
	for _, c := range []struct{ name, conf, want string }{
		{"no folder", "@@include @@{DIR}/more\n", ""},
		{"Debian", "@@x_include @@{DIR} ^[a-zA-Z0-9_-]+$\n", "00_aidefleet"},
		{"only .conf", "@@include @@{DIR} \\.conf$\n", "00_aidefleet.conf"},
		{"everything", "@@include @@{DIR} ^\n", ""},
		{"others", "@@include @@{DIR} ^local_[a-z]+$\n", ""},
		{"a prefix", "@@include @@{DIR} ^[a-z0-9_]+$ /chroot\n", ""},
		{"not here", "@@ifdef X\n@@include @@{DIR} ^[a-z0-9_]+$\n@@endif\n", ""},
		{"the first", "@@include @@{DIR} ^[a-z0-9_]+$\n@@include @@{DIR}/../e ^[a-z0-9_]+$\n", "00_aidefleet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"d", "e"} {
				if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			conf := "database_in=file:/a\n" + strings.ReplaceAll(c.conf, "@@{DIR}", dir+"/d")
			for name, text := range map[string]string{"conf": conf, "d/more": "\n"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := ""
			if c.want != "" {
				want = filepath.Join(dir, "d", c.want)
			}
			got, err := ReadConfig(t.Context(), filepath.Join(dir, "conf"), "")
			assert.NoError(t, err)
			assert.Equal(t, want, got.DropIn)
		})
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct{ path, old, now string }{
		{"/var/lib/a+b.c(d)", `/var/lib/a\+b\.c\(d\)`, `/var/lib/a\+b\.c\(d\)`},
		{"/a b/c", `/a%20b/c`, `/a\ b/c`},
		{`/a\b%41@#"`, `/a%5c%5cb%2541%40%23%22`, `/a\\\\b%41\@#"`},
		{"/ä\n", `/%c3%a4%0a`, "/ä" + `[\x0a]`},
	} {
		for version, want := range map[Version]string{{Minor: 16}: c.old, {Minor: 17}: c.now, {Minor: 19}: c.now} {
			if got := version.literal(c.path); got != want {
				t.Errorf("%s: literal(%q) = %s, want %s", version, c.path, got, want)
			}
		}
	}
}

func TestSpellings(t *testing.T) {
	for name, want := range map[string][5]string{ // in the order of Spellings
		"/a b":         {"/a b", "/a b", "/a b", "/a b", "/a b"},
		"/日本":          {"/日本", "/日本", "/日本", "/日本", "/日本"},
		"/a\tb":        {"/a\tb", `/a\011b`, `/a\011b`, `/a\011b`, `/a\011b`},
		"/\x1b[31m\n":  {"/\x1b[31m\n", `/\033[31m\012`, `/\033[31m\012`, `/\033[31m\012`, `/\033[31m\012`},
		"/del\x7f\xff": {"/del\x7f\xff", "/del\\177\xff", "/del\\177\xff", "/del\\177\xff", "/del\\177\xff"},
		`/a\012b`:      {`/a\012b`, `/a\134012b`, `/a\012b`, `/a\134012b`, `/a\012b`},
		`/a\999\b`:     {`/a\999\b`, `/a\134999\b`, `/a\999\b`, `/a\134999\b`, `/a\999\b`},
		"/\x1f":        {"/\x1f", "/\x1f", "/\x1f", `/\037`, `/\037`},
	} {
		for i, s := range Spellings {
			if got := s.Spell([]byte(name)); string(got) != want[i] {
				t.Errorf("%+v: %q is spelled %q, want %q", s, name, got, want[i])
			}
		}
		if got := Unspell([]byte(want[1])); string(got) != name {
			t.Errorf("Unspell(%q) = %q, want %q", want[1], got, name)
		}
		if !Unspellable([]byte(want[1])) {
			t.Errorf("%q is not told to be spelled", want[1])
		}
	}
	for _, name := range []string{`/\400`, `/\101`, `/\999`, "/a\tb"} { // AIDE does not spell so what it spells
		if Unspellable([]byte(name)) {
			t.Errorf("%q is told to be spelled", name)
		}
	}
	for _, name := range []string{`/a\b`, `/\400`, `/\101`, `/\01`, `/\`} { // no control characters
		if got := Unspell([]byte(name)); string(got) != name {
			t.Errorf("Unspell(%q) = %q, want it as it is", name, got)
		}
	}
}

// FuzzSpelling holds that what distributions write can be undone, and that what is
// ordinary is written in one way.
func FuzzSpelling(f *testing.F) {
	for _, name := range []string{"/a", "/a\nb", `/a\012b`, `/\134134`, "/\x1f\x7f\xff", `/\\012`} {
		f.Add([]byte(name))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		spelled := Spellings[1].Spell(name)
		if got := Unspell(spelled); !bytes.Equal(got, name) {
			t.Errorf("%q is spelled %q, and that read as %q", name, spelled, got)
		}
		if !Unspellable(spelled) {
			t.Errorf("%q, of %q, is not told to be spelled", spelled, name)
		}
		if Ordinary(name) {
			for _, s := range Spellings {
				if got := s.Spell(name); !bytes.Equal(got, name) {
					t.Errorf("%+v: %q is ordinary and spelled %q", s, name, got)
				}
			}
		}
	})
}

func TestReadJSONRefuses(t *testing.T) {
	for _, text := range []string{
		"", "[]", "{", `{"added"`, `{"added":{"/a":"f"}`, `{"added":{"/a":1}}`, `{"added":["/a"]}`,
		`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800x"}`, `{"a" 1}`, `{"a":1 "b":2}`, `{"a":?}`,
		`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	} {
		if _, err := ReadJSON(strings.NewReader(text), func(Change) error { return nil }); !errors.Is(err, ErrInvalidJSON) {
			t.Errorf("%.40q: %v, want ErrInvalidJSON", text, err)
		}
	}
}
