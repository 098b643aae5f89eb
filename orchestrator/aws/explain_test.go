package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// against returns the operations of a server that answers everything alike,
// and counts its requests.
func against(t *testing.T, status int, contentType, body string) (o Operations, requests *int) {
	t.Helper()
	requests = new(int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*requests++
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return operations(sdk.Config{
		Region: "eu-central-1", BaseEndpoint: sdk.String(server.URL), RetryMaxAttempts: 2,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	}), requests
}

func TestExplain(t *testing.T) {
	const jsonType, xmlType = "application/x-amz-json-1.1", "text/xml"
	for _, tc := range []struct {
		name, contentType, body string
		call                    func(Operations) error
		want                    string
	}{
		{
			"document", jsonType, `{"__type":"InvalidDocument","Message":"Document with name AideFleet-Check does not exist."}`, send,
			"send: InvalidDocument: Document with name AideFleet-Check does not exist. (publish the documents to this account and region: orchestrator documents publish; orchestrator documents list has their digests)",
		},
		{
			"denied", jsonType, `{"__type":"AccessDeniedException","message":"User: arn:aws:iam::1:user/x is not authorized to perform: ssm:SendCommand"}`, send,
			"send: AccessDeniedException: User: arn:aws:iam::1:user/x is not authorized to perform: ssm:SendCommand (the caller's IAM policy lacks this action)",
		},
		{
			"ec2", xmlType, `<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able
 to validate</Message></Error></Errors><RequestID>r</RequestID></Response>`, list,
			"list: AuthFailure: AWS was not able to validate (these credentials are not valid here: check AWS_PROFILE)",
		},
		{
			"no hint", jsonType, `{"__type":"InvalidParameters","Message":"bad"}`, send,
			"send: InvalidParameters: bad",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, _ := against(t, http.StatusBadRequest, tc.contentType, tc.body)
			if got := Explain(tc.call(o)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	if got := Explain(errors.New("plain\nerror")); got != "plain error" {
		t.Errorf("got %q", got)
	}
}

func send(o Operations) error {
	_, err := o.SendCommand(context.Background(), &ssm.SendCommandInput{DocumentName: sdk.String("AideFleet-Check")})
	return fmt.Errorf("send: %w", err)
}

func list(o Operations) error {
	_, err := o.DescribeInstances(context.Background(), &ec2.DescribeInstancesInput{})
	return fmt.Errorf("list: %w", err)
}

// TestSendOnce: a second SendCommand would be a second run on every host.
func TestSendOnce(t *testing.T) {
	for _, tc := range []struct {
		name     string
		status   int
		body     string
		requests int
	}{
		{"a server error may hide a command", http.StatusInternalServerError, `{"__type":"InternalServerError"}`, 1},
		{"so may an unavailable service", http.StatusServiceUnavailable, "", 1},
		{"a throttled call was refused", http.StatusBadRequest, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, requests := against(t, tc.status, "application/x-amz-json-1.1", tc.body)
			err := send(o)
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), "send: "), err)
			if *requests != tc.requests {
				t.Errorf("%d requests, want %d", *requests, tc.requests)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := Load(t.Context(), ""); !errors.Is(err, ErrNoRegion) {
		t.Errorf("error %v, want ErrNoRegion", err)
	}
	o, err := Load(t.Context(), "eu-central-1")
	assert.NoError(t, err)
	assert.Equal(t, "eu-central-1", o.Region, "%+v", o)
	assert.NotNil(t, o.SendCommand)
}
