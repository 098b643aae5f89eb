package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/assert"
)

// served are the operations of a server, with the options that Load gives them.
func served(t *testing.T, serve http.HandlerFunc) Operations {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	cfg := sdk.Config{
		Region: "eu-central-1", BaseEndpoint: sdk.String(server.URL), RetryMaxAttempts: 2,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		HTTPClient:  awshttp.NewBuildableClient(),
		APIOptions:  []func(*middleware.Stack) error{tellPages},
	}
	cfg.Retryer = patient(t.Context(), cfg.Credentials)
	return operations(cfg)
}

// TestPages: a page of HTML is told as one, whatever service was asked, and a call
// is made again if its status says so.
func TestPages(t *testing.T) {
	for _, tc := range []struct {
		name, page string
		status     int
		calls      int32
		want       string
	}{
		{
			"a proxy without a backend", "<html><head><title>503 Service Temporarily\n Unavailable</title></head><body>x</body></html>", 503, 2,
			"503 Service Unavailable, an HTML page from a proxy or load balancer: 503 Service Temporarily Unavailable (check the network, HTTPS_PROXY and AWS_ENDPOINT_URL)",
		},
		{
			"no title", "<html><style>p{}</style><body><h1>Bad &amp; Gateway</h1><script>x()</script></body></html>", 502, 2,
			"502 Bad Gateway, an HTML page from a proxy or load balancer: Bad & Gateway (check the network, HTTPS_PROXY and AWS_ENDPOINT_URL)",
		},
		{
			"a captive portal", "<title></title>Please sign in", 200, 1,
			"200 OK, an HTML page from a proxy or load balancer: Please sign in (check the network, HTTPS_PROXY and AWS_ENDPOINT_URL)",
		},
		{
			"nothing to read", "", 403, 1,
			"403 Forbidden, an HTML page from a proxy or load balancer (check the network, HTTPS_PROXY and AWS_ENDPOINT_URL)",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel() // they wait for retries
			for service, call := range map[string]func(Operations) error{
				"ssm": func(o Operations) error { _, err := o.ListCommands(t.Context(), &ssm.ListCommandsInput{}); return err },
				"ec2": func(o Operations) error {
					_, err := o.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
					return err
				},
				"cloudwatch": func(o Operations) error {
					_, err := o.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{})
					return err
				},
			} {
				var calls atomic.Int32
				o := served(t, func(w http.ResponseWriter, _ *http.Request) {
					calls.Add(1)
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					w.WriteHeader(tc.status)
					fmt.Fprint(w, tc.page)
				})
				err := call(o)
				var page *PageError
				if !errors.As(err, &page) {
					t.Fatalf("%s: %v, want a page", service, err)
				}
				if got := Explain(fmt.Errorf("list: %w", err)); got != "list: "+tc.want {
					t.Errorf("%s: %s\nwant list: %s", service, got, tc.want)
				}
				if calls.Load() != tc.calls {
					t.Errorf("%s: %d calls, want %d", service, calls.Load(), tc.calls)
				}
			}
		})
	}
}

func TestPageTextIsBounded(t *testing.T) {
	text := pageText([]byte("<p>" + strings.Repeat("ä", maxPage)))
	if len(text) > maxPageText {
		t.Errorf("%d bytes", len(text))
	}
	if strings.Trim(text, "ä") != "" {
		t.Errorf("%q: want no half of a character", text)
	}
}

func FuzzPageText(f *testing.F) {
	f.Add([]byte("<title>x</title>"))
	f.Add([]byte("<script>&#0;</style>\xff"))
	f.Fuzz(func(t *testing.T, page []byte) {
		text := pageText(page)
		assert.LessOrEqual(t, len(text), maxPageText, text)
		assert.NotContains(t, text, "\n")
	})
}

// TestCutOff: an answer that ends in the middle is asked for once more, but the
// command is not sent once more.
func TestCutOff(t *testing.T) {
	var calls atomic.Int32
	half := func(w http.ResponseWriter, _ *http.Request) {
		body := `{"Commands":[],"Command":{"CommandId":"c"}}`
		if calls.Add(1) == 1 {
			w.Header().Set("Content-Length", "1000")
		}
		fmt.Fprint(w, body[:len(body)/2])
		if calls.Load() > 1 {
			fmt.Fprint(w, body[len(body)/2:])
		}
	}
	o := served(t, half)
	if _, err := o.ListCommands(t.Context(), &ssm.ListCommandsInput{}); err != nil {
		t.Errorf("ListCommands: %v", err)
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls of ListCommands, want 2", calls.Load())
	}
	calls.Store(0)
	if _, err := o.SendCommand(t.Context(), &ssm.SendCommandInput{DocumentName: sdk.String("d")}); err == nil {
		t.Error("SendCommand: no error")
	}
	if calls.Load() != 1 {
		t.Errorf("%d calls of SendCommand, want 1", calls.Load())
	}
}

// TestNobodyAnswers: a connection on which nothing comes is given up, and the call
// made again.
func TestNobodyAnswers(t *testing.T) {
	answerTime = time.Second // for the second call, too
	defer func() { answerTime = 30 * time.Second }()
	var calls atomic.Int32
	o := served(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client leaves
			<-r.Context().Done()
			return
		}
		fmt.Fprint(w, `{"Commands":[]}`)
	})
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if _, err := o.ListCommands(ctx, &ssm.ListCommandsInput{}); err != nil {
		t.Errorf("%v", err)
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls, want 2", calls.Load())
	}
}
