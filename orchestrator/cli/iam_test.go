package cli

import (
	"testing"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/deploy/iamtest"
	"aidefleet/orchestrator/doctor"
	documents "aidefleet/ssm-documents"
)

// TestOperatorRole: the stack's role for people allows what the commands call that
// sweep, accept and look, and nothing that changes a document.
func TestOperatorRole(t *testing.T) {
	var o aws.Operations
	called := iamtest.Record(&o)
	// sweep, init, accept, trust, hold, show, collect and targets.
	actions := iamtest.Calls(connect([]aws.Place{{}}, []aws.Operations{o}))
	// The ledger. S3 encrypts it with a key, by the rights of who writes and reads.
	actions = append(actions, iamtest.Calls(ledgerAPI(o))...)
	actions = append(actions, "kms:Decrypt", "kms:GenerateDataKey")
	if _, err := parameter(t.Context(), o, ledgerParameter); err == nil {
		t.Error("a recorded operation answered")
	}
	// doctor. What an operation answers is an error, and the next question comes.
	for _, q := range doctor.Account(o) {
		q.Ask(t.Context())
	}
	// documents diff and list.
	api := documentAPI(o)
	if _, err := deploy.Compare(t.Context(), api, documents.All()[0]); err == nil {
		t.Error("a recorded operation answered")
	}
	if _, err := deploy.List(t.Context(), api); err == nil {
		t.Error("a recorded operation answered")
	}
	iamtest.Role(t, deploy.Template("1.2.3"), "OperatorRole", append(actions, called()...))
}
