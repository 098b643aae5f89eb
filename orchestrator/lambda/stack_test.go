package lambda

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/deploy/iamtest"
)

// TestRoles holds the roles of the functions against what they are given to call.
func TestRoles(t *testing.T) {
	var o aws.Operations
	iamtest.Record(&o)
	// S3 encrypts the ledger with a key, by the rights of who writes and reads.
	iamtest.Role(t, deploy.Template("1.2.3"), "StartRole", append(iamtest.Calls(starting(o), ledgerAPI(o)), "kms:Decrypt", "kms:GenerateDataKey"))
	iamtest.Role(t, deploy.Template("1.2.3"), "CollectRole", append(iamtest.Calls(collecting(o), ledgerAPI(o), posting("", o)), "kms:Decrypt", "kms:GenerateDataKey"))
	iamtest.Role(t, deploy.Template("1.2.3"), "FindingsRole", []string{"s3:GetObject", "s3:ListBucket", "kms:Decrypt"})
}

// TestStackEvents takes what the stack's schedules send, and the events of
// docs/deploy.md.
func TestStackEvents(t *testing.T) {
	template, err := iamtest.Parse(deploy.Template("1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 5, 0, 9, 0, time.UTC)
	fill := strings.NewReplacer("${TagKey}", "env", "${Values}", `prod","test`, "${FleetName}", "env=prod", "${ExecutionTimeout}", "90m",
		"<aws.scheduler.scheduled-time>", "2026-11-24T05:00:00Z")
	var events []string
	for _, p := range template.OfType("AWS::Scheduler::Schedule") {
		switch input := p["Target"].(map[string]any)["Input"].(type) {
		case string:
			events = append(events, fill.Replace(input))
		case map[string]any:
			events = append(events, fill.Replace(input["Fn::Sub"].([]any)[0].(string)))
		}
	}
	page, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	events = append(events, regexp.MustCompile(`(?m)^    \{"(?:.+\n)+`).FindAllString(string(page), -1)...)
	if len(events) != 5 {
		t.Errorf("%d events, want 5", len(events))
	}
	for _, e := range events {
		if _, err := parse([]byte(e), now); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
}
