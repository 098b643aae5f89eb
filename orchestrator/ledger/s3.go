package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws/awscall"
)

// S3API is what this package calls of AWS.
type S3API struct {
	GetObject     func(context.Context, *s3.GetObjectInput) (*s3.GetObjectOutput, error)
	PutObject     func(context.Context, *s3.PutObjectInput) (*s3.PutObjectOutput, error)
	ListObjectsV2 func(context.Context, *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error)
}

// SSES3 is the key of the encryption that S3 does with keys of its own.
const SSES3 = "AES256"

// Bucket is a Store in a folder of an S3 bucket. Conditional writes keep two writers from
// losing each other's objects (Amazon S3 user guide, "Conditional writes").
type Bucket struct {
	API    S3API
	Name   string
	Prefix string // without slashes around it; may be empty
	// Key encrypts the objects: the id, ARN or alias of a KMS key, or SSES3. Empty leaves it
	// to the bucket's default.
	Key string
}

// String is the location, s3://BUCKET/PREFIX.
func (b *Bucket) String() string {
	return strings.TrimSuffix("s3://"+b.Name+"/"+b.Prefix, "/")
}

func (b *Bucket) at(key string) string { return strings.TrimPrefix(b.Prefix+"/"+key, "/") }

// patience bounds one call with all its retries, and with the transfer: whoever writes a
// ledger has metrics to write too, and people wait.
const patience = 30 * time.Second

// Read is Store.Read. The version is the object's ETag.
func (b *Bucket) Read(ctx context.Context, key string) (data []byte, version string, err error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	out, err := b.API.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(b.Name), Key: aws.String(b.at(key))})
	if missing := new(types.NoSuchKey); errors.As(err, &missing) {
		return nil, "", fmt.Errorf("%s/%s: %w", b, key, ErrNotFound)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read %s/%s: %w", b, key, err)
	}
	data, err = io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return nil, "", fmt.Errorf("read %s/%s: %w", b, key, err)
	}
	return data, aws.ToString(out.ETag), nil
}

// Write is Store.Write.
func (b *Bucket) Write(ctx context.Context, key string, data []byte) error {
	return b.put(ctx, key, data, func(*s3.PutObjectInput) {})
}

// WriteIf is Store.WriteIf.
func (b *Bucket) WriteIf(ctx context.Context, key string, data []byte, version string) error {
	return b.put(ctx, key, data, func(in *s3.PutObjectInput) {
		if version == "" {
			in.IfNoneMatch = aws.String("*")
		} else {
			in.IfMatch = aws.String(version)
		}
	})
}

// changed are the codes of a conditional write that another writer was faster than: 412,
// 409, and 404 of an object that is gone.
var changed = []string{"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"}

func (b *Bucket) put(ctx context.Context, key string, data []byte, condition func(*s3.PutObjectInput)) error {
	in := &s3.PutObjectInput{Bucket: aws.String(b.Name), Key: aws.String(b.at(key)), Body: bytes.NewReader(data), ContentType: aws.String(contentType(key))}
	switch b.Key {
	case "":
	case SSES3:
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	default:
		in.ServerSideEncryption, in.SSEKMSKeyId = types.ServerSideEncryptionAwsKms, aws.String(b.Key)
	}
	condition(in)
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	_, err := b.API.PutObject(ctx, in)
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api) && slices.Contains(changed, api.ErrorCode()):
		return fmt.Errorf("%s/%s: %w", b, key, ErrChanged)
	}
	return fmt.Errorf("write %s/%s: %w", b, key, err)
}

func contentType(key string) string {
	switch {
	case strings.HasSuffix(key, ".gz"):
		return "application/gzip"
	case strings.HasSuffix(key, ".html"):
		return "text/html; charset=utf-8"
	}
	return "application/json"
}

// List is Store.List.
func (b *Bucket) List(ctx context.Context, prefix string) (keys []string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: aws.String(b.Name), Prefix: aws.String(b.at(prefix))}
	err = awscall.Pages(func(token *string) (*string, error) {
		in.ContinuationToken = token
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		out, err := b.API.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list %s/%s: %w", b, prefix, err)
		}
		for _, o := range out.Contents {
			keys = append(keys, strings.TrimPrefix(strings.TrimPrefix(aws.ToString(o.Key), b.Prefix), "/"))
		}
		return out.NextContinuationToken, nil
	})
	return keys, err
}
