package check

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"aidefleet/node/aide"
	"aidefleet/node/state"
)

// TestSpellingOfAReport reads lines of a report that more than one name can be written
// as, with databases made for it.
func TestSpellingOfAReport(t *testing.T) {
	const (
		begin   = "@@begin_db\n@@db_spec name perm size\n"
		newline = "/a%0Ab" // as databases write names
		literal = `/a\012b`
		line    = `/a\012b` // as the report writes one of them
	)
	db := func(entries ...string) string {
		text := begin
		for _, e := range entries {
			text += e + "\n"
		}
		return text + "/other 100644 1\n@@end_db\n"
	}
	for name, c := range map[string]struct {
		old, now string
		summary  aide.Summary
		listed   []aide.Change
		want     string // the one path
		err      error
	}{
		"only the newline has changed": {
			db(newline+" 100644 1", literal+" 100644 1"), db(newline+" 100644 2", literal+" 100644 1"),
			aide.Summary{Changed: 1, Total: 3}, []aide.Change{{Kind: aide.Changed, Name: []byte(line)}}, "~/a\nb", nil,
		},
		"only the digits have changed": {
			db(newline+" 100644 1", literal+" 100644 1"), db(newline+" 100644 1", literal+" 100644 2"),
			aide.Summary{Changed: 1, Total: 3}, []aide.Change{{Kind: aide.Changed, Name: []byte(line)}}, `~/a\012b`, nil,
		},
		"both have changed, and one is listed": { // as where a file may grow
			db(newline+" 100644 1", literal+" 100644 1"), db(newline+" 100644 2", literal+" 100644 2"),
			aide.Summary{Changed: 1, Total: 3}, []aide.Change{{Kind: aide.Changed, Name: []byte(line)}}, "", errSpelling,
		},
		"none has changed": {
			db(newline+" 100644 1", literal+" 100644 1"), db(newline+" 100644 1", literal+" 100644 1"),
			aide.Summary{Changed: 1, Total: 3}, []aide.Change{{Kind: aide.Changed, Name: []byte(line)}}, "", errSpelling,
		},
		"nobody has the name": {
			db(), db(), aide.Summary{Changed: 1, Total: 1}, []aide.Change{{Kind: aide.Changed, Name: []byte(line)}}, "", errSpelling,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := state.Open(filepath.Join(t.TempDir(), "state"))
			if err != nil {
				t.Fatal(err)
			}
			r := &runner{asked: true, state: s, aide: aide.Program{Version: aide.Version{Minor: 17, Patch: 4}}, config: aide.Config{Database: filepath.Join(t.TempDir(), "old.db")}}
			for path, text := range map[string]string{r.config.Database: c.old, r.job().NewDatabase(): c.now} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := r.readChangeSet(t.Context(), c.summary, false, func(visit func(aide.Change) error) error {
				for _, l := range c.listed {
					if err := visit(l); err != nil {
						return err
					}
				}
				return nil
			})
			require.ErrorIs(t, err, c.err)
			if c.want != "" && !slices.Equal(got.paths, []string{c.want}) {
				t.Errorf("paths %q, want %q", got.paths, c.want)
			}
			if c.want == "" && got.fingerprint != "" {
				t.Errorf("a fingerprint %s of what is not known", got.fingerprint)
			}
		})
	}
}
