package e2e

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// TestPinnedNode: the script comes from outside each time, and runs no other program than
// the one that is pinned.
func TestPinnedNode(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	node := f.says("web-1", "sha256sum /usr/bin/aide-node | cut -d ' ' -f 1")
	zeros := strings.Repeat("0", 64)

	first, rest := f.document("web-1", "AideFleet-Check", "nodeSha256="+node)
	assert.Contains(t, first, `"status":"clean"`, rest)
	first, _ = f.document("web-1", "AideFleet-Check", `{"nodeSha256":["`+zeros+","+node+`"]}`)
	assert.Contains(t, first, `"status":"clean"`, "two pins")
	first, _ = f.document("web-1", "AideFleet-Check", "nodeSha256="+zeros)
	assert.Contains(t, first, `"reason":"program_unexpected","message":"/usr/bin/aide-node is not the pinned program: its SHA-256 is `+node)

	packages := dist(t, "9.0.0", map[string][]byte{runtime.GOARCH: pack(t, "9.0.0", runtime.GOARCH, build(t, "9.0.0", runtime.GOARCH))})
	out, _ := f.run(0, "documents", "diff", "--pin-node", packages)
	assert.Contains(t, out, "AideFleet-Check\twould be updated")
	f.run(0, "documents", "publish", "--pin-node", packages)
	out, _ = f.run(0, "documents", "diff", "--pin-node", packages)
	assert.Contains(t, out, "AideFleet-Check\tunchanged")
	out, _ = f.run(0, "documents", "list")
	assert.Regexp(t, "(?m)^AideFleet-Check\tpinned\t", out)
	h := f.check(4, "web-1")
	assert.Equal(t, report.ProgramUnexpected, h.Reason, "%+v", h)
	assert.Equal(t, []report.Suspicion{report.UnexpectedProgram}, kinds(h), "%+v", h)

	f.run(0, "install", "--bucket", "aidefleet-lab", "--packages", packages, "--instance", instances["web-2"])
	h = f.check(3, "web-2")
	assert.Equal(t, report.Drift, h.Status, "%+v", h)
	assert.Empty(t, h.Suspect, "%+v", h)

	f.run(0, "documents", "publish")
	out, _ = f.run(0, "documents", "list")
	assert.Regexp(t, "(?m)^AideFleet-Check\tsame\t", out)
	_, said := f.run(2, "documents", "publish", "--pin-node", t.TempDir())
	require.Contains(t, said, "--pin-node: no SHA256SUMS")
}
