package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// TestHold: what is expected of held hosts wakes nobody. It is measured all the same, and
// hides neither other hosts nor what is suspect.
func TestHold(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.run(0, "init", "--tag", "role=cache")
	f.sweep(4, "sweep", "--tag", "env=prod") // api-1 has no agent
	for _, name := range []string{"web-1", "web-2"} {
		f.on(name, "echo 2.0 >/srv/app/VERSION")
	}
	f.sweep(4, "sweep", "--tag", "env=prod")

	said, _ := f.run(0, "hold", "--tag", "role=web,api", "--for", "2h", "--why", "deploy 1.2")
	id, rest, _ := strings.Cut(said, " ")
	assert.Contains(t, rest, "holds 4 hosts of role=web,api until ")
	hosts := f.sweep(0, "sweep", "--tag", "env=prod")
	require.NotNil(t, hosts["web-1"].Held)
	assert.Equal(t, "deploy 1.2", hosts["web-1"].Held.Why)
	assert.Equal(t, "arn:aws:iam::123456789012:user/lab", hosts["web-1"].Held.Who)
	assert.Equal(t, report.Drift, hosts["web-1"].Status)
	assert.NotNil(t, hosts["api-1"].Held)
	assert.Nil(t, hosts["db-1"].Held)
	got := f.maximum("web-1", "changed")
	assert.Equal(t, 1.0, got[len(got)-1], "it is published")
	table, _ := f.run(0, "sweep", "--tag", "env=prod", "--output", "table")
	assert.Contains(t, table, "by user/lab: deploy 1.2")

	f.on("db-1", "echo x >>/etc/passwd")
	drift := f.sweep(3, "sweep", "--tag", "env=prod")["db-1"]
	f.run(0, "accept", "--fingerprint", drift.Fingerprint, "--tag", "role=db")
	f.sweep(0, "sweep", "--tag", "env=prod")
	f.on("web-1", rewriteByAIDE)
	assert.Equal(t, []report.Suspicion{report.UnexpectedBaseline}, kinds(f.sweep(3, "sweep", "--tag", "env=prod")["web-1"]), "held, and suspect")
	f.run(0, "trust", "--tag", "role=web", "--why", "seen")

	list, _ := f.run(0, "hold", "list", "--output", "json")
	var holds []ledger.Hold
	require.NoError(t, json.Unmarshal([]byte(list), &holds), list)
	require.Len(t, holds, 1)
	assert.Equal(t, map[string][]string{"role": {"web", "api"}}, holds[0].Tags)
	f.run(0, "hold", "end", id, "--why", "it is done")
	_, said = f.run(2, "hold", "end", id)
	assert.Contains(t, said, "hold "+id+" is over, since ")
	list, _ = f.run(0, "hold", "list")
	assert.Empty(t, list)
	list, _ = f.run(0, "hold", "list", "--all")
	assert.Contains(t, list, id+"\tover\t")
	f.sweep(4, "sweep", "--tag", "env=prod")

	_, said = f.run(2, "hold", "--tag", "role=web", "--for", "25h", "--why", "x")
	assert.Contains(t, said, "--for 25h0m0s is longer than 24h0m0s: add --yes")
	_, said = f.run(2, "hold", "--tag", "role=web", "--for", "1h")
	assert.Contains(t, said, "--why is missing")
	_, said = f.run(2, "hold", "--tag", "role=web", "--why", "x")
	assert.Contains(t, said, "--for 0s: want a time")
	_, said = f.run(2, "hold", "end", "nothing")
	assert.Contains(t, said, `no hold "nothing" in `)
	f.run(5, "hold", "--tag", "role=none", "--for", "1h", "--why", "x")
}
