package aide

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// truth is what is known of a run, from what was done to its files.
type truth struct {
	Status  string
	Added   *int
	Removed *int
	Changed *int
	Total   *int

	AddedFiles   []string `json:"added_files"`
	RemovedFiles []string `json:"removed_files"`
	ChangedFiles []string `json:"changed_files"`
}

// TestCorpus reads real runs of AIDE in five versions.
func TestCorpus(t *testing.T) {
	runs, err := filepath.Glob("testdata/corpus/*/*/expect.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(runs), 80, "runs in testdata/corpus")
	for _, run := range runs {
		dir := filepath.Dir(run)
		version, name := filepath.Base(filepath.Dir(dir)), filepath.Base(dir)
		t.Run(version+"/"+name, func(t *testing.T) { testRun(t, dir, version, name) })
	}
}

func testRun(t *testing.T, dir, version, name string) {
	var want truth
	if err := json.Unmarshal(read(t, dir, "expect.json"), &want); err != nil {
		t.Fatal(err)
	}
	exit, err := strconv.Atoi(strings.TrimSpace(string(read(t, dir, "exit"))))
	if err != nil {
		t.Fatal(err)
	}
	report := read(t, dir, "stdout")
	isJSON := len(report) > 0 && report[0] == '{'
	var got []Change
	collect := func(c Change) error {
		c.Name = bytes.Clone(c.Name)
		got = append(got, c)
		return nil
	}

	if isJSON {
		h, err := ReadJSON(strings.NewReader(string(report)), collect)
		assert.Equal(t, version, h.Version, "head %+v", h)
		assert.False(t, h.Started.IsZero(), "head %+v", h)
		assert.True(t, h.Counted, "head %+v", h)
		assert.Equal(t, *want.Added, h.Added)
		assert.Equal(t, *want.Removed, h.Removed)
		assert.Equal(t, *want.Changed, h.Changed)
		if version == "0.18.6" && name == "check-json-odd" {
			if !errors.Is(err, ErrInvalidJSON) {
				t.Fatalf("ReadJSON: %v, want ErrInvalidJSON", err)
			}
			return
		}
		if err != nil {
			t.Fatal("ReadJSON:", err)
		}
		sameNames(t, got, want, true)
		return
	}
	summary, err := ReadSummary(strings.NewReader(string(report)))
	if name == "check-database-garbage" {
		require.NoError(t, err)
		require.Equal(t, summary.Total, summary.Added, "%+v: AIDE's report on a garbage baseline was believed to name every entry as added", summary)
		return // the report is false: the database is to be looked at
	}
	if want.Status != "clean" && want.Status != "differences" || len(report) == 0 {
		if err == nil {
			t.Fatalf("ReadSummary: %+v of a run that was none", summary)
		}
		return
	}
	if want.Added == nil {
		if !errors.Is(err, ErrNoSummary) {
			t.Fatalf("ReadSummary: %v, want ErrNoSummary", err)
		}
		return
	}
	if err != nil {
		t.Fatal("ReadSummary:", err)
	}
	assert.Equal(t, *want.Added, summary.Added, "counts %+v", summary)
	assert.Equal(t, *want.Removed, summary.Removed)
	assert.Equal(t, *want.Changed, summary.Changed)
	if want.Total != nil && summary.Total != *want.Total {
		t.Errorf("total %d, want %d", summary.Total, *want.Total)
	}
	if summary.Status() != exit {
		t.Errorf("Status() = %d, AIDE ended with %d", summary.Status(), exit)
	}
	if name == "check-level-summary" {
		return // it has no lists
	}
	if err := ReadPlain(strings.NewReader(string(report)), collect); err != nil {
		t.Fatal("ReadPlain:", err)
	}
	sameNames(t, got, want, false)
}

// sameNames holds the names of a report against the true ones, as any of their
// spellings.
func sameNames(t *testing.T, got []Change, want truth, isJSON bool) {
	t.Helper()
	for kind, names := range map[Kind][]string{Added: want.AddedFiles, Removed: want.RemovedFiles, Changed: want.ChangedFiles} {
		listed := 0
		for _, c := range got {
			if c.Kind == kind {
				listed++
			}
		}
		if count := map[Kind]*int{Added: want.Added, Removed: want.Removed, Changed: want.Changed}[kind]; listed != *count {
			t.Errorf("%c: %d entries are listed, want %d", kind, listed, *count)
		}
		for _, name := range names {
			known := spellings([]byte(name), isJSON)
			if !slices.ContainsFunc(got, func(c Change) bool { return c.Kind == kind && slices.Contains(known, string(c.Name)) }) {
				t.Errorf("%c%q is not in the report as any of %q", kind, name, known)
			}
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func spellings(name []byte, isJSON bool) []string {
	if isJSON {
		return []string{string(name)}
	}
	var all []string
	for _, s := range Spellings {
		all = append(all, string(s.Spell(name)))
	}
	return all
}
