package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	targeted "aidefleet/orchestrator/fleet"
)

// TestNamesOfHosts: a host is targeted by the Name that it alone has, as by its id.
func TestNamesOfHosts(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	got := f.sweep(0, "sweep", "--instance", "web-1", "--instance", instances["web-2"])
	assert.Len(t, got, 2)
	assert.Equal(t, instances["web-1"], got["web-1"].Instance)
	_, said := f.run(5, "sweep", "--instance", "nobody")
	assert.Contains(t, said, "nobody")
	out, _ := f.run(0, "targets", "--instance", "web-1", "--output", "json")
	assert.Contains(t, out, instances["web-1"])
	f.run(0, "hold", "--instance", "web-1", "--for", "1h", "--why", "test")
	out, _ = f.run(0, "hold", "list")
	assert.Contains(t, out, instances["web-1"])
}

// TestDryRunFormats: a dry run as JSON is what sweep --targets takes; a format that a
// command does not have is refused as a flag, and ignored as a variable.
func TestDryRunFormats(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	for _, args := range [][]string{
		{"sweep", "--tag", "role=web"}, {"init", "--tag", "role=web"}, {"accept", "--undo", "--tag", "role=web"},
	} {
		out, _ := f.run(0, append(args, "--dry-run", "--output", "json")...)
		var targets []targeted.Target
		require.NoError(t, json.Unmarshal([]byte(out), &targets), out)
		assert.Len(t, targets, 3, args)
	}
	_, said := f.run(2, "targets", "--tag", "role=web", "--output", "csv")
	assert.Contains(t, said, `--output "csv": want table or json`)
	withVariables := func(args ...string) (string, string) {
		t.Helper()
		cmd, out, said := f.command(args...)
		cmd.Env = append(cmd.Env, "ORCHESTRATOR_OUTPUT=csv", "ORCHESTRATOR_DRY_RUN=true")
		require.NoError(t, cmd.Run(), said.String())
		return out.String(), said.String()
	}
	out, said := withVariables("targets", "--tag", "role=web")
	assert.Contains(t, said, "ORCHESTRATOR_OUTPUT=csv is no format of orchestrator targets, which has table or json")
	assert.Contains(t, out, instances["web-1"])
	out, _ = withVariables("sweep", "--tag", "role=web")
	assert.Contains(t, out, "would run AideFleet-Check")
}
