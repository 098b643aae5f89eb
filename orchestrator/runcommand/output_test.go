package runcommand

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func TestAwait(t *testing.T) {
	denied := errors.New("denied")
	answer := func(status types.CommandInvocationStatus, detail string) *ssm.GetCommandInvocationOutput {
		return &ssm.GetCommandInvocationOutput{Status: status, StatusDetails: aws.String(detail), StandardOutputContent: aws.String("said"), ResponseCode: 3}
	}
	early := &types.InvocationDoesNotExist{}
	for name, tc := range map[string]struct {
		answers []any // one after the other, the last for ever
		want    Status
		err     error
	}{
		"late":       {[]any{early, early, answer("Pending", "Pending"), answer("InProgress", "InProgress"), answer("Failed", "Failed")}, Answered, nil},
		"timed out":  {[]any{answer("TimedOut", "Delivery Timed Out")}, DeliveryTimeout, nil},
		"never seen": {[]any{early}, "", early},
		"denied":     {[]any{denied}, "", denied},
	} {
		t.Run(name, func(t *testing.T) {
			var waited time.Duration
			calls := 0
			api := API{GetCommandInvocation: func(_ context.Context, in *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
				if aws.ToString(in.CommandId) != id || aws.ToString(in.InstanceId) != "i-1" {
					t.Errorf("asked for %+v", in)
				}
				next := tc.answers[min(calls, len(tc.answers)-1)]
				calls++
				if err, ok := next.(error); ok {
					return nil, err
				}
				return next.(*ssm.GetCommandInvocationOutput), nil
			}}
			out, err := Await(t.Context(), api, Command{ID: id}, "i-1", instantly(&waited))
			if !errors.Is(err, tc.err) || out.Status != tc.want {
				t.Errorf("%+v, %v after %s", out, err, waited)
			}
			if tc.want == Answered && (out.Stdout != "said" || out.Code != 3) {
				t.Errorf("%+v", out)
			}
		})
	}
}

func TestRecent(t *testing.T) {
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	one := func(id string, age int) types.Command {
		return types.Command{CommandId: aws.String(id), RequestedDateTime: aws.Time(at.Add(-time.Duration(age) * time.Minute))}
	}
	pages := map[string]*ssm.ListCommandsOutput{
		"":  {Commands: []types.Command{one("b", 2), one("a", 1)}, NextToken: aws.String("2")},
		"2": {Commands: []types.Command{one("b", 2), one("c", 3)}, NextToken: aws.String("2")}, // for ever
	}
	calls := 0
	api := API{ListCommands: func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		if calls++; len(in.Filters) != 1 || aws.ToString(in.Filters[0].Value) != "Doc" {
			t.Errorf("filters %+v", in.Filters)
		}
		return pages[aws.ToString(in.NextToken)], nil
	}}
	for n, want := range map[int]string{1: "a", 2: "ab", 9: "abc"} {
		got, err := Recent(t.Context(), api, "Doc", n)
		ids := ""
		for _, c := range got {
			ids += c.ID
		}
		if err != nil || ids != want {
			t.Errorf("the newest %d are %s, %v; want %s", n, ids, err, want)
		}
	}
	if calls != 4 {
		t.Errorf("%d calls", calls)
	}
}
