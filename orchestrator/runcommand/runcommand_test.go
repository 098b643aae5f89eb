package runcommand

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const id = "12345678-90ab-cdef-1234-567890abcdef"

// instantly is a pace without waiting that counts how long it would have waited.
func instantly(total *time.Duration) Pace {
	return Pace{First: time.Second, Max: 10 * time.Second, Share: 0.02, Sleep: func(ctx context.Context, d time.Duration) error {
		*total += d
		return ctx.Err()
	}}
}

func command(status types.CommandStatus, targeted, completed int) types.Command {
	return types.Command{CommandId: aws.String(id), Status: status, TargetCount: int32(targeted), CompletedCount: int32(completed)}
}

func TestSend(t *testing.T) {
	var sent []*ssm.SendCommandInput
	api := API{SendCommand: func(_ context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		sent = append(sent, in)
		c := command(types.CommandStatusPending, 0, 0)
		c.DocumentName, c.Comment, c.Targets, c.InstanceIds = in.DocumentName, in.Comment, in.Targets, []string{"i-1"}
		return &ssm.SendCommandOutput{Command: &c}, nil
	}}
	c, err := Send(t.Context(), api, Request{
		Document: "Doc", Parameters: map[string]string{"a": "1"}, Comment: "run",
		Targets: []Target{{"tag:env", []string{"prod"}}}, DeliveryTimeout: time.Minute, MaxConcurrency: "100%", MaxErrors: "10",
	}, Pace{})
	require.NoError(t, err)
	require.Equal(t, id, c.ID, "%+v", c)
	require.Equal(t, "Doc", c.Document)
	require.Equal(t, "run", c.Comment)
	require.Len(t, c.Targets, 2)
	require.False(t, c.Done(), "%+v", c)
	require.Len(t, sent, 1)
	assert.Equal(t, int32(60), aws.ToInt32(sent[0].TimeoutSeconds), "sent %+v", sent)
	assert.Equal(t, "10", aws.ToString(sent[0].MaxErrors))
	assert.Equal(t, "100%", aws.ToString(sent[0].MaxConcurrency))
	assert.Equal(t, "1", sent[0].Parameters["a"][0])

	refused := &types.InvalidDocument{}
	api.SendCommand = func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) { return nil, refused }
	_, err = Send(t.Context(), api, Request{Document: "Doc"}, Pace{})
	require.ErrorAs(t, err, &refused)
	assert.True(t, strings.HasPrefix(err.Error(), "send Doc: "), err)
}

// states answers ListCommands with one state after the other, the last for ever.
func states(calls *int, list ...[]types.Command) API {
	return API{ListCommands: func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		if aws.ToString(in.CommandId) != id {
			return nil, fmt.Errorf("asked for %q", aws.ToString(in.CommandId))
		}
		n := min(*calls, len(list)-1)
		*calls++
		return &ssm.ListCommandsOutput{Commands: list[n]}, nil
	}}
}

func TestWatch(t *testing.T) {
	never := func(Command) bool { return false }
	for _, tc := range []struct {
		name     string
		states   [][]types.Command
		settled  func(Command) bool
		patience time.Duration
		want     string
		calls    int
	}{
		{"until it is done", [][]types.Command{{}, {command("Pending", 0, 0)}, {command("InProgress", 3, 1)}, {command("Success", 3, 3)}}, never, time.Hour, "Success 3/3", 4},
		{"until settled", [][]types.Command{{command("InProgress", 3, 1)}, {command("InProgress", 3, 2)}}, func(c Command) bool { return c.Completed == 2 }, time.Hour, "InProgress 2/3", 2},
		{"until patience ends", [][]types.Command{{command("InProgress", 3, 2)}}, never, 30 * time.Second, "InProgress 2/3", 0},
		{"a failed command is over", [][]types.Command{{command("Failed", 3, 3)}}, never, time.Hour, "Failed 3/3", 1},
		{"a cancelling command is not", [][]types.Command{{command("Cancelling", 3, 0)}, {command("Cancelled", 3, 3)}}, never, time.Hour, "Cancelled 3/3", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var waited time.Duration
			calls := 0
			c, err := Watch(t.Context(), states(&calls, tc.states...), Command{ID: id}, instantly(&waited), 0, tc.patience, tc.settled)
			if err != nil {
				t.Error(err)
			}
			if got := fmt.Sprintf("%s %d/%d", c.Status, c.Completed, c.Targeted); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if c.ID != id {
				t.Errorf("got command %s, want %s", c.ID, id)
			}
			if tc.calls != 0 && calls != tc.calls {
				t.Errorf("%d calls, want %d", calls, tc.calls)
			}
			if waited > tc.patience*5/4+2*time.Second {
				t.Errorf("waited %s of %s", waited, tc.patience)
			}
		})
	}
}

func TestWatchBacksOff(t *testing.T) {
	var waited time.Duration
	calls := 0
	if _, err := Watch(t.Context(), states(&calls, []types.Command{command("InProgress", 3, 0)}), Command{ID: id}, instantly(&waited), 0, time.Hour, func(Command) bool { return false }); err != nil {
		t.Fatal(err)
	}
	assert.GreaterOrEqual(t, calls, 360)
	assert.LessOrEqual(t, calls, 460)
}

func TestWatchErrors(t *testing.T) {
	var waited time.Duration
	broken := errors.New("broken")
	api := API{ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) { return nil, broken }}
	if _, err := Watch(t.Context(), api, Command{ID: id}, instantly(&waited), 0, time.Hour, nil); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	if _, err := Watch(ctx, states(&calls, nil), Command{ID: id}, DefaultPace, 0, time.Hour, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestGetUnknown(t *testing.T) {
	calls := 0
	if _, err := Get(t.Context(), states(&calls, nil), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	api := API{ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		return nil, &types.InvalidCommandId{}
	}}
	_, err := Get(t.Context(), api, id)
	assert.ErrorIs(t, err, ErrNotFound)
	assert.ErrorContains(t, err, id)
}

func TestStatusOf(t *testing.T) {
	for _, tc := range []struct {
		status types.CommandInvocationStatus
		detail string
		want   Status
	}{
		{"Pending", "Pending", Unfinished},
		{"InProgress", "InProgress", Unfinished},
		{"Delayed", "Delayed", Unfinished},
		{"Cancelling", "Cancelling", Unfinished},
		{"Success", "Success", Answered},
		{"Failed", "Failed", Answered},
		{"Failed", "Undeliverable", Undeliverable},
		{"Failed", "Terminated", Terminated},
		{"Failed", "InvalidPlatform", InvalidPlatform},
		{"Failed", "AccessDenied", AccessDenied},
		{"TimedOut", "DeliveryTimedOut", DeliveryTimeout},
		{"TimedOut", "Delivery Timed Out", DeliveryTimeout},
		{"TimedOut", "Execution Timed Out", ExecutionTimeout},
		{"TimedOut", "", ExecutionTimeout},
		{"Cancelled", "Cancelled", Cancelled},
		{"Failed", "SomethingNew", Answered},
	} {
		if got := statusOf(tc.status, tc.detail); got != tc.want {
			t.Errorf("%s (%s) is %s, want %s", tc.status, tc.detail, got, tc.want)
		}
	}
}

// listing answers with pages of one host each.
func listing(calls *int, hosts int, token func(page int) *string) API {
	return API{ListCommandInvocations: func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		*calls++
		n, _ := strconv.Atoi(aws.ToString(in.NextToken))
		return &ssm.ListCommandInvocationsOutput{NextToken: token(n), CommandInvocations: []types.CommandInvocation{{
			InstanceId: aws.String("i-" + strconv.Itoa(n%hosts)), Status: types.CommandInvocationStatusFailed,
			CommandPlugins: []types.CommandPlugin{{ResponseCode: 0, Output: aws.String("")}, {ResponseCode: 7, Output: aws.String("said")}},
		}}}, nil
	}}
}

// visited are invocations by instance.
type visited map[string]Invocation

func (v visited) visit(i Invocation) { v[i.Instance] = i }

func TestInvocations(t *testing.T) {
	next := func(last int) func(int) *string {
		return func(n int) *string {
			if n >= last {
				return nil
			}
			return aws.String(strconv.Itoa(n + 1))
		}
	}
	for _, tc := range []struct {
		name  string
		token func(int) *string
		calls int
	}{
		{"pages", next(2), 3},
		{"hosts that come twice", next(5), 6},
		{"a token that repeats itself", func(n int) *string { return aws.String(strconv.Itoa(min(n+1, 3))) }, 4},
		{"tokens that go round in circles", func(n int) *string { return aws.String(strconv.Itoa((n + 1) % 4)) }, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := 0
			found := visited{}
			err := Invocations(t.Context(), listing(&calls, 3, tc.token), id, found.visit)
			require.NoError(t, err)
			require.Len(t, found, 3, "%v in %d calls", found, calls)
			require.Equal(t, tc.calls, calls)
			i := found["i-1"]
			assert.Equal(t, "said", i.Output, "invocation %+v: want the step that said anything", i)
			assert.Equal(t, 7, i.Code)
			assert.Equal(t, Answered, i.Status)
		})
	}
}

// TestAnswer: of a command with several steps, one gives the answer.
func TestAnswer(t *testing.T) {
	step := func(code int32, output string) types.CommandPlugin {
		return types.CommandPlugin{ResponseCode: code, Output: aws.String(output)}
	}
	for _, tc := range []struct {
		name  string
		steps []types.CommandPlugin
		said  string
		code  int
	}{
		{"none", nil, "", -1},
		{"one", []types.CommandPlugin{step(1, "failed")}, "failed", 1},
		{"a download before it", []types.CommandPlugin{step(0, "Content downloaded to x"), step(1, "answer")}, "answer", 1},
		{"a download that failed before it", []types.CommandPlugin{step(1, "http request failed"), step(0, "answer")}, "answer", 0},
		{"a step that says nothing behind it", []types.CommandPlugin{step(7, "answer"), step(0, "")}, "answer", 7},
		{"nothing from all", []types.CommandPlugin{step(0, ""), step(3, "")}, "", 3},
	} {
		got := invocationFromSDK(types.CommandInvocation{CommandPlugins: tc.steps})
		assert.Equal(t, tc.said, got.Output, "%s: %+v", tc.name, got)
		assert.Equal(t, tc.code, got.Code, tc.name)
	}
}

func TestComplete(t *testing.T) {
	var waited time.Duration
	calls := 0
	api := API{ListCommandInvocations: func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		calls++
		out := &ssm.ListCommandInvocationsOutput{}
		for n := range calls - 1 { // one host more at every look, none at first
			out.CommandInvocations = append(out.CommandInvocations, types.CommandInvocation{InstanceId: aws.String(strconv.Itoa(n))})
		}
		return out, nil
	}}
	found := visited{}
	err := Complete(t.Context(), api, Command{ID: id, Targeted: 3}, instantly(&waited), found.visit)
	assert.NoError(t, err)
	assert.Len(t, found, 3, "%d hosts in %d calls: a list that is shorter than the command counts is not believed", len(found), calls)
	assert.Equal(t, 4, calls)
	waited = 0
	short := Command{ID: id, Targeted: 3, Status: "Success"}
	found = visited{}
	err = Complete(t.Context(), listing(&calls, 1, func(int) *string { return nil }), short, instantly(&waited), found.visit)
	if err != nil {
		t.Fatal(err)
	}
	if short.AllListed(len(found)) {
		t.Errorf("%d hosts of 3 are all", len(found))
	}
	if waited < listLateness {
		t.Errorf("given up after %s, want %s", waited, listLateness)
	}
	if waited > listLateness+10*time.Second {
		t.Errorf("given up after %s, want some %s", waited, listLateness)
	}
}

func TestAllListed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		command Command
		listed  int
		want    bool
	}{
		{"right after the send", Command{Status: "Pending"}, 0, false},
		{"no host in the tag", Command{Status: "Success"}, 0, true},
		{"none listed yet", Command{Status: "InProgress", Targeted: 2}, 0, false},
		{"all listed, and at work", Command{Status: "InProgress", Targeted: 2}, 2, true},
		{"over, and one not listed", Command{Status: "Success", Targeted: 2, Completed: 2}, 1, false},
		{"over", Command{Status: "Failed", Targeted: 2, Completed: 2}, 2, true},
		{"too many for the account", Command{Status: "Failed", Detail: "rateexceeded", Targeted: 2}, 0, true},
		{"too many, but some were sent", Command{Status: "Failed", Detail: "rateexceeded", Targeted: 2, Completed: 1}, 0, false},
	} {
		found := map[string]Invocation{}
		for n := range tc.listed {
			found[strconv.Itoa(n)] = Invocation{}
		}
		if got := tc.command.AllListed(len(found)); got != tc.want {
			t.Errorf("%s: %t", tc.name, got)
		}
	}
}

// TestWorkerDied: what the agent says of its own worker is no answer of the host.
func TestWorkerDied(t *testing.T) {
	const died = "document process failed unexpectedly: document worker timed out , check [ssm-document-worker]/[ssm-session-worker] log for crash reason"
	for _, tc := range []struct {
		name   string
		status types.CommandInvocationStatus
		output string
		want   Status
	}{
		{"the worker was killed", "Failed", died, AgentFailed},
		{"a script that ended well and prints the same", "Success", died, Answered},
		{"a line of the node that holds it", "Failed", `{"v":1,"message":"` + died + `"}`, Answered},
	} {
		i := invocationFromSDK(types.CommandInvocation{
			Status: tc.status, StatusDetails: aws.String(string(tc.status)), CommandPlugins: []types.CommandPlugin{{Output: aws.String(tc.output)}},
		})
		if i.Status != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, i.Status, tc.want)
		}
	}
}
