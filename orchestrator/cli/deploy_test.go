package cli

import (
	"testing"

	"aidefleet/orchestrator/deploy"
)

// TestDeployTemplate: it needs neither a region nor credentials.
func TestDeployTemplate(t *testing.T) {
	isolate(t)
	code, stdout, stderr := run(t, "deploy", "template")
	if code != 0 || stderr != "" || stdout != deploy.Template(Version) {
		t.Errorf("exit %d, %d bytes, %q", code, len(stdout), stderr)
	}
}
