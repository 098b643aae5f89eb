package cloud

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aidefleet/lab/s3"
	"aidefleet/lab/sigv4"
)

// example is one request of each of the services that the lab has, and how it is signed.
type example struct {
	service, method, path, target, body string
}

var examples = map[string]example{
	"SSM":              {"ssm", "POST", "/", "AmazonSSM.ListCommands", "{}"},
	"messages":         {"ec2messages", "POST", "/", messageService + ".GetMessages", "{}"},
	"CloudWatch, CBOR": {"monitoring", "POST", "/service/" + cloudWatch + "/operation/ListMetrics", "", ""},
	"CloudWatch":       {"monitoring", "POST", "/", "", "Action=ListMetrics&Version=2010-08-01"},
	"EC2":              {"ec2", "POST", "/", "", "Action=DescribeInstances&Version=2016-11-15"},
	"STS":              {"sts", "POST", "/", "", "Action=GetCallerIdentity&Version=2011-06-15"},
	"S3":               {"s3", "GET", "/bucket/key", "", ""},
}

func (c example) request() *http.Request {
	r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
	r.Host = "127.0.0.1:4580"
	if c.target != "" {
		r.Header.Set("X-Amz-Target", c.target)
	}
	if c.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") // of nothing
	}
	return r
}

// TestUnauthenticated: each service refuses whom it does not know in its own words,
// and nothing is done or counted.
func TestUnauthenticated(t *testing.T) {
	const json, query, ec2, object = 0, 1, 2, 3
	family := map[string]int{"SSM": json, "messages": json, "CloudWatch, CBOR": json, "CloudWatch": query, "EC2": ec2, "STS": query, "S3": object}
	for _, tc := range []struct {
		name string
		key  sigv4.Key
		edit func(*http.Request)
		want [4]string
	}{
		{"no signature", userKey, func(r *http.Request) { r.Header.Del("Authorization") },
			[4]string{"MissingAuthenticationToken", "<Code>MissingAuthenticationToken</Code>", "<Code>MissingAuthenticationToken</Code>", "<Code>AccessDenied</Code>"}},
		{"half a signature", userKey, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "SignedHeaders=", "Headers=", 1))
		}, [4]string{"IncompleteSignatureException", "<Code>IncompleteSignature</Code>", "<Code>IncompleteSignature</Code>", "<Code>AuthorizationHeaderMalformed</Code>"}},
		{"an invented key", sigv4.Key{ID: "AKIDOTHER", Secret: "secret"}, nil,
			[4]string{"UnrecognizedClientException", "<Code>InvalidClientTokenId</Code>", "<Code>AuthFailure</Code>", "<Code>InvalidAccessKeyId</Code>"}},
		{"an invented session", sigv4.Key{ID: "ASIA1234567890121795655564749", Secret: "lab", Token: "lab"}, nil,
			[4]string{"UnrecognizedClientException", "<Code>InvalidClientTokenId</Code>", "<Code>AuthFailure</Code>", "<Code>InvalidAccessKeyId</Code>"}},
		{"an invented secret", sigv4.Key{ID: userKey.ID, Secret: "lab"}, nil,
			[4]string{"InvalidSignatureException", "<Code>SignatureDoesNotMatch</Code>", "<Code>AuthFailure</Code>", "<Code>SignatureDoesNotMatch</Code>"}},
		{"a name that is not signed", userKey, func(r *http.Request) { r.Host = "localhost" },
			[4]string{"InvalidSignatureException", "<Code>SignatureDoesNotMatch</Code>", "<Code>AuthFailure</Code>", "<Code>SignatureDoesNotMatch</Code>"}},
	} {
		for service, c := range examples {
			t.Run(tc.name+"/"+service, func(t *testing.T) {
				l := New(Config{Region: "us-east-1", Account: "123456789012", Keys: testKeys(), Objects: s3.New("us-east-1", "bucket")}, instances()...)
				t.Cleanup(l.Close)
				r := c.request()
				signAs(t, tc.key, r, []byte(c.body), c.service)
				if tc.edit != nil {
					tc.edit(r)
				}
				w := httptest.NewRecorder()
				l.ServeHTTP(w, r)
				if w.Code != http.StatusForbidden {
					t.Errorf("status %d, want %d", w.Code, http.StatusForbidden)
				}
				if want := tc.want[family[service]]; !strings.Contains(w.Body.String(), want) {
					t.Errorf("%s, want %s", w.Body, want)
				}
				if len(l.calls) > 0 {
					t.Errorf("it was counted: %v", l.calls)
				}
			})
		}
	}
}

// TestAuthenticated: what is signed is answered, and S3 is what it says of a key that is
// not there.
func TestAuthenticated(t *testing.T) {
	for service, c := range examples {
		l := New(Config{Region: "us-east-1", Account: "123456789012", Keys: testKeys(), Objects: s3.New("us-east-1", "bucket"), Metrics: http.NotFoundHandler()}, instances()...)
		l.longPoll = time.Millisecond
		r := c.request()
		signAs(t, userKey, r, []byte(c.body), c.service)
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		l.Close()
		if w.Code == http.StatusForbidden {
			t.Errorf("%s: %s", service, w.Body)
		}
	}
}

// TestAgentsRights: a host's key is for what an agent does.
func TestAgentsRights(t *testing.T) {
	l := newLab(t, Config{})
	l.caller = agentKey
	for target, allowed := range map[string]bool{
		"AmazonSSM.UpdateInstanceInformation": true,
		messageService + ".GetMessages":       true,
		messageService + ".DeleteMessage":     true,
		"AmazonSSM.SendCommand":               false,
		"AmazonSSM.CreateDocument":            false,
		"AmazonSSM.ListCommands":              false,
	} {
		status, out := l.call(target, map[string]string{})
		if refused := status == http.StatusForbidden; refused == allowed {
			t.Errorf("%s: %d %v", target, status, out)
		}
	}
	resp := l.post("/", nil, []byte("Action=AssumeRole&Version=2011-06-15&RoleSessionName=x&RoleArn=arn:aws:iam::123456789012:role/x"))
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err, "a host takes a role")
	assert.Equal(t, http.StatusForbidden, resp.StatusCode, "a host takes a role: %s", text)
}

// TestSession: the credentials of a role are good with their own secret and token, until
// they end.
func TestSession(t *testing.T) {
	l := newLab(t, Config{})
	answer, err := l.serveSTS(&request{protocol: awsQuery, operation: "AssumeRole", form: url.Values{
		"RoleArn": {"arn:aws:iam::123456789012:role/x"}, "RoleSessionName": {"x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	taken := answer.(assumeRoleResponse)
	session := sigv4.Key{ID: taken.AccessKeyID, Secret: taken.SecretKey, Token: taken.SessionToken}
	ask := func(key sigv4.Key) (status int, kind string) {
		t.Helper()
		l.caller = key
		status, out := l.call("AmazonSSM.ListCommands", map[string]string{})
		kind, _ = out["__type"].(string)
		return status, kind
	}
	if status, kind := ask(session); status != http.StatusOK {
		t.Errorf("%d %s", status, kind)
	}
	other := session
	other.Secret = "lab"
	if _, kind := ask(other); kind != "InvalidSignatureException" {
		t.Errorf("another secret: %q", kind)
	}
	other = session
	other.Token = "lab"
	if _, kind := ask(other); kind != "UnrecognizedClientException" {
		t.Errorf("another token: %q", kind)
	}
	l.pass(roleTime)
	if _, kind := ask(session); kind != "ExpiredTokenException" {
		t.Errorf("an hour later: %q", kind)
	}
	if l.faults[string(ended)] != 1 {
		t.Errorf("faults %v, want one session that has ended", l.faults)
	}
}
