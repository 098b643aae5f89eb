package sweep

import (
	"errors"
	"strings"
	"testing"

	documents "aidefleet/ssm-documents"
)

// TestUnread: the command line that picks up an account and region has all of its
// commands, and all that tells it from others.
func TestUnread(t *testing.T) {
	region := Region{Name: "eu-west-1", Role: "arn:aws:iam::111122223333:role/x"}
	for _, tc := range []struct {
		name, document, namespace string
		want                      string // empty if there is none
	}{
		{"a check", documents.Check, "AIDE", "orchestrator collect --region eu-west-1 --role-arn arn:aws:iam::111122223333:role/x --command-id a --command-id b picks them up"},
		{"metrics elsewhere", documents.Check, "Mine", "orchestrator collect --region eu-west-1 --role-arn arn:aws:iam::111122223333:role/x --namespace Mine --command-id a --command-id b picks them up"},
		{"without metrics", documents.Check, "", "orchestrator collect --region eu-west-1 --role-arn arn:aws:iam::111122223333:role/x --no-publish --command-id a --command-id b picks them up"},
		{"what collect cannot read", documents.Init, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSweep(region, Options{Document: tc.document, Namespace: tc.namespace})
			lost := errors.New("no such page")
			p := &part{sweep: s, batches: []*batch{{sweep: s}, {sweep: s, lost: lost}, {sweep: s, refused: errors.New("refused")}}}
			p.batches[0].command.ID, p.batches[1].command.ID = "a", "b"
			err := p.unread()
			if !errors.Is(err, lost) {
				t.Fatalf("%v, want why", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if tc.want == "" && strings.Contains(err.Error(), "collect") {
				t.Errorf("%v: collect refuses %s", err, tc.document)
			}
			p.batches[1].lost = nil
			if err := p.unread(); err != nil {
				t.Errorf("nothing is lost: %v", err)
			}
		})
	}
}
