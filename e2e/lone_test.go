package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// TestLoneChange: 12 hosts get a patch, each with a machine id of its own, three of them a
// deploy, and one a line in /etc/passwd. That one is suspect, and no other.
func TestLoneChange(t *testing.T) {
	t.Parallel()
	folder, layouts := aides(t)
	if !slices.Contains(layouts, "debian") {
		t.Skip("there is no AIDE for the layout debian: run .ci/aides")
	}
	const n = 12
	options := []string{"--aides", folder}
	for range n {
		options = append(options, "--layout", "debian")
	}
	f := labUp(t, options...)
	found := f.sweep(0, "sweep", "--tag", "env=prod")
	require.Len(t, found, n)
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		happen := []string{"echo 2 >/etc/patched; echo " + name + " >/etc/machine-id"}
		if i < 3 {
			happen = append(happen, "mkdir -p /srv/app; echo 2.0 >/srv/app/VERSION")
		}
		if i == 7 {
			happen = append(happen, "echo x:x:0:0::/:/bin/sh >>/etc/passwd")
		}
		f.on(name, strings.Join(happen, "; "))
	}
	for name, h := range f.sweep(3, "sweep", "--tag", "env=prod") {
		if name != names[7] {
			assert.Empty(t, kinds(h), name)
			continue
		}
		require.Equal(t, []report.Suspicion{report.LoneChange}, kinds(h))
		assert.Contains(t, h.Suspect[0].Message, "none of the other 11 hosts has: /etc (")
		assert.Contains(t, h.Suspect[0].Message, "~/etc/passwd")
	}
}
