package runcommand

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
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
				assert.Equal(t, id, aws.ToString(in.CommandId), "asked for %+v", in)
				assert.Equal(t, "i-1", aws.ToString(in.InstanceId))
				next := tc.answers[min(calls, len(tc.answers)-1)]
				calls++
				if err, ok := next.(error); ok {
					return nil, err
				}
				return next.(*ssm.GetCommandInvocationOutput), nil
			}}
			out, err := Await(t.Context(), api, Command{ID: id}, "i-1", instantly(&waited))
			assert.ErrorIs(t, err, tc.err, "%+v after %s", out, waited)
			assert.Equal(t, tc.want, out.Status)
			if tc.want == Answered {
				assert.Equal(t, "said", out.Stdout)
				assert.Equal(t, 3, out.Code)
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
		calls++
		if assert.Len(t, in.Filters, 1) {
			assert.Equal(t, "Doc", aws.ToString(in.Filters[0].Value))
		}
		return pages[aws.ToString(in.NextToken)], nil
	}}
	for n, want := range map[int]string{1: "a", 2: "ab", 9: "abc"} {
		got, err := Recent(t.Context(), api, "Doc", n)
		ids := ""
		for _, c := range got {
			ids += c.ID
		}
		assert.NoError(t, err, "the newest %d are %s", n, ids)
		assert.Equal(t, want, ids, "the newest %d are %s", n, ids)
	}
	if calls != 4 {
		t.Errorf("%d calls", calls)
	}
}
