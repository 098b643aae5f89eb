package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSimulateFlags(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct{ args, want string }{
		{"--simulate 0", "0 simulated hosts"},
		{"--simulate 10 --drift 1.5", "--drift 1.5: want a share from 0 to 1"},
		{"--simulate 10 --error-rate -1", "--error-rate -1: want a share from 0 to 1"},
		{"--simulate 10 --error-rate NaN", "want a share from 0 to 1"},
		{"--simulate 10 --drift 0.6 --fail 0.6", "add up to 1.2"},
		{"--simulate 10 --speed 0", "speed 0"},
		{"--simulate 10 --groups -1", "-1 groups"},
		{"--simulate 10 --fault ListCommands", "--fault \"ListCommands\": want OPERATION[:FROM[-TO]]=KIND"},
		{"--simulate 10 --hide-results -1s", "want none below 0"},
		{"--fault ListCommands=error", "--fault goes with --simulate only"},
		{"--simulate 10 --latency -1s", "want none below 0"},
		{"--simulate 10 --node bin/aide-node", "--node: simulated hosts have none"},
		{"--simulate 10 extra", `unexpected "extra"`},
		{"--drift 0.1", "--drift goes with --simulate only"},
		{"--seed 3", "--seed goes with --simulate only"},
	} {
		args := append([]string{"up", "--dir", dir}, strings.Fields(tc.args)...)
		code, stdout, stderr := run(t, args...)
		assert.Equal(t, exitUsage, code, "%s: exit %d, %q", tc.args, code, stderr)
		assert.Contains(t, stderr, tc.want, tc.args)
		assert.Empty(t, stdout, tc.args)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), tc.args)
	}
}
