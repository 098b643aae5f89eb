package cloud

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/sigv4"
)

const (
	web1 = "i-00000000000000001"
	web2 = "i-00000000000000002"
	db1  = "i-00000000000000003"
	off  = "i-00000000000000009" // stopped
)

var launched = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func instances() []Instance {
	return []Instance{
		{ID: web1, Name: "web-1", Tags: map[string]string{"env": "prod", "role": "web"}, State: running, PrivateIP: "10.0.0.1", Launched: launched},
		{ID: web2, Name: "web-2", Tags: map[string]string{"env": "prod", "role": "web"}, State: running, PrivateIP: "10.0.0.2", Launched: launched},
		{ID: db1, Name: "db-1", Tags: map[string]string{"env": "prod", "role": "db", "a*b": "c*d"}, State: running, Launched: launched},
		{ID: off, Name: "old", Tags: map[string]string{"env": "prod"}, State: "stopped", Launched: launched},
	}
}

// lab is a cloud behind a port, with a clock that a test sets.
type lab struct {
	*Cloud
	t   *testing.T
	url string
	ssm *ssm.Client
	ec2 *ec2.Client

	caller sigv4.Key // of post; the user if it is not set

	mu   sync.Mutex
	time time.Time
}

func newLab(t *testing.T, c Config, hosts ...Instance) *lab {
	t.Helper()
	c.Region, c.Account = "us-east-1", "123456789012"
	c.Keys = testKeys()
	if c.Consistency == 0 {
		c.Consistency = -1
	}
	if hosts == nil {
		hosts = instances()
	}
	l := &lab{Cloud: New(c, hosts...), t: t, time: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)}
	l.now = func() time.Time {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.time
	}
	l.longPoll = time.Millisecond
	server := httptest.NewServer(l.Cloud)
	t.Cleanup(func() {
		l.Close()
		server.Close()
	})
	l.url = server.URL
	l.ssm = ssm.NewFromConfig(l.sdk())
	l.ec2 = ec2.NewFromConfig(l.sdk())
	return l
}

// sdk leaves the SDK's retries on: smithy-go 1.28.8 closes a request's body once
// there is an answer, and on a loopback that can be before net/http has finished
// with the body, which makes net/http drop the connection and the answer.
func (l *lab) sdk() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &l.url,
		Credentials: credentials.NewStaticCredentialsProvider(userKey.ID, userKey.Secret, ""),
	}
}

// pass lets time go by.
func (l *lab) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time = l.time.Add(d)
}

// call makes a call as an agent does.
func (l *lab) call(target string, in any) (status int, out map[string]any) {
	l.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		l.t.Fatal(err)
	}
	resp := l.post("/", map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}, body)
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		l.t.Fatalf("%s: %v", target, err)
	}
	return resp.StatusCode, out
}

func (l *lab) post(path string, header map[string]string, body []byte) *http.Response {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodPost, l.url+path, bytes.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if header["Authorization"] == "none" {
		req.Header.Del("Authorization")
	} else {
		l.sign(req, body)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp
}

// The keys of a test's account: its user's, and its hosts'.
var (
	userKey  = sigv4.Key{ID: "AKIDEXAMPLE", Secret: "secret", Account: "123456789012"}
	agentKey = sigv4.Key{ID: "AKIDAGENT", Secret: "of hosts", Account: "123456789012", Agent: true}
)

func testKeys() *sigv4.Keys { return sigv4.New(userKey, agentKey) }

// sign signs a request for the service that it is meant for.
func (l *lab) sign(r *http.Request, body []byte) {
	l.t.Helper()
	service := "monitoring"
	switch text := r.Header.Get("X-Amz-Target") + string(body); {
	case strings.HasPrefix(text, "AmazonSSM."):
		service = "ssm"
	case strings.HasPrefix(text, "EC2Windows"):
		service = "ec2messages"
	case strings.Contains(text, "2016-11-15"):
		service = "ec2"
	case strings.Contains(text, "2011-06-15"):
		service = "sts"
	}
	key := l.caller
	if key.ID == "" {
		key = userKey
	}
	signAs(l.t, key, r, body, service)
}

func signAs(t *testing.T, key sigv4.Key, r *http.Request, body []byte, service string) {
	t.Helper()
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.Token}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
}

// register brings the agents of these instances up.
func (l *lab) register(ids ...string) {
	l.t.Helper()
	for _, id := range ids {
		status, out := l.call(ssmService+".UpdateInstanceInformation", map[string]string{
			"InstanceId": id, "AgentVersion": "3.3.0.0", "PlatformType": "Linux", "PlatformName": "Amazon Linux", "ComputerName": "ip-10-0-0-1",
		})
		if status != http.StatusOK {
			l.t.Fatalf("register %s: %d %v", id, status, out)
		}
	}
}

func (l *lab) messages(instance string) []messageView {
	l.t.Helper()
	status, out := l.call(messageService+".GetMessages", map[string]any{
		"Destination": instance, "MessagesRequestId": "r", "VisibilityTimeoutInSeconds": 10,
	})
	if status != http.StatusOK {
		l.t.Fatalf("GetMessages: %d %v", status, out)
	}
	b, _ := json.Marshal(out["Messages"])
	var list []messageView
	if err := json.Unmarshal(b, &list); err != nil {
		l.t.Fatal(err)
	}
	return list
}

// take receives the one message that waits for an instance and acknowledges it.
func (l *lab) take(instance string) messageView {
	l.t.Helper()
	list := l.messages(instance)
	if len(list) != 1 {
		l.t.Fatalf("%d messages for %s, want 1", len(list), instance)
	}
	if status, out := l.call(messageService+".AcknowledgeMessage", map[string]string{"MessageId": list[0].MessageID}); status != http.StatusOK {
		l.t.Fatalf("AcknowledgeMessage: %d %v", status, out)
	}
	return list[0]
}

// reply answers a message; steps are JSON.
func (l *lab) reply(m messageView, documentStatus, steps string) {
	l.t.Helper()
	payload := fmt.Sprintf(`{"additionalInfo":{},"documentStatus":%q,"documentTraceOutput":"","runtimeStatus":%s}`, documentStatus, steps)
	if status, out := l.call(messageService+".SendReply", map[string]string{"MessageId": m.MessageID, "Payload": payload, "ReplyId": "r"}); status != http.StatusOK {
		l.t.Fatalf("SendReply: %d %v", status, out)
	}
}

// code is the code of a service's error.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestIdentify(t *testing.T) {
	var handed string
	metrics := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		handed = string(b)
		w.WriteHeader(http.StatusAccepted)
	})
	l := newLab(t, Config{Metrics: metrics})
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "Action=PutMetricData&Version=2010-08-01")
	_ = z.Close()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	target := func(target string) map[string]string {
		return map[string]string{"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
	}
	const cborPath = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
	for _, tc := range []struct {
		name, path string
		header     map[string]string
		body       string
		status     int
		want       string // in the answer or, for CloudWatch, what it was handed
	}{
		{"CloudWatch CBOR", cborPath, nil, "\xbf\xff", 202, "\xbf\xff"},
		{"CloudWatch JSON", "/", target("GraniteServiceVersion20100801.PutMetricData"), "{}", 202, "{}"},
		{"CloudWatch Query", "/", form, "Action=PutMetricData&Version=2010-08-01", 202, "Action=PutMetricData&Version=2010-08-01"},
		{"CloudWatch Query, compressed", "/", map[string]string{"Content-Encoding": "gzip"}, zipped.String(), 202, zipped.String()},
		{"broken compression", "/", map[string]string{"Content-Encoding": "gzip"}, "x", 400, "<Code>MalformedQueryString</Code>"},
		{"SSM", "/", target("AmazonSSM.ListAssociations"), "{}", 200, `{"Associations":[]}`},
		{"SSM, unknown operation", "/", target("AmazonSSM.StartSession"), "{}", 400, `"__type":"UnknownOperationException"`},
		{"SSM, no JSON", "/", target("AmazonSSM.ListCommands"), "{", 400, `"__type":"SerializationException"`},
		{"unknown service", "/", target("DynamoDB_20120810.ListTables"), "{}", 400, "UnknownOperationException"},
		{"unknown service in CBOR", "/service/Other/operation/X", nil, "", 400, "UnknownOperationException"},
		{"EC2, unknown operation", "/", form, "Action=RunInstances&Version=2016-11-15", 400, "<Response><Errors><Error><Code>InvalidAction</Code>"},
		{"STS, unknown operation", "/", form, "Action=GetSessionToken&Version=2011-06-15", 400, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"},
		{"unknown version", "/", form, "Action=X&Version=2000-01-01", 400, "InvalidAction"},
		{"no action", "/", form, "", 400, "MissingAction"},
		{"too large", "/", target("AmazonSSM.ListCommands"), strings.Repeat(" ", maxBody+1), 413, "RequestEntityTooLargeException"},
		{"no signature for SSM", "/", map[string]string{"Authorization": "none", "X-Amz-Target": "AmazonSSM.ListCommands"}, "{}", 403, `{"__type":"MissingAuthenticationToken","message":"Missing Authentication Token"}`},
		{"no signature for CBOR", cborPath, map[string]string{"Authorization": "none"}, "", 403, "MissingAuthenticationToken"},
		{"no signature for EC2", "/", map[string]string{"Authorization": "none"}, "Action=DescribeInstances&Version=2016-11-15", 403, "<Code>MissingAuthenticationToken</Code>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			handed = ""
			resp := l.post(tc.path, tc.header, []byte(tc.body))
			defer func() { _ = resp.Body.Close() }()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := string(b) + handed
			assert.Equal(t, tc.status, resp.StatusCode, "got %d %s", resp.StatusCode, got)
			assert.Contains(t, got, tc.want)
			if len(resp.Header.Get("X-Amzn-Requestid")) != 36 {
				t.Errorf("request id %q", resp.Header.Get("X-Amzn-Requestid"))
			}
		})
	}
}

// TestErrorsReachTheSDK asks each protocol's own client what it makes of an error.
func TestErrorsReachTheSDK(t *testing.T) {
	l := newLab(t, Config{})
	_, err := l.ssm.GetDocument(t.Context(), &ssm.GetDocumentInput{Name: aws.String("Nothing")})
	assert.Equal(t, "InvalidDocument", code(err))
	assert.ErrorContains(t, err, "Document with name Nothing does not exist.")
	_, err = l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-1"}})
	assert.Equal(t, "InvalidInstanceID.Malformed", code(err))
	assert.ErrorContains(t, err, "RequestID: ")
	_, err = cloudwatch.NewFromConfig(l.sdk()).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("AIDE"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("added"), Value: aws.Float64(1)}},
	})
	if code(err) != "UnknownOperationException" {
		t.Errorf("CloudWatch: %v", err)
	}
	_, err = sts.NewFromConfig(l.sdk()).GetSessionToken(t.Context(), nil)
	if code(err) != "InvalidAction" {
		t.Errorf("STS: %v", err)
	}
	who, err := sts.NewFromConfig(l.sdk()).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "123456789012", aws.ToString(who.Account), "STS: %+v", who)
}

func TestStats(t *testing.T) {
	l := newLab(t, Config{})
	l.register(web1, web2)
	if _, err := l.ec2.DescribeInstances(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(l.url + "/lab/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, _ := io.ReadAll(resp.Body)
	if want := `{"calls":{"DescribeInstances":1,"UpdateInstanceInformation":2},"faults":{},"commands":{},"truth":{}}`; string(b) != want {
		t.Errorf("stats %s, want %s", b, want)
	}
	refused := l.post("/lab/stats", nil, nil)
	defer func() { _ = refused.Body.Close() }()
	if refused.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", refused.Status)
	}
}

func TestCloseEndsLongPolls(t *testing.T) {
	l := newLab(t, Config{})
	l.longPoll = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan error)
	go func() {
		_, err := getMessages(ctx, l.Cloud, []byte(`{"Destination":"`+web1+`"}`))
		done <- err
	}()
	l.Close()
	err := <-done
	require.NoError(t, err)
	assert.NoError(t, ctx.Err())
}
