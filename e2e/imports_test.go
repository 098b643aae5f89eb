package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestProgramsWithoutLab: what is shipped holds nothing of the lab.
func TestProgramsWithoutLab(t *testing.T) {
	for _, program := range []string{"aidefleet/orchestrator", "aidefleet/node"} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(out), program+"\n") {
			t.Fatalf("go list of %s: %s", program, out)
		}
		for pkg := range strings.Lines(string(out)) {
			if strings.HasPrefix(pkg, "aidefleet/lab/lab") {
				t.Errorf("%s imports %s", program, pkg)
			}
		}
	}
}
