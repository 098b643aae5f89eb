package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/ledger"
)

// TestHistory: what was done in the lab is what the ledger tells of it later.
func TestHistory(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.check(0, "web-1")
	f.on("web-1", "echo 2.0 >/srv/app/VERSION")
	drift := f.sweep(3, "sweep", "--tag", "role=web")["web-1"]
	assert.Equal(t, 1, drift.New)
	assert.NotEmpty(t, drift.Since)
	f.on("web-1", "sleep 1; echo 1 >/srv/app/other")
	more := f.sweep(3, "sweep", "--tag", "role=web")["web-1"]
	assert.Equal(t, 2, more.Sum(), "%+v", more)
	assert.Equal(t, 1, more.New, "%+v", more)
	assert.Equal(t, drift.Report, more.Since)
	time.Sleep(time.Second) // sweeps of one second have no order
	f.run(0, "accept", "--fingerprint", more.Fingerprint, "--tag", "role=web", "--why", "release 2.0")
	f.run(0, "sweep", "--tag", "role=web")

	out, _ := f.run(0, "history", "web-1", "--since", "1d", "--output", "json")
	var life evidence.Life
	require.NoError(t, json.Unmarshal([]byte(out), &life), out)
	require.Len(t, life.Checks, 4)
	assert.Equal(t, "drift", life.Checks[1].Status)
	assert.Equal(t, 1, life.Checks[1].New)
	last := life.Actions[len(life.Actions)-1]
	assert.Equal(t, ledger.Accept, last.Kind)
	assert.Equal(t, "arn:aws:iam::123456789012:user/lab", last.Who)
	assert.Equal(t, "release 2.0", last.Why)
	assert.Equal(t, more.Fingerprint, last.Fingerprint)
	assert.Equal(t, more.NextBaseline, life.Pin.Baseline)

	out, _ = f.run(0, "history", "--fleet", "role=web", "--output", "json")
	var fleet struct{ Sweeps []evidence.Sweep }
	require.NoError(t, json.Unmarshal([]byte(out), &fleet), out)
	require.Len(t, fleet.Sweeps, 3)
	assert.Equal(t, 1, fleet.Sweeps[0].New)

	page := filepath.Join(t.TempDir(), "evidence.html")
	out, _ = f.run(0, "evidence", "--since", "1d", "--html", page, "--output", "json")
	var e evidence.Evidence
	require.NoError(t, json.Unmarshal([]byte(out), &e), out)
	require.Len(t, e.Fleets, 1, "a single host is no fleet")
	require.Len(t, e.Fleets[0].Drifts, 1)
	assert.Equal(t, evidence.Accepted, e.Fleets[0].Drifts[0].End)
	assert.Equal(t, "release 2.0", e.Fleets[0].Drifts[0].Why)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(text), "release 2.0")
	f.run(3, "evidence", "--fleet", "env=none")

	_, said := f.run(2, "history", "--since", "yesterday")
	assert.Contains(t, said, `--since "yesterday": want a time such as 12h, 90d or 13w`)
	_, said = f.run(1, "history", "nobody")
	assert.Contains(t, said, `no sweep has a host "nobody" from `)
	_, said = f.run(2, "ledger", "ddl")
	assert.Contains(t, said, "Athena reads S3")
	out, _ = f.run(0, "ledger", "where")
	assert.Equal(t, filepath.Join(f.dir, "ledger")+"\n", out)
}
