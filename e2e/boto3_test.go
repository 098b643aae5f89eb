package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aidefleet/lab/lab"
)

// TestBoto3 lets boto3 read every answer of the lab, and hold it to its models.
func TestBoto3(t *testing.T) {
	runBoto3(t, "testdata/reads.py")
}

// TestBoto3Ledger has boto3 do in S3 what the ledger does.
func TestBoto3Ledger(t *testing.T) { runBoto3(t, "testdata/ledger.py", lab.Bucket) }

// runBoto3 runs a program with boto3 against a lab of its own.
func runBoto3(t *testing.T, args ...string) {
	t.Helper()
	found, err := filepath.Glob("../.tools/boto3-*/installed")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skip("boto3 is not in .tools: make test puts it there, with a Python from 3.10 on")
	}
	t.Parallel()
	s := simulate(t, 60, "--speed", "6000", "--latency", "1ms")
	environment, err := lab.Environment(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(filepath.Dir(slices.Max(found)), "bin/python")
	cmd := exec.CommandContext(t.Context(), python, args...)
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") }), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
