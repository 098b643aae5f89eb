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
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
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
	_, err := o.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: sdk.String("my.bucket"), Key: sdk.String("a b/c+d.tar.gz"), ContentType: sdk.String("application/gzip"),
		ChecksumSHA256: sdk.String("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="), Body: strings.NewReader("abc"),
	})
	return err
}

func head(o Operations) error {
	_, err := o.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")})
	return err
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
		if err != nil {
			t.Error(err)
		}
		if string(body) != "abc" {
			t.Errorf("body %q", body)
		}
		if r.Method != http.MethodPut {
			t.Errorf("method %s", r.Method)
		}
		if got := r.URL.EscapedPath(); got != "/base/my.bucket/a%20b/c%2Bd.tar.gz" {
			t.Errorf("path %s", got)
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
		assert.True(t, strings.HasPrefix(signed, "AWS4-HMAC-SHA256 Credential=KEY/"), "signature %s", signed)
		assert.Contains(t, signed, "/eu-central-1/s3/aws4_request", "signature %s", signed)
		assert.Contains(t, signed, "x-amz-checksum-sha256", "signature %s", signed)
		if !strings.Contains(r.UserAgent(), "app/aidefleet") {
			t.Errorf("user agent %s", r.UserAgent())
		}
	}
}

func TestObjectErrors(t *testing.T) {
	look := func(o Operations) error { return fmt.Errorf("look for the package: %w", head(o)) }
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
			"PermanentRedirect: The bucket you are attempting to access must be addressed using the specified endpoint. (give the bucket's own region, eu-west-1)", 1},
		{"throttled", "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>", 503, put,
			"SlowDown: Please reduce your request rate.", 2},
		{"no XML", "<html>bad gateway", 502, put, "no answer of AWS's but HTTP 502 Bad Gateway: check proxies and AWS_ENDPOINT_URL", 2},
		{"head in another region", "", 301, look, "look for the package: MovedPermanently: Moved Permanently (give the bucket's own region, eu-west-1)", 1},
		{"nothing there", "", 404, look, "look for the package: NotFound (there is no such object or bucket)", 1},
		{"head denied", "", 403, look, "look for the package: Forbidden (the caller's IAM policy or the bucket's lacks this action)", 1},
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
	if _, err := o.HeadObject(ctx, &s3.HeadObjectInput{Bucket: sdk.String("b"), Key: sdk.String("k")}); err == nil {
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
		"us-east-1":      "https://s3.us-east-1.amazonaws.com/b.c/d/e%2Bf",
		"cn-north-1":     "https://s3.cn-north-1.amazonaws.com.cn/b.c/d/e%2Bf",
		"us-gov-west-1":  "https://s3.us-gov-west-1.amazonaws.com/b.c/d/e%2Bf",
		"us-iso-east-1":  "https://s3.us-iso-east-1.c2s.ic.gov/b.c/d/e%2Bf",
		"us-isob-east-1": "https://s3.us-isob-east-1.sc2s.sgov.gov/b.c/d/e%2Bf",
		"eusc-de-east-1": "https://s3.eusc-de-east-1.amazonaws.eu/b.c/d/e%2Bf",
	} {
		got, err := ObjectURL(region, "b.c", "d/e+f")
		if err != nil {
			t.Errorf("%s: %v", region, err)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", region, got, want)
		}
	}
	if url, err := ObjectURL("eu central/1", "b", "k"); err == nil {
		t.Errorf("an address in a region that cannot be: %s", url)
	}
}

// TestEndpoints: what the SDK knows of endpoints holds for objects too.
func TestEndpoints(t *testing.T) {
	for _, tc := range []struct {
		name        string
		environment map[string]string
		want        string
	}{
		{"ordinary", nil, "https://s3.eu-central-1.amazonaws.com/b/k"},
		{"of all services", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1/b/k"},
		{"of S3 alone", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2/x"}, "http://127.0.0.1:2/x/b/k"},
		{"FIPS", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://s3-fips.eu-central-1.amazonaws.com/b/k"},
		{"dual-stack", map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://s3.dualstack.eu-central-1.amazonaws.com/b/k"},
		{"both", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://s3-fips.dualstack.eu-central-1.amazonaws.com/b/k"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for name, value := range map[string]string{
				"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
				"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1",
			} {
				t.Setenv(name, value)
			}
			for name, value := range tc.environment {
				t.Setenv(name, value)
			}
			cfg, err := load(t.Context(), "eu-central-1")
			if err != nil {
				t.Fatal(err)
			}
			var asked *http.Request
			cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
				asked = r
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
			})
			if err := head(operations(cfg)); err != nil {
				t.Fatal(err)
			}
			if got := asked.URL.String(); got != tc.want {
				t.Errorf("asked %s, want %s", got, tc.want)
			}
		})
	}
}

// doer is an HTTP client of one function.
type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }
