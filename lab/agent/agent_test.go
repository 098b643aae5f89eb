package agent

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestRegisters(t *testing.T) {
	f := newFakeService(t)
	f.fault("UpdateInstanceInformation", 0, http.StatusInternalServerError, http.StatusBadRequest)
	a, err := newAgent(Config{
		Endpoint: f.url, InstanceID: testInstance, Region: "us-east-1", PlatformName: "Amazon Linux", PlatformVersion: "2023",
		AgentVersion: testVersion, ComputerName: "web-1", StateDir: t.TempDir(), Heartbeat: time.Hour,
	}, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	beat := make(chan time.Time)
	a.after = func(d time.Duration) <-chan time.Time {
		if d == time.Hour {
			return beat
		}
		return time.After(d / 1000)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.run(ctx) }()
	want := map[string]any{
		"InstanceId": testInstance, "AgentName": "amazon-ssm-agent", "AgentVersion": testVersion, "AgentStatus": "Active",
		"PlatformType": "Linux", "PlatformName": "Amazon Linux", "PlatformVersion": "2023", "ComputerName": "web-1",
		"IPAddress": "127.0.0.1", "SSMConnectionChannel": "ec2messages",
	}
	for range 2 {
		if got := f.expect("UpdateInstanceInformation", "").input; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("registered with %v, want %v", got, want)
		}
		select {
		case beat <- time.Time{}: // the second registration is a heartbeat
		case <-time.After(10 * time.Second):
			t.Fatal("no heartbeat awaited")
		}
	}
	f.expect("UpdateInstanceInformation", "")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConfigurationThatCannotWork(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	good := Config{Endpoint: "http://127.0.0.1:1", InstanceID: testInstance, Region: "us-east-1"}
	tests := []struct {
		want string
		edit func(*Config)
	}{
		{"no endpoint", func(c *Config) { c.Endpoint = "" }},
		{"no instance id", func(c *Config) { c.InstanceID = "" }},
		{"no region", func(c *Config) { c.Region = "" }},
		{"AWS_ACCESS_KEY_ID", func(*Config) { t.Setenv("AWS_ACCESS_KEY_ID", "") }},
	}
	for _, tt := range tests {
		c := good
		tt.edit(&c)
		err := Run(t.Context(), c)
		assert.ErrorContains(t, err, tt.want, "%+v", c)
	}
}

func TestConfigSurvivesItsEncoding(t *testing.T) {
	want := Config{Endpoint: "http://127.0.0.1:4566", InstanceID: testInstance, Region: "us-east-1", PlatformName: `A "Linux"`, Heartbeat: time.Minute}
	got, err := ParseConfig(want.Encode())
	assert.NoError(t, err)
	assert.Equal(t, want, got)
	if _, err := ParseConfig("{"); err == nil {
		t.Error("no error for half a configuration")
	}
}

// TestReplies holds the replies of a command against golden files: the very
// JSON that the service gets.
func TestReplies(t *testing.T) {
	tests := map[string]string{
		"one-step":  `[{"action":"aws:runShellScript","name":"only","inputs":{"runCommand":["echo out","echo err >&2","exit 3"]}}]`,
		"two-steps": `[{"action":"aws:runShellScript","name":"a","inputs":{"runCommand":["echo one"]}},{"action":"aws:runShellScript","name":"b","precondition":{"StringEquals":["platformType","Windows"]},"inputs":{"runCommand":["echo two"]}}]`,
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFakeService(t)
			f.start(t.TempDir(), nil)
			f.deliver("one", content(steps), nil)
			var got strings.Builder
			for {
				c := f.next()
				fmt.Fprintln(&got, c.target)
				payload, ok := c.input["Payload"].(string)
				if !ok {
					continue
				}
				var r map[string]any
				if err := json.Unmarshal([]byte(payload), &r); err != nil {
					t.Fatal(err)
				}
				neutralise(r)
				pretty, _ := json.MarshalIndent(r, "", "  ")
				fmt.Fprintf(&got, "%s\n", pretty)
				if r["documentStatus"] != "InProgress" {
					break
				}
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("%s differs (go test -update rewrites it):\n%s", golden, got.String())
			}
		})
	}
}

// neutralise replaces dates, after a check of their form.
func neutralise(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for key, value := range m {
		if s, ok := value.(string); ok && strings.HasSuffix(strings.ToLower(key), "datetime") {
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", s); err == nil {
				m[key] = "DATE"
			}
		}
		neutralise(value)
	}
}

func TestRepliesSurviveAFailingService(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	f.fault("GetMessages", 0, http.StatusInternalServerError)
	f.fault("AcknowledgeMessage", 0, http.StatusServiceUnavailable)
	f.fault("SendReply", http.StatusInternalServerError, 0, http.StatusTooManyRequests)
	steps, final := f.run("one", content(shell("only", "echo hello")), nil)
	require.Len(t, steps, 1, "got %+v %+v", steps, final)
	assert.Equal(t, "hello\n", steps[0].StandardOutput)
	assert.Equal(t, success, final.DocumentStatus)
}

func TestRefusedReplyIsGivenUp(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	f.fault("SendReply", http.StatusBadRequest) // the one that says InProgress
	f.deliver("one", content(shell("only", "echo hello")), nil)
	f.expect("AcknowledgeMessage", id("one"))
	if _, final := f.finished("one"); final.DocumentStatus != success {
		t.Errorf("got %+v", final)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	whole := message{
		MessageID: id("one"), Destination: testInstance, CreatedDate: "2026-11-23T05:00:00.000Z",
		Topic: "aws.ssm.sendCommand", Payload: `{"DocumentContent":` + content(shell("only", "echo")) + `}`,
	}
	tests := map[string]func(*message){
		"unknown topic":         func(m *message) { m.Topic = "aws.ssm.updateConfig" },
		"no command id":         func(m *message) { m.MessageID = "0123456789abcdef" },
		"command id is a path":  func(m *message) { m.MessageID = "aws.ssm.../../etc." + testInstance },
		"cancel without a body": func(m *message) { m.Topic, m.Payload = "aws.ssm.cancelCommand", "" },
	}
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	for name, edit := range tests {
		m := whole
		edit(&m)
		f.messages <- m
		if c := f.expect("FailMessage", m.MessageID); c.input["FailureType"] != "InternalHandlerException" {
			t.Errorf("%s: %v", name, c.input)
		}
	}
	m := whole
	m.CreatedDate = ""
	f.messages <- m // is ignored
	f.idle()
}

func TestDocumentsThatAreRefused(t *testing.T) {
	tests := []struct {
		name, payload, want string
	}{
		{"no JSON", `{`, "Encountered error while parsing input - internal error"},
		{"schema 1.2", `{"DocumentContent":{"schemaVersion":"1.2"}}`, "Document with schema version 1.2 is not supported"},
		{"no steps", `{"DocumentContent":{"schemaVersion":"2.2","mainSteps":[]}}`, "Unsupported schema format"},
		{"a step twice", `{"DocumentContent":` + content(shell("a", "echo"), shell("a", "echo")) + `}`, "used twice"},
		{"pattern", `{"Parameters":{"p":"x;y"},"DocumentContent":{"schemaVersion":"2.2","parameters":{"p":{"type":"String","allowedPattern":"^[a-z]+$"}},"mainSteps":[{}]}}`,
			"Parameter value for p does not match the allowed pattern ^[a-z]+$"},
		{"pattern of a list", `{"Parameters":{"p":["x","Y"]},"DocumentContent":{"schemaVersion":"2.2","parameters":{"p":{"type":"StringList","allowedPattern":"^[a-z]+$"}},"mainSteps":[{}]}}`,
			"does not match"},
		{"pattern without a value", `{"DocumentContent":{"schemaVersion":"2.2","parameters":{"p":{"type":"String","allowedPattern":"^[a-z]+$"}},"mainSteps":[{}]}}`,
			"Unable to determine parameter value type for p"},
		{"pattern of Java", `{"DocumentContent":{"schemaVersion":"2.2","parameters":{"p":{"type":"String","default":"x","allowedPattern":"^(?=x)$"}},"mainSteps":[{}]}}`,
			"Encountered error while parsing input"},
		{"parameter store", `{"DocumentContent":` + content(shell("a", "echo {{ssm:/db/password}}")) + `}`, "Input contains invalid parameters [/db/password]"},
	}
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := id(fmt.Sprint(i))
			f.messages <- message{MessageID: id, Destination: testInstance, CreatedDate: "now", Topic: "aws.ssm.sendCommand", Payload: tt.payload}
			r := f.expectReply(id)
			assert.Equal(t, failed, r.DocumentStatus, "got %s %q", r.DocumentStatus, r.DocumentTraceOutput)
			assert.Contains(t, r.DocumentTraceOutput, tt.want)
		})
	}
	f.idle()
}

func TestCommandSeenBeforeIsDropped(t *testing.T) {
	state := t.TempDir()
	t.Run("first life", func(t *testing.T) {
		f := newFakeService(t)
		f.start(state, nil)
		f.run("one", content(shell("only", "echo")), nil)
		f.deliver("one", content(shell("only", "echo")), nil)
		f.expect("AcknowledgeMessage", id("one"))
		f.idle()
	})
	t.Run("second life", func(t *testing.T) {
		f := newFakeService(t)
		f.start(state, nil)
		f.deliver("one", content(shell("only", "echo")), nil)
		f.expect("AcknowledgeMessage", id("one"))
		f.run("two", content(shell("only", "echo")), nil)
	})
}

// TestFiveAtOnce sends six commands: the sixth has to wait for one of the others.
func TestFiveAtOnce(t *testing.T) {
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	gate := filepath.Join(t.TempDir(), "gate")
	command := func(i int) string { return fmt.Sprint("command-", i) }
	waiting := fmt.Sprintf("touch %s.$SSM_COMMAND_ID; until [ -e %s ]; do sleep 0.01; done", gate, gate)
	for i := range maxCommands + 1 {
		f.deliver(command(i), content(shell("only", waiting)), nil)
		f.accepted(command(i))
	}
	started := func() int {
		files, _ := filepath.Glob(gate + ".*")
		return len(files)
	}
	for deadline := time.Now().Add(10 * time.Second); started() < maxCommands && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	f.idle()
	if n := started(); n != maxCommands {
		t.Fatalf("%d commands run, want %d", n, maxCommands)
	}
	// A command that waits can be cancelled; nothing of it runs.
	last := command(maxCommands)
	f.deliverCancel(last)
	f.accepted("cancel-" + last)
	steps, final := f.finished(last)
	assert.Equal(t, cancelled, final.DocumentStatus, "got %+v %+v", steps, final)
	require.Len(t, steps, 1)
	require.Equal(t, cancelled, steps[0].Status)
	assert.Equal(t, 1, steps[0].Code)
	if n := started(); n != maxCommands {
		t.Errorf("%d commands have run, want %d", n, maxCommands)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := 0
	for ended < maxCommands {
		var r reply
		payload, _ := f.expect("SendReply", "").input["Payload"].(string)
		if err := json.Unmarshal([]byte(payload), &r); err != nil {
			t.Fatal(err)
		}
		if r.DocumentStatus == success {
			ended++
		}
	}
}

// content writes a document of schema 2.2 with the given steps.
func content(steps ...string) string {
	all := strings.Join(steps, ",")
	if !strings.HasPrefix(all, "[") {
		all = "[" + all + "]"
	}
	return `{"schemaVersion":"2.2","mainSteps":` + all + `}`
}

// shell writes a step that runs a script; further inputs are JSON members.
func shell(name, script string, inputs ...string) string {
	line, err := json.Marshal(script)
	if err != nil {
		panic(err)
	}
	members := append([]string{`"runCommand":[` + string(line) + `]`}, inputs...)
	return fmt.Sprintf(`{"action":"aws:runShellScript","name":%q,"inputs":{%s}}`, name, strings.Join(members, ","))
}
