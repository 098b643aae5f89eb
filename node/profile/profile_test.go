package profile

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files")

// TestRules holds each profile of testdata against the rules beside it.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/*.profile")
	require.NoError(t, err, "no profiles in testdata")
	require.NotEmpty(t, files, "no profiles in testdata")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse(strings.NewReader(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".profile") + ".rules"
			if *update {
				if err := os.WriteFile(golden, []byte(p.Rules()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Rules(); got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			again, err := Split(map[Kind]string{Watch: p.List(Watch), Exclude: p.List(Exclude), Permissions: p.List(Permissions)})
			assert.NoError(t, err, "as lists it is another")
			assert.Equal(t, p.Rules(), again.Rules(), "as lists it is another")
			assert.Equal(t, p.Len(), again.Len(), "as lists it is another")
		})
	}
	if got := (Profile{}).Rules(); got != "" {
		t.Errorf("no profile has the rules %q", got)
	}
}

func TestParse(t *testing.T) {
	long := "/" + strings.Repeat("a", maxPath)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "names no path"},
		{"only comments", "# nothing\n\n  # here\n", "names no path"},
		{"a word", "watch\n", `line 1: "watch": want watch, exclude or permissions, and one path`},
		{"a kind", "\n\nwatches /srv\n", `line 3: "watches /srv": want`},
		{"two paths", "watch /srv /opt\n", `line 1: "watch /srv /opt": want`},
		{"relative", "watch srv\n", `line 1: "srv": want an absolute path`},
		{"not clean", "watch /srv//app\n", "want it as /srv/app"},
		{"a slash at the end", "watch /srv/\n", "want it as /srv"},
		{"up", "watch /srv/../etc\n", "want it as /etc"},
		{"the root", "exclude /\n", "the first folder by its name"},
		{"all folders", "exclude /*\n", "the first folder by its name"},
		{"a macro", "watch /srv/@@{HOST}\n", "want a path of letters"},
		{"two at signs", "watch /srv/a@@b\n", "@@ means something else"},
		{"a quote", "watch /srv/a'b\n", "want a path of letters"},
		{"a regular expression", "watch /srv/(a|b)\n", "want a path of letters"},
		{"a backslash", `watch /srv/a\b` + "\n", "want a path of letters"},
		{"a colon", "watch /srv:/opt\n", "want a path of letters"},
		{"a control character", "watch /srv/\x1b[31m\n", `\x1b`},
		{"not UTF-8", "watch /srv/\xff\n", "want a path of letters"},
		{"not ASCII", "watch /srv/ü\n", "a * stands for what cannot be written"},
		{"long", "watch " + long + "\n", "256 bytes, at most 255"},
		{"twice", "watch /srv\n\nwatch /srv\n", "line 3: /srv is there twice: line 1 has it too"},
		{"in two kinds", "watch /srv\npermissions /srv\n", "line 2: /srv is there twice: line 1"},
		{"excluded above", "watch /srv/app/bin\nexclude /srv/app\n", "line 1: AIDE would not look at /srv/app/bin, since line 2 excludes /srv/app"},
		{"excluded by a pattern", "exclude /home/*/.cache\npermissions /home/bob/.cache/x\n", "line 2: AIDE would not look at"},
		{"excluded as a pattern", "exclude /home/*\npermissions /home/*/.bash_history\n", "line 2: AIDE would not look at"},
		{"large", strings.Repeat("# a comment that is rather long\n", MaxBytes/32+1), "at most 16384 bytes"},
		{"one large line", "# " + strings.Repeat("x", 2*MaxBytes), "too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(strings.NewReader(c.text))
			assert.ErrorContains(t, err, c.want, "%+v", p)
			if c.want == "names no path" && !errors.Is(err, ErrEmpty) {
				t.Errorf("%v is not %v", err, ErrEmpty)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	p, err := Split(map[Kind]string{Watch: "/srv/app:/etc/getty@.d", Permissions: "/var/log"})
	require.NoError(t, err)
	assert.Equal(t, 3, p.Len(), "%+v", p)
	assert.Equal(t, []string{"/srv/app", "/etc/getty@.d"}, p.paths[Watch])
	assert.Equal(t, "/var/log", p.List(Permissions))
	assert.Empty(t, p.List(Exclude))
	for _, c := range []struct {
		lists map[Kind]string
		want  string
	}{
		{map[Kind]string{}, "names no path"},
		{map[Kind]string{Watch: "/srv:"}, `watch: "": want an absolute path`},
		{map[Kind]string{Exclude: "/srv/a b"}, `exclude: "/srv/a b": want a path`},
		{map[Kind]string{Watch: "/srv/a", Exclude: "/srv"}, "watch: AIDE would not look at /srv/a, since exclude excludes /srv"},
		{map[Kind]string{Watch: strings.Repeat("/x", MaxBytes)}, "at most 16384 are taken"},
	} {
		p, err := Split(c.lists)
		assert.ErrorContains(t, err, c.want, "%.80q: %+v", c.lists, p)
	}
}

// TestExpression: a rule holds for what the path stands for, and nothing else.
func TestExpression(t *testing.T) {
	for _, c := range []struct {
		path    string
		in, out []string
	}{
		{"/srv/app", []string{"/srv/app", "/srv/app/a/b"}, []string{"/srv/app2", "/srv", "/srv/ap", "/x/srv/app"}},
		{"/etc/a.b", []string{"/etc/a.b"}, []string{"/etc/axb", "/etc/a.bc"}},
		{"/opt/c++", []string{"/opt/c++/x"}, []string{"/opt/c", "/opt/ccc"}},
		{"/home/*/.hist", []string{"/home/bob/.hist"}, []string{"/home/.hist", "/home/a/b/.hist", "/home/bob/xhist"}},
		{"/etc/*~", []string{"/etc/passwd~"}, []string{"/etc/passwd", "/etc/d/passwd~"}},
	} {
		rule := regexp.MustCompile("^" + expression(c.path)) // AIDE anchors its rules
		for _, p := range c.in {
			if !rule.MatchString(p) {
				t.Errorf("%s does not stand for %s", c.path, p)
			}
		}
		for _, p := range c.out {
			if rule.MatchString(p) {
				t.Errorf("%s stands for %s", c.path, p)
			}
		}
	}
}

// FuzzParse: what is taken can be written as lists and as rules, and in rules
// nothing stands that was not meant.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.profile")
	require.NoError(f, err, "no profiles in testdata")
	require.NotEmpty(f, files, "no profiles in testdata")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	line := regexp.MustCompile(`^!?/[A-Za-z0-9._+@~/\\\[\]^*-]+\(/\|\$\)( d p\+ftype\+u\+g\+X| p\+ftype\+u\+g\+X| p\+ftype\+l\+u\+g\+s\+X\+sha256)?$`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := Split(map[Kind]string{Watch: p.List(Watch), Exclude: p.List(Exclude), Permissions: p.List(Permissions)})
		assert.NoError(t, err, "as lists it is another")
		assert.Equal(t, p.Rules(), again.Rules(), "as lists it is another")
		rules := strings.Split(strings.TrimSuffix(p.Rules(), "\n"), "\n")
		if want := 1 + p.Len() + len(p.paths[Watch]); len(rules) != want {
			t.Errorf("%d lines of rules, want %d", len(rules), want)
		}
		for _, rule := range rules[1:] {
			if !line.MatchString(rule) {
				t.Errorf("rule %q", rule)
			}
			if _, err := regexp.Compile(strings.TrimPrefix(strings.Fields(rule)[0], "!")); err != nil {
				t.Errorf("rule %q: %v", rule, err)
			}
		}
	})
}

// FuzzSplit takes what an operator types into the SSM console.
func FuzzSplit(f *testing.F) {
	f.Add("/srv/app:/opt", "/srv/app/cache", "/var/log:/home/*/.bash_history")
	f.Add("", "/etc/*~", "")
	f.Fuzz(func(t *testing.T, watch, exclude, permissions string) {
		lists := map[Kind]string{Watch: watch, Exclude: exclude, Permissions: permissions}
		p, err := Split(lists)
		for k, list := range lists {
			if err == nil && p.List(k) != list {
				t.Errorf("%s: %q became %q", k, list, p.List(k))
			}
		}
	})
}
