package aide

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seed gives a fuzz target the real reports of the corpus.
func seed(f *testing.F, pattern string) {
	reports, err := filepath.Glob(pattern)
	require.NoError(f, err, "no seed at %s", pattern)
	require.NotEmpty(f, reports, "no seed at %s", pattern)
	for _, report := range reports {
		text, err := os.ReadFile(report)
		if err != nil {
			f.Fatal(err)
		}
		if len(text) < 16<<10 {
			f.Add(string(text))
		}
	}
}

func FuzzReadSummary(f *testing.F) {
	seed(f, "testdata/corpus/*/*/stdout")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ReadSummary(strings.NewReader(text))
		if err == nil && (s.Status() > 0) != s.Differences {
			t.Errorf("%+v contradicts itself", s)
		}
	})
}

func FuzzReadPlain(f *testing.F) {
	seed(f, "testdata/corpus/*/check-[acor]*/stdout")
	f.Fuzz(func(t *testing.T, text string) {
		err := ReadPlain(strings.NewReader(text), func(c Change) error {
			assert.True(t, bytes.HasPrefix(c.Name, []byte("/")), "%c%q is no change of a path", c.Kind, c.Name)
			assert.NotEqual(t, Kind(0), c.Kind, "%q", c.Name)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func FuzzReadMultiline(f *testing.F) {
	seed(f, "testdata/corpus/*/check-[acor]*/stdout")
	seed(f, "testdata/corpus/*/check-json-odd/stdout")
	f.Fuzz(func(t *testing.T, text string) {
		for _, json := range []bool{false, true} {
			odd := make(MultilineNames)
			odd.Add([]byte("/srv/aide-corpus/app/new\nline.txt"), json)
			odd.Add([]byte(text), json)
			if err := ReadMultiline(strings.NewReader(text), json, odd, func(Change) error { return nil }); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzReadJSON(f *testing.F) {
	seed(f, "testdata/corpus/*/check-json-*/stdout")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := ReadJSON(strings.NewReader(text), func(Change) error { return nil })
		if err != nil && !errors.Is(err, ErrInvalidJSON) {
			t.Error(err)
		}
	})
}

func FuzzReadDatabase(f *testing.F) {
	f.Add(database)
	f.Add(zipped(database))
	seed(f, "testdata/databases/*/*db*")
	f.Fuzz(func(t *testing.T, text string) {
		seen := 0
		d, err := ReadDatabase(strings.NewReader(text), func(e Entry) error {
			seen++
			_ = e.Name()
			return nil
		})
		if err == nil && (d.Entries == 0 || d.Entries != seen) {
			t.Errorf("%d entries, %d seen", d.Entries, seen)
		}
		if err != nil && !errors.Is(err, ErrDatabase) && !strings.Contains(err.Error(), "more than") {
			t.Error(err)
		}
	})
}

func FuzzReadConfig(f *testing.F) {
	seed(f, "testdata/corpus/*/check-all/aide.conf")
	f.Add("@@define A /x\n@@ifdef A\ndatabase_in=file:@@{A}/@@{HOSTNAME}\n@@else\n@@include /nowhere ^[a-z]+$ x\n@@endif\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "include") {
			t.Skip("an include could read any file of this machine")
		}
		path := filepath.Join(dir, "conf")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConfig(t.Context(), path, "")
		if err == nil && !filepath.IsAbs(c.Database) {
			t.Errorf("database %q is not absolute", c.Database)
		}
	})
}
