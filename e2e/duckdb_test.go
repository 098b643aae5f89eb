package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// duckdb is a Python with DuckDB, which make test puts into .tools.
func duckdb(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("../.tools/duckdb-*/installed")
	require.NoError(t, err)
	if len(found) == 0 {
		t.Skip("DuckDB is not in .tools: make test puts it there, with a Python from 3.10 on")
	}
	python, err := filepath.Abs(filepath.Join(filepath.Dir(slices.Max(found)), "bin/python"))
	require.NoError(t, err)
	return python
}

// TestDuckDB runs the queries of docs/ledger.md over what the demo leaves behind.
func TestDuckDB(t *testing.T) {
	python := duckdb(t)
	t.Parallel()
	needHosts(t)
	dir := t.TempDir()
	out, err := program(nil, "lab", "demo", "--ledger", filepath.Join(dir, "ledger")).CombinedOutput()
	require.NoError(t, err, string(out))

	page, err := os.ReadFile("../docs/ledger.md")
	require.NoError(t, err)
	_, page2, found := strings.Cut(string(page), "\n## Ask it with DuckDB\n")
	require.True(t, found)
	page2, _, _ = strings.Cut(page2, "\n## ")
	queries := regexp.MustCompile(`(?m)(?:^    .+\n)+`).FindAllString(page2, -1)
	require.Len(t, queries, 6)
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-c", `
import duckdb, sys
con = duckdb.connect()
for query in sys.argv[1:]:
    rows = con.execute(query).fetchall()
    print(len(rows), rows)
`}, queries...)...)
	cmd.Dir = dir
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Len(t, lines, 6, string(out))
	assert.Regexp(t, `^2 \[\('env=prod', .*, 6, 4\), \('role=web', .*, 3, 3\)\]$`, lines[1])
	assert.Regexp(t, `^2 .*'(api|cache)-1', None.*'(api|cache)-1', None`, lines[2])
	assert.Regexp(t, `^4 .*, 19\).*, 7\)`, lines[3])
	assert.Regexp(t, `^1 .*'web-3', 'baseline_unexpected'\)`, lines[4])
	assert.Regexp(t, `^0 `, lines[5])
}
