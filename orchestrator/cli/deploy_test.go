package cli

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/deploy"
)

// TestDeployTemplate: it needs neither a region nor credentials.
func TestDeployTemplate(t *testing.T) {
	isolate(t)
	code, stdout, stderr := run(t, "deploy", "template")
	assert.Equal(t, 0, code, "exit %d, %d bytes, %q", code, len(stdout), stderr)
	assert.Empty(t, stderr)
	assert.Equal(t, deploy.Template(Version), stdout)
}
