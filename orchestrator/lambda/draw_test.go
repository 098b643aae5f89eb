package lambda

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// TestDraw: a dashboard gets the findings of its fleet as HTML, and documentation if it asks
// for that.
func TestDraw(t *testing.T) {
	l, err := ledger.Open(t.TempDir(), "", ledger.S3API{})
	require.NoError(t, err)
	at := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	f := &function{ledger: l, now: func() time.Time { return at.Add(time.Hour) }}
	draw := func(event string) any {
		t.Helper()
		e, err := parse([]byte(event), f.now())
		require.NoError(t, err)
		out, err := f.draw(t.Context(), *e.widget)
		require.NoError(t, err)
		return out
	}
	assert.Contains(t, draw(`{"widgetContext":{},"fleet":"env=prod"}`), "No sweep of it is in the ledger.")

	run := ledger.Run{Account: "123456789012", Region: "eu-central-1", ID: "x", Started: at}
	r := report.Report{V: 1, Fleet: "env=prod", Target: "env=prod", Started: at, Finished: at}
	r.SetHosts([]report.Host{{
		Instance: "i-01", Name: "db-3<script>", Region: "eu-central-1", Account: "123456789012", Status: report.Drift, Counts: &result.Counts{Added: 1},
		Suspect: []report.Finding{{Kind: report.LoneChange, Message: "new changes", Since: at}},
	}})
	require.NoError(t, l.WriteHosts(t.Context(), "env=prod", run, func(put func(ledger.HostRow) error) error {
		return put(ledger.HostRow{Instance: "i-01", Status: "drift", Days: "cd"})
	}))
	_, err = l.WriteSweep(t.Context(), "env=prod", run, func(w io.Writer) error { return report.WriteJSON(w, r) })
	require.NoError(t, err)
	html := draw(`{"widgetContext":{"theme":"dark"},"fleet":"env=prod"}`)
	assert.Contains(t, html, "lone_change")
	assert.Contains(t, html, "db-3&lt;script&gt;")
	assert.NotContains(t, html, "<script")
	assert.Contains(t, html, "2026-11-27 05:00 UTC")
	assert.Equal(t, map[string]string{"markdown": documentation}, draw(`{"describe":true}`))

	_, err = parse([]byte(`{"widgetContext":{}}`), f.now())
	assert.ErrorContains(t, err, "cannot be a CloudWatch dimension")
}
