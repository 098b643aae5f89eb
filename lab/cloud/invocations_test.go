package cloud

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCompose(t *testing.T) {
	room := maxOutput - len(errorTitle)
	for _, tc := range []struct {
		name           string
		stdout, stderr int
		want           [2]int
	}{
		{"nothing", 0, 0, [2]int{0, 0}},
		{"short", 10, 10, [2]int{10, 10}},
		{"stdout alone fills everything", 3000, 0, [2]int{maxOutput, 0}},
		{"stderr alone", 0, 3000, [2]int{0, room}},
		{"long stdout", 3000, 100, [2]int{room - 100, 100}},
		{"long stderr", 100, 3000, [2]int{100, room - 100}},
		{"both long", 3000, 3000, [2]int{room / 2, room / 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := compose(strings.Repeat("o", tc.stdout), strings.Repeat("e", tc.stderr))
			n := [2]int{strings.Count(got, "o"), strings.Count(got, "e")}
			assert.Equal(t, tc.want, n, "%d bytes of stdout and stderr in %d", n, len(got))
			assert.LessOrEqual(t, len(got), maxOutput)
			if strings.Contains(got, errorTitle) != (tc.stderr > 0) {
				t.Error("the title of stderr")
			}
		})
	}
}

// TestCuts looks at what a client sees of a host that says too much.
func TestCuts(t *testing.T) {
	l := ready(t, Config{})
	id := l.send(nil)
	m := l.take(web1)
	step, _ := json.Marshal(map[string]any{"first": map[string]any{
		"status": "Failed", "code": 3, "output": strings.Repeat("x", 60000),
		"standardOutput": strings.Repeat("o", 30000), "standardError": strings.Repeat("e", 30000),
	}})
	l.reply(m, "Failed", string(step))
	list, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, Details: true})
	if err != nil {
		t.Fatal(err)
	}
	output := aws.ToString(list.CommandInvocations[0].CommandPlugins[0].Output)
	assert.Contains(t, output, errorTitle)
	assert.LessOrEqual(t, len(output), maxOutput)
	assert.GreaterOrEqual(t, len(output), maxOutput-1)
	p := list.CommandInvocations[0].CommandPlugins[0]
	assert.Equal(t, int32(3), p.ResponseCode, "plugin %+v", p)
	assert.Nil(t, p.ResponseFinishDateTime)
	one, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web1), PluginName: aws.String("first")})
	if err != nil {
		t.Fatal(err)
	}
	o, e := len(*one.StandardOutputContent), len(*one.StandardErrorContent)
	assert.Equal(t, maxStdout, o, "%d bytes of stdout, %d of stderr, code %d", o, e, one.ResponseCode)
	assert.Equal(t, maxStderr, e)
	assert.Equal(t, int32(3), one.ResponseCode)
	waiting, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web2)})
	require.NoError(t, err)
	assert.Equal(t, int32(-1), waiting.ResponseCode, "invocation %+v", waiting)
	require.Equal(t, types.CommandInvocationStatusPending, waiting.Status)
	assert.Empty(t, *waiting.ExecutionStartDateTime)
}

// TestSteps keeps what was said of earlier steps, in the order of the document.
func TestSteps(t *testing.T) {
	l := ready(t, Config{})
	two := strings.Replace(minimal, `"mainSteps":[`, `"mainSteps":[{"action":"aws:runShellScript","name":"z","inputs":{"timeoutSeconds":10}},`, 1)
	if err := l.create("Two", two); err != nil {
		t.Fatal(err)
	}
	id := l.send(func(in *ssm.SendCommandInput) { in.DocumentName, in.Parameters = aws.String("Two"), nil })
	m := l.take(web1)
	l.reply(m, "InProgress", `{"z":{"status":"Success","output":"one"}}`)
	l.reply(m, "InProgress", `{"s":{"status":"Skipped","output":"two"}}`)
	l.reply(m, "Success", `{}`)
	list, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, InstanceId: aws.String(web1), Details: true})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range list.CommandInvocations[0].CommandPlugins {
		got = append(got, *p.Name+"="+*p.Output+" "+string(p.Status))
	}
	if want := "[z=one Success s=two Success]"; fmt.Sprint(got) != want {
		t.Errorf("steps %v, want %s", got, want)
	}
	for name, want := range map[string]string{"": "", "z": "", "s": ""} {
		one, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web1), PluginName: nilIfEmpty(name)})
		require.NoError(t, err, "step %q", name)
		assert.Equal(t, name, *one.PluginName, "step %q: %+v", name, one)
		assert.Equal(t, want, *one.StandardOutputContent, "step %q", name)
	}
	// Ten seconds of the first step and an hour of the second.
	if c := l.get(id); !aws.ToTime(c.ExpiresAfter).Equal(l.now().Add(2*time.Hour + 10*time.Second)) {
		t.Errorf("expires after %s", c.ExpiresAfter)
	}
}

func nilIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func TestPages(t *testing.T) {
	var hosts []Instance
	var ids []string
	for n := range 120 {
		ids = append(ids, fmt.Sprintf("i-%017x", n))
		hosts = append(hosts, Instance{ID: ids[n], Tags: map[string]string{"env": "prod"}, State: running})
	}
	l := newLab(t, Config{}, hosts...)
	if err := l.create("Doc", sample); err != nil {
		t.Fatal(err)
	}
	l.register(ids...)
	id := l.send(nil)
	l.send(nil)

	seen := map[string]bool{}
	var sizes []int
	pages := ssm.NewListCommandInvocationsPaginator(l.ssm, &ssm.ListCommandInvocationsInput{CommandId: &id, Details: true, MaxResults: aws.Int32(50)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.CommandInvocations))
		for _, i := range out.CommandInvocations {
			seen[*i.InstanceId] = true
		}
	}
	assert.Equal(t, "[50 50 20]", fmt.Sprint(sizes), "pages of %v with %d hosts", sizes, len(seen))
	assert.Len(t, seen, 120)
	sizes = nil
	nodes := ssm.NewDescribeInstanceInformationPaginator(l.ssm, &ssm.DescribeInstanceInformationInput{})
	for nodes.HasMorePages() {
		out, err := nodes.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(out.InstanceInformationList))
	}
	require.Len(t, sizes, 12)
	assert.Equal(t, 10, sizes[0], "pages of %v nodes", sizes)
	for name, tc := range map[string]struct {
		in   ssm.ListCommandInvocationsInput
		want string
	}{
		"page too large": {ssm.ListCommandInvocationsInput{MaxResults: aws.Int32(51)}, "ValidationException"},
		"page of 0":      {ssm.ListCommandInvocationsInput{MaxResults: aws.Int32(0)}, "ValidationException"},
		"token":          {ssm.ListCommandInvocationsInput{NextToken: aws.String("x")}, "InvalidNextToken"},
	} {
		if _, err := l.ssm.ListCommandInvocations(t.Context(), &tc.in); code(err) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Every command, the newest first.
	out, err := l.ssm.ListCommandInvocations(t.Context(), nil)
	require.NoError(t, err, "all invocations")
	assert.NotEqual(t, id, *out.CommandInvocations[0].CommandId, "all invocations")
}

func TestFilters(t *testing.T) {
	l := ready(t, Config{})
	first := l.send(func(in *ssm.SendCommandInput) {
		in.Targets[0] = types.Target{Key: aws.String("tag:role"), Values: []string{"db"}}
	})
	l.reply(l.take(db1), "Success", oneStep)
	l.pass(time.Hour - time.Second)
	second := l.send(nil)
	l.reply(l.take(web1), "Failed", oneStep)
	for _, tc := range []struct{ key, value, want string }{
		{"Status", "Success", "first"},
		{"Status", "InProgress", "second"},
		{"DocumentName", "Doc", "second first"},
		{"DocumentName", "None", ""},
		{"ExecutionStage", "Complete", "first"},
		{"ExecutionStage", "Executing", "second"},
		{"InvokedAfter", "2026-11-23T05:30:00Z", "second"},
		{"InvokedBefore", "2026-11-23T05:30:00Z", "first"},
		{"InvokedBefore", "yesterday", "ValidationException"},
		{"ExecutionStage", "x", "ValidationException"},
		{"Colour", "red", "InvalidFilterKey"},
	} {
		out, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{Filters: []types.CommandFilter{{Key: types.CommandFilterKey(tc.key), Value: &tc.value}}})
		var got []string
		if err != nil {
			got = []string{code(err)}
		} else {
			for _, c := range out.Commands {
				got = append(got, map[string]string{first: "first", second: "second"}[*c.CommandId])
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s=%s: %q, want %q", tc.key, tc.value, got, tc.want)
		}
	}
	out, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{Filters: []types.CommandFilter{{Key: "Status", Value: aws.String("Failed")}}})
	require.NoError(t, err)
	require.Len(t, out.CommandInvocations, 1, "failed invocations %+v", out)
	assert.Equal(t, web1, *out.CommandInvocations[0].InstanceId)
	_, err = l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{Filters: []types.CommandFilter{{Key: "ExecutionStage", Value: aws.String("Complete")}}})
	if code(err) != "InvalidFilterKey" {
		t.Errorf("stage of an invocation: %v", err)
	}
	commands, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{InstanceId: aws.String(web1)})
	require.NoError(t, err, "commands of web-1")
	require.Len(t, commands.Commands, 1, "commands of web-1: %+v", commands)
	assert.Equal(t, second, *commands.Commands[0].CommandId, "commands of web-1")
}

func TestStepStates(t *testing.T) {
	for status, want := range map[string]state{
		"Success": succeeded, "Skipped": succeeded, "SuccessAndReboot": succeeded, "Failed": failed,
		"TimedOut": executionTimedOut, "Cancelled": cancelled, "InProgress": inProgress, "": inProgress,
	} {
		if got := (&stepReport{Status: status}).state(); got != want {
			t.Errorf("%q is %v, want %v", status, got, want)
		}
	}
}
