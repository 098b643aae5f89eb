package aws

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// PutObjectInput is an object of S3 and where it goes.
type PutObjectInput struct {
	Bucket, Key, ContentType string
	Body                     []byte
}

// HeadObjectInput names an object of S3.
type HeadObjectInput struct{ Bucket, Key string }

// HeadObjectOutput is what is known of an object without reading it.
type HeadObjectOutput struct {
	Size   int64
	SHA256 string // in hex; empty where it was not uploaded with one
}

// Of S3 two operations are called, and its client would be 4 MB of this program:
// these are requests of our own, through the SDK's credentials, signer, retries
// and log.

// putObject stores an object. The service holds the body against its digest, and
// keeps the digest with the object.
func putObject(cfg aws.Config) func(context.Context, *PutObjectInput) error {
	return func(ctx context.Context, in *PutObjectInput) error {
		sum := sha256.Sum256(in.Body)
		header := http.Header{
			"X-Amz-Checksum-Sha256":        {base64.StdEncoding.EncodeToString(sum[:])},
			"X-Amz-Sdk-Checksum-Algorithm": {"SHA256"},
		}
		if in.ContentType != "" {
			header.Set("Content-Type", in.ContentType)
		}
		_, err := s3Request{
			operation: "PutObject", method: http.MethodPut, bucket: in.Bucket, key: in.Key, header: header, body: in.Body,
		}.do(ctx, cfg)
		return err
	}
}

// headObject asks for an object without its content. The answer to one that is
// missing or forbidden has no text: the error's code is NotFound or Forbidden.
func headObject(cfg aws.Config) func(context.Context, *HeadObjectInput) (*HeadObjectOutput, error) {
	return func(ctx context.Context, in *HeadObjectInput) (*HeadObjectOutput, error) {
		answer, err := s3Request{
			operation: "HeadObject", method: http.MethodHead, bucket: in.Bucket, key: in.Key,
			header: http.Header{"X-Amz-Checksum-Mode": {"ENABLED"}},
		}.do(ctx, cfg)
		if err != nil {
			return nil, err
		}
		out := &HeadObjectOutput{Size: answer.ContentLength}
		// The digest of an object in parts is one of digests, and ends in -PARTS.
		if sum, err := base64.StdEncoding.DecodeString(answer.Header.Get("X-Amz-Checksum-Sha256")); err == nil {
			out.SHA256 = hex.EncodeToString(sum)
		}
		return out, nil
	}
}

// ObjectURL is the address of an object, as the SSM agent reads it out of a
// document: with the bucket in the path, where its name may hold dots.
func ObjectURL(region, bucket, key string) string {
	return s3Endpoint(region) + escapePath(bucket, key)
}

// domains are those of the partitions, by the beginning of their regions' names
// (AWS general reference, "Service endpoints").
var domains = []struct{ region, domain string }{
	{"cn-", "amazonaws.com.cn"},
	{"us-iso-", "c2s.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov"},
	{"us-isof-", "csp.hci.ic.gov"},
	{"eu-isoe-", "cloud.adc-e.uk"},
	{"eusc-", "amazonaws.eu"},
}

func s3Endpoint(region string) string {
	for _, d := range domains {
		if strings.HasPrefix(region, d.region) {
			return "https://s3." + region + "." + d.domain
		}
	}
	return "https://s3." + region + ".amazonaws.com"
}

// escapePath escapes all that S3 does not take as it is in a signed path.
func escapePath(bucket, key string) string {
	var b strings.Builder
	for _, c := range []byte("/" + bucket + "/" + key) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// baseURL is where S3 is: the SDK's configuration has it, or the region. The
// order is that of the SDK's own clients.
func baseURL(ctx context.Context, cfg aws.Config) (*url.URL, error) {
	base, err := ownEndpoint(ctx, cfg.ConfigSources)
	if err != nil {
		return nil, fmt.Errorf("find the endpoint of S3: %w", err)
	}
	base = cmp.Or(base, aws.ToString(cfg.BaseEndpoint), s3Endpoint(cfg.Region))
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("endpoint of S3 %.100q: want a URL such as https://s3.eu-central-1.amazonaws.com", base)
	}
	return u, nil
}

// ownEndpoint is one that is configured for S3 alone: in AWS_ENDPOINT_URL_S3 or,
// unless AWS_ENDPOINT_URL is set, in the profile.
func ownEndpoint(ctx context.Context, sources []any) (string, error) {
	_, all := os.LookupEnv("AWS_ENDPOINT_URL")
	if _, own := os.LookupEnv("AWS_ENDPOINT_URL_S3"); all && !own {
		return "", nil
	}
	for _, source := range sources {
		if p, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignore, found, err := p.GetIgnoreConfiguredEndpoints(ctx); found && ignore || err != nil {
				return "", err
			}
		}
	}
	for _, source := range sources {
		if p, ok := source.(interface {
			GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
		}); ok {
			if own, found, err := p.GetServiceBaseEndpoint(ctx, "S3"); found || err != nil {
				return own, err
			}
		}
	}
	return "", nil
}

// maxError bounds the text of a refusal, in bytes.
const maxError = 64 << 10

// s3Error makes an error of an answer. One to HEAD has no text.
func s3Error(r *smithyhttp.Response) error {
	var said struct {
		Code, Message, Region, Endpoint string
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxError))
	if err == nil {
		err = xml.Unmarshal(text, &said)
	}
	if err != nil || said.Code == "" {
		said.Code = strings.ReplaceAll(http.StatusText(r.StatusCode), " ", "") // as the SDK's client has it: NotFound
		said.Message = r.Status
	}
	if region := r.Header.Get("X-Amz-Bucket-Region"); region != "" && r.StatusCode/100 == 3 {
		said.Code, said.Message = "PermanentRedirect", "The bucket is in region "+region
	}
	e := &smithy.GenericAPIError{Code: said.Code, Message: said.Message, Fault: smithy.FaultClient}
	if r.StatusCode >= http.StatusInternalServerError {
		e.Fault = smithy.FaultServer
	}
	return e
}
