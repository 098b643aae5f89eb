package aide

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide/aidetest"
)

// forms are ways to write where the database /DIR/db is, with what each release makes
// of them: a path, or what its refusal is told as. An empty one is that of the others.
var forms = []struct{ conf, old, since17, since19 string }{
	{"IN=file:DIR/db", "", "DIR/db", ""},
	{"IN = file:DIR/db  ", "", "DIR/db", ""},
	{" IN=file:DIR/db", "", "DIR/db", ""},
	{"IN=file:DIR/db # comment", "", "DIR/db", ""},
	{"IN=file:DIR/db\t# comment", "", "DIR/db", ""},
	{"IN=file:DIR/db#c", "DIR/db", "DIR/db#c", ""},
	{`IN="file:DIR/db"`, `ends before "\"file:`, "takes no quotes", ""},
	{`IN='file:DIR/db'`, "", "takes no quotes", ""},
	{`IN=file:"DIR/db"`, `ends before "\"`, "absolute", ""},
	{"IN=file://DIR/db", "", "DIR/db", ""},
	{"IN=file:///DIR/db", "", "DIR/db", ""},
	{"IN=file://localhostDIR/db", "DIR/db", "refuses every host: write file:DIR/db", ""},
	{"IN=file://HOSTDIR/db", "DIR/db", "refuses every host", ""},
	{"IN=file://other.exampleDIR/db", "takes no host but localhost or HOST", "refuses every host", ""},
	{"IN=file://localhost", "", "no path behind the host", ""},
	{"IN=file:DIR/db foo", "", `ends before "foo"`, ""},
	{`IN=file:DIR/a\ b`, `ends before "b"`, "DIR/a b", ""},
	{`IN=file:DIR/a\\b`, `DIR/a\\b`, `DIR/a\b`, ""},
	{`IN=file:DIR/a\b`, "", `DIR/a\b`, ""},
	{`IN=file:DIR/a\@b`, `DIR/a\@b`, "DIR/a@b", ""},
	{"IN=file:DIR/é", "ends before", "DIR/é", ""},
	{"@@define D DIR # comment\nIN=file:@@{D}/db", "", "DIR/db", ""},
	{"@@define D DIR\nIN=file:@@{D}/db # c", "", "DIR/db", ""},
	{"IN=file:@@{NONE}DIR/db", "", "DIR/db", ""},
	{"IN=stdin", "", "only file:", ""},
	{"database=file:DIR/db", "DIR/db", "DIR/db", "it calls it database_in"},
	{"database_in=file:DIR/db", "it calls it database", "DIR/db", ""},
	{"@@ifdef NONE\nIN=file:/no\n@@endif\nIN=file:DIR/db", "", "DIR/db", ""},
}

func (v Version) inForm(form string) string {
	name := v.input()
	if name == "" {
		name = "database_in"
	}
	return strings.ReplaceAll(form, "IN", name)
}

func TestDatabasePath(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	here := strings.NewReplacer("DIR", dir, "HOST", host)
	for _, v := range []Version{{Minor: 16, Patch: 2}, {Minor: 17, Patch: 4}, {Minor: 18, Patch: 3}, {Minor: 19, Patch: 3}} {
		for _, form := range forms {
			want := form.since17
			switch {
			case !v.since(17) && form.old != "":
				want = form.old
			case v.since(19) && form.since19 != "":
				want = form.since19
			}
			want = here.Replace(want)
			conf := filepath.Join(dir, "conf")
			if err := os.WriteFile(conf, []byte(here.Replace(v.inForm(form.conf))+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := v.ReadConfig(t.Context(), conf, "")
			if strings.HasPrefix(want, "/") {
				assert.NoError(t, err, "%s, %s", v, form.conf)
				assert.Equal(t, want, got.Database, "%s, %s", v, form.conf)
			} else {
				assert.ErrorContains(t, err, want, "%s, %s: %q", v, form.conf, got.Database)
			}
		}
	}
}

// TestDatabasePathAsAIDE holds what is read against real AIDEs: where one opens a
// database there is one, where it refuses the configuration so does ReadConfig, and
// where it finds nothing the path is another.
func TestDatabasePathAsAIDE(t *testing.T) {
	aidetest.Each(t, func(t *testing.T, a aidetest.AIDE) {
		p, err := Find(context.Background(), a.Path)
		if err != nil {
			t.Fatal(err)
		}
		asAIDE(t, p)
	})
}

// asAIDE tries each form on one AIDE.
func asAIDE(t *testing.T, p Program) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	here := strings.NewReplacer("DIR", dir, "HOST", host)
	text, err := os.ReadFile("testdata/databases/0.17.4/plain.db") // which each release can read
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"db", "db#c", "a b", `a\b`, `a\\b`, "a@b", `a\@b`, "é"} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range forms {
		conf := filepath.Join(dir, "conf")
		rest := "\ndatabase_out=file:" + dir + "/new\nreport_url=file:" + dir + "/report\n/none p\n"
		if err := os.WriteFile(conf, []byte(here.Replace(p.Version.inForm(form.conf))+rest), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := run(context.Background(), command{path: p.Path, args: []string{"--config=" + conf, "--check"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Version.ReadConfig(t.Context(), conf, "")
		there := false
		if err == nil {
			_, missing := os.Stat(got.Database)
			there = missing == nil
		}
		if strings.Contains(form.conf, "stdin") || strings.Contains(form.conf, "é") && !p.Version.since(17) {
			continue // AIDE goes on, with a database that is none: 0.16 takes the path up to the é
		}
		if opened := o.Exit >= 0 && o.Exit <= 7; opened != there {
			t.Errorf("%s, %s: AIDE ended with status %d (%s), read was %q, %v", p.Version, form.conf, o.Exit, o.Complaint(), got.Database, err)
		}
	}
}

// TestNewDatabasePath: a database_out that is no file is none.
func TestNewDatabasePath(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"database_out=file:/n # c\n": "/n",
		"database_out=stdout\n":      "",
		"database_out=\"file:/n\"\n": "",
		"database_out=file:/n\ndatabase_out=file:/m\n": "/n",
	} {
		conf := filepath.Join(t.TempDir(), "conf")
		if err := os.WriteFile(conf, []byte("database_in=file:/a\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadConfig(t.Context(), conf, "")
		assert.NoError(t, err, text)
		assert.Equal(t, want, got.NewDatabase, text)
	}
}

func FuzzDatabasePath(f *testing.F) {
	for _, form := range forms {
		_, value, _ := strings.Cut(form.conf, "=")
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, v := range []Version{{}, {Minor: 16}, {Minor: 18}} {
			r := configReader{version: v, host: "host", defined: map[string]string{"D": "/d"}}
			path, err := r.databasePath("database_in", value)
			if err == nil && !filepath.IsAbs(path) {
				t.Errorf("%s: %q is %q", v, value, path)
			}
			if err != nil && path != "" {
				t.Errorf("%s: %q is %q, %v", v, value, path, err)
			}
		}
	})
}
