package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// storage is an S3 that answers with one status after the other, the last for
// ever, and keeps what it was asked.
func storage(t *testing.T, body string, statuses ...int) (Operations, *[]*http.Request) {
	t.Helper()
	var asked []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		status := statuses[min(len(asked), len(statuses)-1)]
		asked = append(asked, r)
		w.Header().Set("X-Amz-Request-Id", "id")
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(status)
		if status != http.StatusOK {
			fmt.Fprint(w, body)
		}
	}))
	t.Cleanup(server.Close)
	return operations(sdk.Config{
		Region: "eu-central-1", BaseEndpoint: sdk.String(server.URL + "/base/"), RetryMaxAttempts: 2, AppID: "aidefleet",
		Credentials: credentials.NewStaticCredentialsProvider("KEY", "secret", "token"),
	}), &asked
}

func put(o Operations) error {
	return o.PutObject(context.Background(), &PutObjectInput{Bucket: "my.bucket", Key: "a b/c+d.tar.gz", ContentType: "application/gzip", Body: []byte("abc")})
}

func TestPutObject(t *testing.T) {
	o, asked := storage(t, "", http.StatusServiceUnavailable, http.StatusOK)
	if err := put(o); err != nil {
		t.Fatal(err)
	}
	if len(*asked) != 2 {
		t.Fatalf("%d requests, want one and its repetition", len(*asked))
	}
	for _, r := range *asked {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "abc" || r.Method != http.MethodPut || r.URL.EscapedPath() != "/base/my.bucket/a%20b/c%2Bd.tar.gz" {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL, body, err)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/gzip", "Content-Length": "3", "X-Amz-Security-Token": "token",
			"X-Amz-Content-Sha256":  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"X-Amz-Checksum-Sha256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		signed := r.Header.Get("Authorization")
		if !strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=KEY/") || !strings.Contains(signed, "/eu-central-1/s3/aws4_request") || !strings.Contains(signed, "x-amz-checksum-sha256") {
			t.Errorf("signature %s", signed)
		}
		if !strings.Contains(r.UserAgent(), "app/aidefleet") {
			t.Errorf("user agent %s", r.UserAgent())
		}
	}
}

func TestObjectErrors(t *testing.T) {
	head := func(o Operations) error {
		_, err := o.HeadObject(context.Background(), &HeadObjectInput{Bucket: "b", Key: "k"})
		return fmt.Errorf("look for the package: %w", err)
	}
	for _, tc := range []struct {
		name, body string
		status     int
		call       func(Operations) error
		want       string
		requests   int
	}{
		{"no bucket", "<Error><Code>NoSuchBucket</Code><Message>The specified\nbucket does not exist</Message></Error>", 404, put,
			"NoSuchBucket: The specified bucket does not exist (make the bucket, or check its name and the account)", 1},
		{"denied", "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403, put,
			"AccessDenied: Access Denied (the caller's IAM policy lacks this action)", 1},
		{"another region", "<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message></Error>", 301, put,
			"PermanentRedirect: The bucket is in region eu-west-1 (give the bucket's own region)", 1},
		{"throttled", "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>", 503, put,
			"SlowDown: Please reduce your request rate.", 2},
		{"no XML", "<html>bad gateway", 502, put, "BadGateway: 502 Bad Gateway", 2},
		{"nothing there", "", 404, head, "look for the package: NotFound: 404 Not Found (there is no such object or bucket)", 1},
		{"head denied", "", 403, head, "look for the package: Forbidden: 403 Forbidden (the caller's IAM policy or the bucket's lacks this action)", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o, asked := storage(t, tc.body, tc.status)
			if got := Explain(tc.call(o)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if len(*asked) != tc.requests {
				t.Errorf("%d requests, want %d", len(*asked), tc.requests)
			}
		})
	}
}

// TestObjectLog: these requests are in the log as those of the SDK are.
func TestObjectLog(t *testing.T) {
	o := loaded(t, answer{http.StatusServiceUnavailable, ""}, answer{http.StatusForbidden, ""})
	var log bytes.Buffer
	ctx := WithLogger(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if _, err := o.HeadObject(ctx, &HeadObjectInput{Bucket: "b", Key: "k"}); err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`msg="AWS call" service=S3 operation=HeadObject region=eu-central-1`, "attempts=2 status=403", "error=Forbidden"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log is %s, without %s", log.String(), want)
		}
	}
}

func TestObjectURL(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1":   "https://s3.eu-central-1.amazonaws.com/b.c/d/e%2Bf",
		"cn-north-1":     "https://s3.cn-north-1.amazonaws.com.cn/b.c/d/e%2Bf",
		"us-gov-west-1":  "https://s3.us-gov-west-1.amazonaws.com/b.c/d/e%2Bf",
		"us-iso-east-1":  "https://s3.us-iso-east-1.c2s.ic.gov/b.c/d/e%2Bf",
		"us-isob-east-1": "https://s3.us-isob-east-1.sc2s.sgov.gov/b.c/d/e%2Bf",
		"eusc-de-east-1": "https://s3.eusc-de-east-1.amazonaws.eu/b.c/d/e%2Bf",
	} {
		if got := ObjectURL(region, "b.c", "d/e+f"); got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
}

// TestBaseURL: the endpoint of S3 alone wins over that of all services.
func TestBaseURL(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	t.Setenv("AWS_PROFILE", "")
	for _, tc := range []struct{ all, own, want string }{
		{"", "", "https://s3.eu-central-1.amazonaws.com"},
		{"http://127.0.0.1:1", "", "http://127.0.0.1:1"},
		{"http://127.0.0.1:1", "http://127.0.0.1:2/x", "http://127.0.0.1:2/x"},
		{"", "https://s3-fips.us-gov-west-1.amazonaws.com", "https://s3-fips.us-gov-west-1.amazonaws.com"},
		{"", "s3.example", ""},
	} {
		t.Setenv("AWS_ENDPOINT_URL", tc.all)
		t.Setenv("AWS_ENDPOINT_URL_S3", tc.own)
		cfg, err := load(t.Context(), "eu-central-1")
		if err != nil {
			t.Fatal(err)
		}
		got, err := baseURL(t.Context(), cfg)
		if (err != nil) != (tc.want == "") || err == nil && got.String() != tc.want {
			t.Errorf("%+v: %s, %v", tc, got, err)
		}
	}
}
