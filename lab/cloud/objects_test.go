package cloud

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"aidefleet/lab/s3"
	"aidefleet/orchestrator/aws"
)

// TestObjects holds the program's own requests against the lab's S3.
func TestObjects(t *testing.T) {
	l := newLab(t, Config{Objects: s3.New("us-east-1", "bucket")})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": l.url, "AWS_ACCESS_KEY_ID": userKey.ID, "AWS_SECRET_ACCESS_KEY": userKey.Secret, "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	o, err := aws.Load(t.Context(), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"aide-node.tar.gz", "a b/+~ü/0.1.0+3.g1a2b3c4//x", strings.Repeat("k", 1024)} {
		if _, err := o.HeadObject(t.Context(), &aws.HeadObjectInput{Bucket: "bucket", Key: key}); err == nil || !strings.HasSuffix(aws.Explain(err), "(there is no such object or bucket)") {
			t.Errorf("head of %.40s before it is there: %v", key, err)
		}
		body := bytes.Repeat([]byte("x"), 1<<20)
		if err := o.PutObject(t.Context(), &aws.PutObjectInput{Bucket: "bucket", Key: key, ContentType: "application/gzip", Body: body}); err != nil {
			t.Fatalf("put %.40s: %s", key, aws.Explain(err))
		}
		out, err := o.HeadObject(t.Context(), &aws.HeadObjectInput{Bucket: "bucket", Key: key})
		if err != nil || out.Size != 1<<20 || out.SHA256 != "8f990ba0b577b51cf009ea049368c16bbda1b21e1b93be07a824758bb253c39b" {
			t.Errorf("head of %.40s: %+v, %v", key, out, err)
		}
	}
	err = o.PutObject(t.Context(), &aws.PutObjectInput{Bucket: "none", Key: "x"})
	if got, want := aws.Explain(err), "NoSuchBucket: The specified bucket does not exist (make the bucket, or check its name and the account)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := l.calls["PutObject"]; got != 4 {
		t.Errorf("%d calls of PutObject", got)
	}
}

// TestObjectsAreNotPublic: what has no signature is refused as S3 does it.
func TestObjectsAreNotPublic(t *testing.T) {
	l := newLab(t, Config{Objects: s3.New("us-east-1", "bucket")})
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, l.url+"/bucket/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || resp.Header.Get("X-Amz-Request-Id") == "" {
		t.Errorf("%s, %v", resp.Status, resp.Header)
	}
}
