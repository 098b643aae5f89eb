package cloud

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/s3"
	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/ledger"
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
	const sum = "j5kLoLV3tRzwCeoEk2jBa72hsh4bk74HqCR1i7JTw5s=" // of a MiB of x
	for _, key := range []string{"aide-node.tar.gz", "a b/+~ü/0.1.0+3.g1a2b3c4//x", strings.Repeat("k", 1024)} {
		look := &awss3.HeadObjectInput{Bucket: sdk.String("bucket"), Key: sdk.String(key), ChecksumMode: types.ChecksumModeEnabled}
		_, err := o.HeadObject(t.Context(), look)
		require.Error(t, err, "head of %.40s before it is there", key)
		assert.True(t, strings.HasSuffix(aws.Explain(err), "(there is no such object or bucket)"), "head of %.40s before it is there", key)
		// Without a digest of one's own the SDK sends a CRC32.
		for _, own := range []*string{nil, sdk.String(sum)} {
			_, err := o.PutObject(t.Context(), &awss3.PutObjectInput{
				Bucket: sdk.String("bucket"), Key: sdk.String(key), ContentType: sdk.String("application/gzip"), ChecksumSHA256: own,
				Body: bytes.NewReader(bytes.Repeat([]byte("x"), 1<<20)),
			})
			if err != nil {
				t.Fatalf("put %.40s: %s", key, aws.Explain(err))
			}
		}
		out, err := o.HeadObject(t.Context(), look)
		if err != nil {
			t.Fatal(err)
		}
		if *out.ContentLength != 1<<20 {
			t.Errorf("%.40s has %d bytes", key, *out.ContentLength)
		}
		if got := sdk.ToString(out.ChecksumSHA256); got != sum {
			t.Errorf("%.40s has the checksum %q, want %s", key, got, sum)
		}
	}
	_, err = o.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: sdk.String("none"), Key: sdk.String("x")})
	if got, want := aws.Explain(err), "NoSuchBucket: The specified bucket does not exist (make the bucket, or check its name and the account)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := l.calls["PutObject"]; got != 7 {
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
	assert.Equal(t, http.StatusForbidden, resp.StatusCode, "%s, %v", resp.Status, resp.Header)
	assert.NotEmpty(t, resp.Header.Get("X-Amz-Request-Id"))
}

// TestDemandedKey writes a ledger to a bucket that takes nothing without a key.
func TestDemandedKey(t *testing.T) {
	const kms = "arn:aws:kms:us-east-1:123456789012:key/1234"
	store := s3.New("us-east-1", "bucket")
	store.Demand("bucket", kms)
	l := newLab(t, Config{Objects: store})
	c := awss3.NewFromConfig(l.sdk(), func(o *awss3.Options) { o.UsePathStyle = true })
	api := ledger.S3API{PutObject: func(ctx context.Context, in *awss3.PutObjectInput) (*awss3.PutObjectOutput, error) {
		return c.PutObject(ctx, in)
	}}
	for key, refused := range map[string]bool{"": true, ledger.SSES3: true, kms: false} {
		memory, err := ledger.Open("s3://bucket/ledger", key, api)
		require.NoError(t, err)
		err = memory.Store.Write(t.Context(), "k", []byte("x"))
		assert.Equal(t, refused, err != nil, "key %q: %v", key, err)
	}
}
