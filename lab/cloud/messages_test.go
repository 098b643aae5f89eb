package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/agent"
)

func TestVisibility(t *testing.T) {
	l := ready(t, Config{})
	l.send(nil)
	if n := len(l.messages(web1)); n != 1 {
		t.Fatalf("%d messages", n)
	}
	if n := len(l.messages(web1)); n != 0 {
		t.Errorf("a message that was just received comes again")
	}
	l.pass(10 * time.Second)
	m := l.messages(web1)
	if len(m) != 1 {
		t.Fatal("a message that nobody acknowledged is lost")
	}
	l.pass(10 * time.Second)
	l.call(messageService+".DeleteMessage", map[string]string{"MessageId": m[0].MessageID})
	if n := len(l.messages(web1)); n != 0 {
		t.Errorf("a deleted message comes again")
	}
}

func TestMessagesRefused(t *testing.T) {
	l := ready(t, Config{})
	id := l.send(nil)
	own := "aws.ssm." + id + "." + web1
	for _, tc := range []struct {
		name, operation string
		in              map[string]string
		status          int
		want            string
	}{
		{"unknown instance", "GetMessages", map[string]string{"Destination": "i-1"}, 400, "InvalidInstanceId"},
		{"stopped instance", "GetMessages", map[string]string{"Destination": off}, 400, "InvalidInstanceId"},
		{"no id", "AcknowledgeMessage", nil, 400, "ValidationException"},
		{"id of an unknown instance", "SendReply", map[string]string{"MessageId": "aws.ssm.x.i-1"}, 400, "InvalidInstanceId"},
		{"delete without an id", "DeleteMessage", nil, 400, "ValidationException"},
		{"fail without an id", "FailMessage", nil, 400, "ValidationException"},
		{"reply that is no JSON", "SendReply", map[string]string{"MessageId": own, "Payload": "x"}, 400, "ValidationException"},
		{"unknown command", "SendReply", map[string]string{"MessageId": "aws.ssm.x." + web1, "Payload": "{}"}, 200, ""},
		{"status that nobody knows", "SendReply", map[string]string{"MessageId": own, "Payload": `{"documentStatus":"Odd","runtimeStatus":{"first":null}}`}, 200, ""},
	} {
		status, out := l.call(messageService+"."+tc.operation, tc.in)
		got, _ := out["__type"].(string)
		assert.Equal(t, tc.status, status, "%s: %d %v", tc.name, status, out)
		assert.Equal(t, tc.want, got, tc.name)
	}
}

// TestLongPoll waits for a message that comes later, and for one that becomes
// visible again.
func TestLongPoll(t *testing.T) {
	l := ready(t, Config{})
	l.longPoll = time.Minute
	got := make(chan int)
	poll := func() { got <- len(l.messages(web1)) }
	go poll()
	l.send(nil)
	for range 2 {
		select {
		case n := <-got:
			if n != 1 {
				t.Errorf("%d messages", n)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the poll goes on")
		}
		l.pass(10 * time.Second)
		go poll()
	}
	<-got
}

func TestPollOfALostClient(t *testing.T) {
	l := ready(t, Config{})
	l.longPoll = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := getMessages(ctx, l.Cloud, []byte(`{"Destination":"`+web1+`"}`)); err != nil {
		t.Error(err)
	}
}

// TestRegistered looks at the nodes that SSM knows, and at those it has lost.
func TestRegistered(t *testing.T) {
	l := newLab(t, Config{}, append(instances(), Instance{ID: "mi-00000000000000001", Name: "rack", State: running})...)
	describe := func(in string) (got string) {
		status, out := l.call(ssmService+".DescribeInstanceInformation", json.RawMessage(in))
		if status != http.StatusOK {
			return fmt.Sprint(out["__type"])
		}
		list, _ := out["InstanceInformationList"].([]any)
		for _, entry := range list {
			i, _ := entry.(map[string]any)
			got += fmt.Sprintf("%v %v %v,", i["InstanceId"], i["PingStatus"], i["Name"])
		}
		return got
	}
	if got := describe("{}"); got != "" {
		t.Errorf("before any registration: %s", got)
	}
	l.register(web1, web2, "mi-00000000000000001")
	if status, _ := l.call(ssmService+".UpdateInstanceInformation", map[string]string{"InstanceId": off}); status != http.StatusBadRequest {
		t.Errorf("a stopped instance registers: %d", status)
	}
	l.pass(10 * time.Second)
	l.messages(web1) // a sign of life
	l.pass(5 * time.Second)
	first, second, rack := web1+" Online <nil>,", web2+" ConnectionLost <nil>,", "mi-00000000000000001 ConnectionLost rack,"
	for _, tc := range []struct {
		name, in, want string
	}{
		{"all", `{}`, first + second + rack},
		{"ids", `{"Filters":[{"Key":"InstanceIds","Values":["` + web1 + `","` + off + `"]}]}`, first},
		{"ping", `{"Filters":[{"Key":"PingStatus","Values":["ConnectionLost"]}]}`, second + rack},
		{"two filters", `{"Filters":[{"Key":"PingStatus","Values":["ConnectionLost"]},{"Key":"ResourceType","Values":["EC2Instance"]}]}`, second},
		{"the older list", `{"InstanceInformationFilterList":[{"key":"PlatformTypes","valueSet":["Linux"]},{"key":"InstanceIds","valueSet":["` + web2 + `"]}]}`, second},
		{"tag", `{"Filters":[{"Key":"tag:role","Values":["web"]},{"Key":"tag:env","Values":["prod"]}]}`, first + second},
		{"tag without wildcards", `{"Filters":[{"Key":"tag:role","Values":["w*"]}]}`, ""},
		{"tag with another", `{"Filters":[{"Key":"tag:role","Values":["web"]},{"Key":"PingStatus","Values":["Online"]}]}`, "ValidationException"},
		{"both lists", `{"Filters":[{"Key":"PingStatus","Values":["Online"]}],"InstanceInformationFilterList":[{"key":"PingStatus","valueSet":["Online"]}]}`, "ValidationException"},
		{"unknown key", `{"Filters":[{"Key":"Colour","Values":["red"]}]}`, "InvalidFilterKey"},
		{"no values", `{"Filters":[{"Key":"AgentVersion"}]}`, "InvalidInstanceInformationFilterValue"},
		{"page too small", `{"MaxResults":4}`, "ValidationException"},
	} {
		if got := describe(tc.in); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestAgent runs a command through the lab's agent, and cancels another.
func TestAgent(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", agentKey.ID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", agentKey.Secret)
	c := New(Config{Region: "us-east-1", Account: "123456789012", Keys: testKeys(), Consistency: -1}, instances()...)
	server := httptest.NewServer(c)
	defer server.Close()
	defer c.Close()
	l := &lab{Cloud: c, t: t, url: server.URL}
	l.ssm = ssm.NewFromConfig(l.sdk())
	if err := l.create("Doc", `{"schemaVersion":"2.2","parameters":{"commands":{"type":"StringList"}},"mainSteps":[
		{"action":"aws:runShellScript","name":"one","inputs":{"runCommand":"{{ commands }}"}},
		{"action":"aws:runShellScript","name":"two","inputs":{"runCommand":["echo two"]}}]}`); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() {
		stopped <- agent.Run(ctx, agent.Config{Endpoint: server.URL, InstanceID: web1, Region: "us-east-1", AgentVersion: "3.3.0.0", StateDir: t.TempDir()})
	}()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what + ": not in 20 s")
			}
		}
	}
	until("registration", func() bool {
		out, err := l.ssm.DescribeInstanceInformation(t.Context(), nil)
		return err == nil && len(out.InstanceInformationList) == 1
	})
	send := func(commands ...string) string {
		return l.send(func(in *ssm.SendCommandInput) {
			in.Targets, in.InstanceIds, in.Parameters = nil, []string{web1}, map[string][]string{"commands": commands}
		})
	}
	id := send("echo one", "echo bad >&2")
	until("success", func() bool { return l.get(id).Status == "Success" })
	out, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &id, Details: true})
	if err != nil {
		t.Fatal(err)
	}
	plugins := out.CommandInvocations[0].CommandPlugins
	require.Len(t, plugins, 2)
	assert.Equal(t, "one\n"+errorTitle+"bad\n", *plugins[0].Output, "plugins %+v", plugins)
	assert.Equal(t, "two\n", *plugins[1].Output)
	id = send("sleep 60")
	until("start", func() bool { return l.get(id).Status == "InProgress" })
	if _, err := l.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &id}); err != nil {
		t.Fatal(err)
	}
	until("cancel", func() bool { return l.get(id).Status == "Cancelled" })
}

// TestAgentsSmallTalk answers what agents ask for and a lab has nothing of.
func TestAgentsSmallTalk(t *testing.T) {
	l := newLab(t, Config{})
	l.caller = agentKey
	for operation, want := range map[string]string{
		"ListInstanceAssociations":        `{"Associations":[]}`,
		"ListAssociations":                `{"Associations":[]}`,
		"GetParameters":                   `{"InvalidParameters":["a"],"Parameters":[]}`,
		"PutInventory":                    `{}`,
		"PutComplianceItems":              `{}`,
		"UpdateInstanceAssociationStatus": `{}`,
	} {
		status, out := l.call(ssmService+"."+operation, map[string]any{"Names": []string{"a"}})
		assert.Equal(t, http.StatusOK, status, "%s: %d %s", operation, status, text(out))
		assert.Equal(t, want, text(out), operation)
	}
}
