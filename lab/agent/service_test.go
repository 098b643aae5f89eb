package agent

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	testInstance = "i-0123456789abcdef0"
	testVersion  = "3.3.0.0"
)

// call is one call the message service got.
type call struct {
	target string
	input  map[string]any
}

// fakeService is a message service. It fails the test on calls that no agent
// makes, and on any answer a test did not ask for.
type fakeService struct {
	t        *testing.T
	url      string
	messages chan message
	calls    chan call
	objects  http.Handler // S3; nil where it is not called

	mu     sync.Mutex
	faults map[string][]int // by operation: HTTP statuses to answer with first, 0 = cut the connection
}

func newFakeService(t *testing.T) *fakeService {
	f := &fakeService{t: t, messages: make(chan message, 20), calls: make(chan call, 200), faults: make(map[string][]int)}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

// fault makes the next calls of an operation fail.
func (f *fakeService) fault(operation string, statuses ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[operation] = statuses
}

func (f *fakeService) nextFault(operation string) (int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	statuses := f.faults[operation]
	if len(statuses) == 0 {
		return 0, false
	}
	f.faults[operation] = statuses[1:]
	return statuses[0], true
}

func (f *fakeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && f.objects != nil {
		f.objects.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the agent was stopped
	}
	c := call{target: r.Header.Get("X-Amz-Target")}
	if err := json.Unmarshal(body, &c.input); err != nil {
		f.t.Errorf("%s: input %q is no JSON object: %v", c.target, body, err)
	}
	service, operation, _ := strings.Cut(c.target, ".")
	signingName := map[string]string{"AmazonSSM": "ssm", "EC2WindowsMessageDeliveryService": "ec2messages"}[service]
	auth := r.Header.Get("Authorization")
	assert.True(f.t, strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "%s: Authorization %q is not a signature for %s", c.target, auth, signingName)
	assert.Contains(f.t, auth, "/us-east-1/"+signingName+"/aws4_request")
	got, want := r.Header.Get("Content-Type"), "application/x-amz-json-1.1"
	assert.Equal(f.t, want, got, "%s: %s %s with content type %q", c.target, r.Method, r.URL.Path, got)
	assert.Equal(f.t, http.MethodPost, r.Method)
	assert.Equal(f.t, "/", r.URL.Path)
	if status, ok := f.nextFault(operation); ok {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"__type":"InternalServerError","message":"a fault of the test"}`)
		return
	}
	var answer any = struct{}{}
	switch c.target {
	case "EC2WindowsMessageDeliveryService.GetMessages":
		answer = f.getMessages(r, c.input)
	case "AmazonSSM.UpdateInstanceInformation",
		"EC2WindowsMessageDeliveryService.AcknowledgeMessage",
		"EC2WindowsMessageDeliveryService.SendReply",
		"EC2WindowsMessageDeliveryService.FailMessage":
		f.calls <- c
	default:
		f.t.Errorf("unexpected call of %q", c.target)
		w.WriteHeader(http.StatusBadRequest)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *fakeService) getMessages(r *http.Request, input map[string]any) any {
	id, _ := input["MessagesRequestId"].(string)
	assert.Equal(f.t, testInstance, input["Destination"], "GetMessages: input %v", input)
	assert.Len(f.t, id, 36)
	assert.Equal(f.t, 10.0, input["VisibilityTimeoutInSeconds"])
	out := map[string]any{"Destination": testInstance, "MessagesRequestId": id, "Messages": []message{}}
	select {
	case m := <-f.messages:
		out["Messages"] = []message{m}
	case <-r.Context().Done():
	}
	return out
}

// next returns the next call; polls do not count.
func (f *fakeService) next() call {
	f.t.Helper()
	select {
	case c := <-f.calls:
		return c
	case <-time.After(10 * time.Second):
		f.t.Fatal("no call within 10 s")
		panic("unreachable")
	}
}

// expect returns the next call, which must be of that operation and, if an id is
// given, for that message.
func (f *fakeService) expect(operation, messageID string) call {
	f.t.Helper()
	c := f.next()
	_, got, _ := strings.Cut(c.target, ".")
	require.Equal(f.t, operation, got, "got %s %v", c.target, c.input)
	if messageID != "" {
		require.Equal(f.t, messageID, c.input["MessageId"])
	}
	return c
}

// expectReply returns the payload of the next call, which must be a reply.
func (f *fakeService) expectReply(messageID string) reply {
	f.t.Helper()
	payload, _ := f.expect("SendReply", messageID).input["Payload"].(string)
	var r reply
	decoder := json.NewDecoder(strings.NewReader(payload))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		f.t.Fatalf("reply %q: %v", payload, err)
	}
	return r
}

// idle checks that the agent does nothing but poll, as far as that can be seen
// without waiting: it answers one more message first.
func (f *fakeService) idle() {
	f.t.Helper()
	f.messages <- message{MessageID: "aws.ssm.probe." + testInstance, Destination: testInstance, CreatedDate: "now", Topic: "aws.ssm.probe"}
	f.expect("FailMessage", "aws.ssm.probe."+testInstance)
}

// start runs an agent against the service until the test ends, and receives its
// registration. The waits of the agent are short; script time-outs come from
// the channel.
func (f *fakeService) start(stateDir string, timeouts <-chan time.Time) {
	f.t.Helper()
	a, err := newAgent(Config{
		Endpoint: f.url, InstanceID: testInstance, Region: "us-east-1",
		PlatformName: "Amazon Linux", PlatformVersion: "2023", AgentVersion: testVersion,
		ComputerName: "web-1", StateDir: stateDir,
	}, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"})
	if err != nil {
		f.t.Fatal(err)
	}
	a.after = func(d time.Duration) <-chan time.Time {
		switch {
		case d == defaultHeartbeat:
			return nil
		case d >= minScriptTimeout*time.Second && d < 10*time.Second, d > 10*time.Second:
			return timeouts
		}
		return time.After(d / 1000)
	}
	ctx, done := f.t.Context(), make(chan error)
	go func() { done <- a.run(ctx) }()
	f.t.Cleanup(func() {
		if err := <-done; err != nil {
			f.t.Errorf("run: %v", err)
		}
	})
	f.expect("UpdateInstanceInformation", "")
}

// id makes a message's id from a short name of a command.
func id(command string) string { return "aws.ssm." + command + "." + testInstance }

// deliver sends a document to the agent.
func (f *fakeService) deliver(command, content string, parameters map[string]any) {
	f.t.Helper()
	payload, err := json.Marshal(map[string]any{
		"CommandId": command, "DocumentName": "Test", "Parameters": parameters, "DocumentContent": json.RawMessage(content),
		"OutputS3KeyPrefix": "", "OutputS3BucketName": "", "CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": "false",
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.messages <- message{
		MessageID: id(command), Destination: testInstance, CreatedDate: "2026-11-23T05:00:00.000Z",
		Topic: "aws.ssm.sendCommand.us-east-1." + testInstance, Payload: string(payload),
	}
}

// deliverCancel cancels a command.
func (f *fakeService) deliverCancel(command string) {
	f.messages <- message{
		MessageID: id("cancel-" + command), Destination: testInstance, CreatedDate: "2026-11-23T05:00:00.000Z",
		Topic: "aws.ssm.cancelCommand.us-east-1." + testInstance, Payload: `{"CancelMessageId":"` + id(command) + `"}`,
	}
}

// accepted receives what the agent says when it takes a command on.
func (f *fakeService) accepted(command string) {
	f.t.Helper()
	r := f.expectReply(id(command))
	require.Equal(f.t, inProgress, r.DocumentStatus, "first reply is %+v", r)
	require.Nil(f.t, r.RuntimeStatus)
	f.expect("AcknowledgeMessage", id(command))
}

// finished receives the replies of a command up to the final one.
func (f *fakeService) finished(command string) (steps []runtimeStatus, final reply) {
	f.t.Helper()
	for {
		r := f.expectReply(id(command))
		if r.DocumentStatus != inProgress {
			return steps, r
		}
		for _, s := range r.RuntimeStatus {
			steps = append(steps, s)
		}
	}
}

// run delivers a document and returns what came of it.
func (f *fakeService) run(command, content string, parameters map[string]any) ([]runtimeStatus, reply) {
	f.t.Helper()
	f.deliver(command, content, parameters)
	f.accepted(command)
	return f.finished(command)
}
