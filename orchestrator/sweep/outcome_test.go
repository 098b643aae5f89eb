package sweep

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	documents "aidefleet/ssm-documents"
)

// TestLost: the command line that picks up an account and region has all of its
// commands, and all that tells it from others.
func TestLost(t *testing.T) {
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
			lost := errors.New("no such page")
			o := Options{Request: runcommand.Request{Document: tc.document}, Metrics: Publication{Namespace: tc.namespace}}
			r := &run{Region: region, settings: o.settings(), commands: []*command{{}, {lost: lost}, {refused: errors.New("refused")}}}
			r.commands[0].ID, r.commands[1].ID = "a", "b"
			err := r.lost()
			if !errors.Is(err, lost) {
				t.Fatalf("%v, want why", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if tc.want == "" && strings.Contains(err.Error(), "collect") {
				t.Errorf("%v: collect refuses %s", err, tc.document)
			}
			r.commands[1].lost = nil
			if err := r.lost(); err != nil {
				t.Errorf("nothing is lost: %v", err)
			}
		})
	}
}

// TestUnfinished: a sweep that was not waited for ends with the very command that picks it
// up; of an action nobody can collect the answers.
func TestUnfinished(t *testing.T) {
	unfinishedRun := func(document string) *run {
		r := &run{Region: Region{Name: "eu-west-1"}, settings: Options{Request: runcommand.Request{Document: document}, Metrics: Publication{Namespace: "AIDE"}}.settings(), commands: []*command{{}}}
		r.commands[0].ID = "a"
		r.report.Hosts = []report.Host{{Status: report.Missing, Reason: report.Unfinished}}
		return r
	}
	err := unfinished([]*run{unfinishedRun(documents.Check)})
	require.ErrorIs(t, err, ErrUnfinished)
	assert.ErrorContains(t, err, "this picks them up: orchestrator collect --region eu-west-1 --command-id a")
	assert.EqualError(t, unfinished([]*run{unfinishedRun(documents.Init)}), "some hosts have not finished; their commands go on: a")
}

// TestLostRegion: a region whose results are refused is not published, and says what
// picks it up; the others are.
func TestLostRegion(t *testing.T) {
	well, denied := &account{doneAt: 2}, &account{doneAt: 2}
	well.host("i-01", "well", "Online", "Success", "Success", cleanLine, 0)
	denied.host("i-02", "drift", "Online", "Success", "Success", driftLine, 0)
	denied.host("i-03", "bare", "", "", "", "", 0)
	region := denied.elsewhere("eu-west-1")
	region.Commands.ListCommandInvocations = func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		return nil, errors.New("AccessDeniedException")
	}
	r, err := Run(t.Context(), []Region{well.region(), region}, options())
	var partial *PartialError
	if !errors.As(err, &partial) {
		t.Fatalf("error %v", err)
	}
	if got, want := verdicts(r), []string{"bare missing unmanaged", "drift missing unfinished", "well clean +0 -0 ~0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(r.Errors) != 1 {
		t.Fatalf("errors %+v", r.Errors)
	}
	if want := "orchestrator collect --region eu-west-1 --role-arn " + region.Role + " --command-id " + commandID + " "; !strings.Contains(r.Errors[0].Error, want) {
		t.Errorf("%s\nwant %s", r.Errors[0].Error, want)
	}
	if n := denied.called("PutMetricData"); n != 0 {
		t.Errorf("published %d times", n)
	}
	if n := well.called("PutMetricData"); n == 0 {
		t.Error("the other region is not published")
	}
}
