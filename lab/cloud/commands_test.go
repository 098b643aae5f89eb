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

// sample has every kind of parameter.
const sample = `
schemaVersion: "2.2"
parameters:
  executionTimeout: {type: String, default: "60", allowedPattern: "^[0-9]+$"}
  mode: {type: String, allowedValues: [check, init], default: check}
  must: {type: String, allowedPattern: "b"}
  paths: {type: StringList, default: [/etc, /srv]}
mainSteps:
  - name: first
    action: "aws:runShellScript"
    inputs: {timeoutSeconds: "{{ executionTimeout }}", runCommand: ["echo {{ must }} {{ paths }}"]}
`

const oneStep = `{"first":{"status":"Success","code":0,"name":"aws:runShellScript","output":"out","standardOutput":"out","standardError":"","startDateTime":"2026-11-23T05:00:00.000Z","endDateTime":"2026-11-23T05:00:01.500Z"}}`

// ready is a lab with a document and three agents.
func ready(t *testing.T, c Config) *lab {
	t.Helper()
	l := newLab(t, c)
	if err := l.create("Doc", sample); err != nil {
		t.Fatal(err)
	}
	l.register(web1, web2, db1)
	return l
}

// input is a command that is right; edit makes something else of it.
func input(edit func(*ssm.SendCommandInput)) *ssm.SendCommandInput {
	in := &ssm.SendCommandInput{
		DocumentName: aws.String("Doc"), Parameters: map[string][]string{"must": {"abc"}},
		Targets: []types.Target{{Key: aws.String("tag:env"), Values: []string{"prod"}}},
	}
	if edit != nil {
		edit(in)
	}
	return in
}

func (l *lab) send(edit func(*ssm.SendCommandInput)) string {
	l.t.Helper()
	out, err := l.ssm.SendCommand(l.t.Context(), input(edit))
	if err != nil {
		l.t.Fatal(err)
	}
	return aws.ToString(out.Command.CommandId)
}

// get is a command as ListCommands shows it.
func (l *lab) get(id string) types.Command {
	l.t.Helper()
	out, err := l.ssm.ListCommands(l.t.Context(), &ssm.ListCommandsInput{CommandId: &id})
	require.NoError(l.t, err)
	require.Len(l.t, out.Commands, 1, "ListCommands: %+v", out)
	return out.Commands[0]
}

// summary is the command's state and numbers, and the details of its invocations.
func (l *lab) summary(id string) string {
	l.t.Helper()
	c := l.get(id)
	s := fmt.Sprintf("%s/%s %d/%d/%d/%d:", c.Status, *c.StatusDetails, c.TargetCount, c.CompletedCount, c.ErrorCount, c.DeliveryTimedOutCount)
	out, err := l.ssm.ListCommandInvocations(l.t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, i := range out.CommandInvocations {
		s += " " + string(i.Status) + "/" + *i.StatusDetails
	}
	return s
}

func TestSendCommandRefuses(t *testing.T) {
	l := ready(t, Config{})
	parameters := func(p map[string][]string) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) { in.Parameters = p }
	}
	ids := func(ids ...string) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) { in.Targets, in.InstanceIds = nil, ids }
	}
	targets := func(list ...types.Target) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) { in.Targets = list }
	}
	prod := types.Target{Key: aws.String("tag:env"), Values: []string{"prod"}}
	for _, tc := range []struct {
		name, want string
		edit       func(*ssm.SendCommandInput)
	}{
		{"document", "InvalidDocument", func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("None") }},
		{"version", "InvalidDocumentVersion", func(in *ssm.SendCommandInput) { in.DocumentVersion = aws.String("2") }},
		{"hash", "InvalidDocument", func(in *ssm.SendCommandInput) {
			in.DocumentHash, in.DocumentHashType = aws.String(strings.Repeat("0", 64)), types.DocumentHashTypeSha256
		}},
		{"unknown parameter", "InvalidParameters", parameters(map[string][]string{"must": {"b"}, "other": {"x"}})},
		{"missing parameter", "InvalidParameters", parameters(nil)},
		{"two values", "InvalidParameters", parameters(map[string][]string{"must": {"b", "b"}})},
		{"no value", "InvalidParameters", parameters(map[string][]string{"must": {}})},
		{"pattern", "InvalidParameters", parameters(map[string][]string{"must": {"x"}})},
		{"anchored pattern", "InvalidParameters", parameters(map[string][]string{"must": {"b"}, "executionTimeout": {"1x"}})},
		{"allowed values", "InvalidParameters", parameters(map[string][]string{"must": {"b"}, "mode": {"x"}})},
		{"no target", "ValidationException", targets()},
		{"both targets", "ValidationException", func(in *ssm.SendCommandInput) { in.InstanceIds = []string{web1} }},
		{"six targets", "ValidationException", targets(prod, prod, prod, prod, prod, prod)},
		{"target key", "ValidationException", targets(types.Target{Key: aws.String("env"), Values: []string{"prod"}})},
		{"target without values", "ValidationException", targets(types.Target{Key: aws.String("tag:env")})},
		{"51 instances", "ValidationException", ids(strings.Split(strings.Repeat("i ", 50)+"i", " ")...)},
		{"instance twice", "DuplicateInstanceId", ids(web1, web1)},
		{"unknown instance", "InvalidInstanceId", ids("i-0000000000000000f")},
		{"stopped instance", "InvalidInstanceId", ids(off)},
		{"unknown instance as a target", "InvalidInstanceId", targets(types.Target{Key: aws.String("InstanceIds"), Values: []string{off}})},
		{"time-out below", "ValidationException", func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(29) }},
		{"time-out above", "ValidationException", func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(2592001) }},
		{"comment", "ValidationException", func(in *ssm.SendCommandInput) { in.Comment = aws.String(strings.Repeat("ä", 101)) }},
		{"concurrency 0", "ValidationException", func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("0") }},
		{"concurrency 101%", "ValidationException", func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("101%") }},
		{"errors -1", "ValidationException", func(in *ssm.SendCommandInput) { in.MaxErrors = aws.String("-1") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := l.ssm.SendCommand(t.Context(), input(tc.edit))
			if got := code(err); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	out, err := l.ssm.ListCommands(t.Context(), nil)
	require.NoError(t, err, "a refused command is listed")
	assert.Empty(t, out.Commands, "a refused command is listed: %+v", out)
}

func TestCommandRuns(t *testing.T) {
	l := ready(t, Config{})
	hash := ""
	if out, err := l.ssm.DescribeDocument(t.Context(), &ssm.DescribeDocumentInput{Name: aws.String("Doc")}); err == nil {
		hash = aws.ToString(out.Document.Hash)
	}
	id := l.send(func(in *ssm.SendCommandInput) {
		in.Targets = append(in.Targets, types.Target{Key: aws.String("tag:role"), Values: []string{"web", "other"}})
		in.Comment, in.DocumentHash, in.DocumentHashType = aws.String("a run"), &hash, types.DocumentHashTypeSha256
	})
	if got, want := l.summary(id), "Pending/Pending 2/0/0/0: Pending/Pending Pending/Pending"; got != want {
		t.Errorf("sent: %s, want %s", got, want)
	}
	m := l.take(web1)
	assert.Equal(t, "aws.ssm."+id+"."+web1, m.MessageID, "message %+v", m)
	assert.True(t, strings.HasPrefix(m.Topic, "aws.ssm.sendCommand.us-east-1."), "message %+v", m)
	assert.Equal(t, "2026-11-23T05:00:00.000Z", m.CreatedDate)
	assert.Equal(t, web1, m.Destination)
	var payload map[string]any
	if err := json.Unmarshal([]byte(m.Payload), &payload); err != nil {
		t.Fatal(err)
	}
	if got, want := text(payload["Parameters"]), `{"executionTimeout":"60","mode":"check","must":"abc","paths":["/etc","/srv"]}`; got != want {
		t.Errorf("parameters %s, want %s", got, want)
	}
	content, ok := payload["DocumentContent"].(map[string]any)
	assert.True(t, ok, "payload %s", m.Payload)
	assert.Equal(t, "2.2", content["schemaVersion"])
	assert.Equal(t, id, payload["CommandId"])
	assert.Equal(t, "Doc", payload["DocumentName"])
	if list := l.messages(web1); len(list) != 0 {
		t.Errorf("an acknowledged message comes again: %+v", list)
	}
	if got, want := l.summary(id), "InProgress/InProgress 2/0/0/0: InProgress/InProgress Pending/Pending"; got != want {
		t.Errorf("delivered: %s, want %s", got, want)
	}
	l.reply(m, "InProgress", oneStep)
	l.reply(m, "Success", "{}") // says nothing of its steps
	m = l.take(web2)
	l.reply(m, "Success", oneStep)
	l.reply(m, "Failed", oneStep) // too late
	if got, want := l.summary(id), "Success/Success 2/2/0/0: Success/Success Success/Success"; got != want {
		t.Errorf("answered: %s, want %s", got, want)
	}

	out, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, InstanceId: aws.String(web1), Details: true})
	require.NoError(t, err)
	require.Len(t, out.CommandInvocations, 1, "%+v", out)
	i := out.CommandInvocations[0]
	require.Equal(t, "web-1", aws.ToString(i.InstanceName), "invocation %+v", i)
	require.Equal(t, "a run", aws.ToString(i.Comment))
	require.Len(t, i.CommandPlugins, 1)
	require.True(t, aws.ToTime(i.RequestedDateTime).Equal(l.now()), "invocation %+v", i)
	p := i.CommandPlugins[0]
	assert.Equal(t, "first", aws.ToString(p.Name), "plugin %+v", p)
	assert.Equal(t, "out", aws.ToString(p.Output))
	assert.Equal(t, types.CommandPluginStatusSuccess, p.Status)
	assert.Equal(t, 1500*time.Millisecond, aws.ToTime(p.ResponseFinishDateTime).Sub(aws.ToTime(p.ResponseStartDateTime)))
	one, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web1)})
	require.NoError(t, err)
	assert.Equal(t, "first", aws.ToString(one.PluginName), "invocation %+v", one)
	assert.Equal(t, "out", aws.ToString(one.StandardOutputContent))
	assert.Equal(t, "PT1.5S", aws.ToString(one.ExecutionElapsedTime))
	c := l.get(id)
	assert.True(t, aws.ToTime(c.ExpiresAfter).Equal(l.now().Add(time.Hour+time.Minute)), "command %+v", c)
	assert.Equal(t, "0", aws.ToString(c.MaxErrors))
	assert.Equal(t, "check", c.Parameters["mode"][0])
}

func TestConsistency(t *testing.T) {
	l := ready(t, Config{Consistency: time.Second})
	id := l.send(nil)
	get := func() string {
		_, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web1)})
		return code(err)
	}
	if got := l.summary(id) + " " + get(); got != "Pending/Pending 0/0/0/0: InvocationDoesNotExist" {
		t.Errorf("at once: %s", got)
	}
	m := l.take(web1) // agents do not wait
	l.reply(m, "Success", oneStep)
	l.pass(time.Second)
	if got := l.summary(id) + " " + get(); got != "InProgress/InProgress 3/1/0/0: Success/Success Pending/Pending Pending/Pending <nil>" {
		t.Errorf("later: %s", got)
	}
}

// TestStates walks commands through what can become of them.
func TestStates(t *testing.T) {
	failed := func(l *lab, instance string) { l.reply(l.take(instance), "Failed", oneStep) }
	success := func(l *lab, instance string) { l.reply(l.take(instance), "Success", oneStep) }
	limits := func(concurrency, errors string) func(*ssm.SendCommandInput) {
		return func(in *ssm.SendCommandInput) {
			in.MaxConcurrency, in.MaxErrors, in.TimeoutSeconds = &concurrency, &errors, aws.Int32(600)
		}
	}
	cancel := func(l *lab, id string, instances ...string) {
		if _, err := l.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &id, InstanceIds: instances}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name string
		edit func(*ssm.SendCommandInput)
		do   func(l *lab, id string)
		want string
	}{
		{"one at a time", limits("1", "0"), func(l *lab, _ string) {
			if n := len(l.messages(web2)); n != 0 {
				t.Errorf("%d messages for the second before the first has ended", n)
			}
			success(l, web1)
			success(l, web2)
		}, "InProgress/InProgress 3/2/0/0: Success/Success Success/Success Pending/Pending"},
		{"a percentage", limits("34%", "0"), func(l *lab, _ string) {
			if n := len(l.messages(web1)) + len(l.messages(web2)); n != 1 {
				t.Errorf("%d messages at once", n)
			}
		}, "Pending/Pending 3/0/0/0: Pending/Pending Pending/Pending Pending/Pending"},
		{"no error allowed", limits("1", "0"), func(l *lab, _ string) { failed(l, web1) },
			"Failed/Failed 3/3/1/0: Failed/Failed Cancelled/Terminated Cancelled/Terminated"},
		{"one error allowed", limits("1", "1"), func(l *lab, _ string) { failed(l, web1); success(l, web2); success(l, db1) },
			"Success/Incomplete 3/3/1/0: Failed/Failed Success/Success Success/Success"},
		{"a third may fail", limits("1", "34%"), func(l *lab, _ string) { failed(l, web1); failed(l, web2) },
			"Failed/Failed 3/3/2/0: Failed/Failed Failed/Failed Cancelled/Terminated"},
		{"failed, others have it already", limits("50", "0"), func(l *lab, _ string) { failed(l, web1); success(l, web2) },
			"InProgress/InProgress 3/2/1/0: Failed/Failed Success/Success Pending/Pending"},
		{"never delivered", limits("50", "10"), func(l *lab, _ string) {
			success(l, web1)
			success(l, web2)
			l.pass(600 * time.Second)
		}, "Success/Incomplete 3/3/0/1: Success/Success Success/Success TimedOut/Delivery Timed Out"},
		{"never delivered to anyone", limits("1", "0"), func(l *lab, _ string) { l.pass(600 * time.Second) },
			"TimedOut/Delivery Timed Out 3/3/0/3: TimedOut/Delivery Timed Out TimedOut/Delivery Timed Out TimedOut/Delivery Timed Out"},
		{"just before", limits("50", "0"), func(l *lab, _ string) { l.pass(600*time.Second - 1) },
			"Pending/Pending 3/0/0/0: Pending/Pending Pending/Pending Pending/Pending"},
		{"delivered and silent", limits("50", "0"), func(l *lab, _ string) {
			l.take(web1)
			success(l, web2)
			success(l, db1)
			l.pass(660 * time.Second)
		}, "TimedOut/Execution Timed Out 3/3/1/0: TimedOut/Execution Timed Out Success/Success Success/Success"},
		{"timed out on the host", limits("50", "0"), func(l *lab, _ string) {
			l.reply(l.take(web1), "TimedOut", oneStep)
			success(l, web2)
			failed(l, db1)
		}, "Failed/Failed 3/3/2/0: TimedOut/Execution Timed Out Success/Success Failed/Failed"},
		{"refused by an agent", limits("50", "0"), func(l *lab, _ string) {
			l.call(messageService+".FailMessage", map[string]string{"MessageId": l.take(web1).MessageID, "FailureType": "InternalHandlerException"})
			success(l, web2)
			success(l, db1)
		}, "Success/Success 3/3/0/0: Failed/Undeliverable Success/Success Success/Success"},
		{"cancelled", limits("2", "0"), func(l *lab, id string) {
			m := l.take(web1)
			cancel(l, id)
			want := "Cancelling/Cancelling 3/2/0/0: Cancelling/Cancelling Cancelled/Cancelled Cancelled/Cancelled"
			if got := l.summary(id); got != want {
				t.Errorf("at once %s, want %s", got, want)
			}
			if n := len(l.messages(web2)); n != 0 {
				t.Errorf("a cancelled command is delivered")
			}
			c := l.take(web1)
			assert.True(t, strings.HasPrefix(c.Topic, "aws.ssm.cancelCommand.us-east-1."), "message %+v", c)
			assert.Equal(t, `{"CancelMessageId":"`+m.MessageID+`"}`, c.Payload)
			l.reply(c, "InProgress", "{}") // to the cancel message itself
			l.reply(m, "Cancelled", oneStep)
		}, "Cancelled/Cancelled 3/3/0/0: Cancelled/Cancelled Cancelled/Cancelled Cancelled/Cancelled"},
		{"cancelled, agent says nothing", limits("50", "0"), func(l *lab, id string) {
			l.take(web1)
			cancel(l, id)
			l.pass(cancelGrace)
		}, "Cancelled/Cancelled 3/3/0/0: Cancelled/Cancelled Cancelled/Cancelled Cancelled/Cancelled"},
		{"cancelled on one node", limits("50", "0"), func(l *lab, id string) {
			cancel(l, id, web2)
			success(l, web1)
			success(l, db1)
		}, "Success/Incomplete 3/3/0/0: Success/Success Cancelled/Cancelled Success/Success"},
		{"cancelled when over", limits("50", "0"), func(l *lab, id string) {
			success(l, web1)
			success(l, web2)
			success(l, db1)
			cancel(l, id)
		}, "Success/Success 3/3/0/0: Success/Success Success/Success Success/Success"},
		{"nobody has the tag", func(in *ssm.SendCommandInput) { in.Targets[0].Values = []string{"none"} }, func(*lab, string) {},
			"Success/NoInstancesInTag 0/0/0/0:"},
		{"a tag's key", func(in *ssm.SendCommandInput) {
			in.Targets = []types.Target{{Key: aws.String("tag-key"), Values: []string{"a*b"}}}
		}, func(*lab, string) {}, "Pending/Pending 1/0/0/0: Pending/Pending"},
		{"instances as a target", func(in *ssm.SendCommandInput) {
			in.Targets = append(in.Targets, types.Target{Key: aws.String("InstanceIds"), Values: []string{db1, web1}})
		}, func(*lab, string) {}, "Pending/Pending 2/0/0/0: Pending/Pending Pending/Pending"},
		{"instances by id", func(in *ssm.SendCommandInput) { in.Targets, in.InstanceIds = nil, []string{db1} }, func(l *lab, _ string) { success(l, db1) },
			"Success/Success 1/1/0/0: Success/Success"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := ready(t, Config{})
			id := l.send(tc.edit)
			tc.do(l, id)
			if got := l.summary(id); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestUnknownCommand(t *testing.T) {
	l := ready(t, Config{})
	id := l.send(nil)
	none := aws.String("00000000-0000-4000-8000-000000000000")
	for name, tc := range map[string]struct {
		call func() error
		want string
	}{
		"list": {func() error {
			_, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: none})
			return err
		}, "InvalidCommandId"},
		"list, malformed": {func() error {
			_, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: aws.String("x")})
			return err
		}, "ValidationException"},
		"invocations": {func() error {
			_, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: none})
			return err
		}, "InvalidCommandId"},
		"cancel": {func() error {
			_, err := l.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: none})
			return err
		}, "InvalidCommandId"},
		"cancel, elsewhere": {func() error {
			_, err := l.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &id, InstanceIds: []string{off}})
			return err
		}, "InvalidInstanceId"},
		"instance": {func() error {
			_, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(off)})
			return err
		}, "InvocationDoesNotExist"},
		"plugin": {func() error {
			_, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(web1), PluginName: aws.String("x")})
			return err
		}, "InvalidPluginName"},
	} {
		if got := code(tc.call()); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
