package evidence

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// TestDrawFits: a table for people has the width of the screen, whatever is in it.
func TestDrawFits(t *testing.T) {
	long := Table{Name: "Actions", Header: []string{"when", "action", "target", "hosts", "who", "why", "fingerprint", "findings"}, Rows: [][]string{
		{"2026-11-23T09:00:00Z", "accept", strings.Repeat("env=prod ", 20), "40", "arn:aws:sts::123456789012:assumed-role/aidefleet-operator/anna", strings.Repeat("x", 300), strings.Repeat("0a", 16), ""},
		{"2026-11-24T09:00:00Z", "accept", "日本語日本語日本語", "1", "bob\x1b[31m", "", "", ""},
	}}
	for _, width := range []int{80, 120, 200} {
		var b bytes.Buffer
		require.NoError(t, long.draw(&b, width))
		for line := range strings.Lines(b.String()) {
			assert.LessOrEqual(t, report.Width(strings.TrimRight(line, "\n")), width, line)
		}
		assert.Contains(t, b.String(), "2026-11-23 09:00")
		assert.NotContains(t, b.String(), "FINDINGS")
		assert.NotContains(t, b.String(), "\x1b")
	}
	var b bytes.Buffer
	require.NoError(t, long.draw(&b, 0))
	assert.Contains(t, b.String(), strings.Repeat("x", 300))
}
