package lambda

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/sweep"
)

// location is a folder of a bucket. Its bucket is empty if nothing is kept.
type location struct{ bucket, prefix string }

// locationPattern has a bucket, and characters of keys that need no escape.
var locationPattern = regexp.MustCompile(`^s3://([^/]+)((?:/[0-9A-Za-z!_.*'()-]+)*)/?$`)

func parseLocation(text string) (location, error) {
	if text == "" {
		return location{}, nil
	}
	m := locationPattern.FindStringSubmatch(text)
	if m == nil || !aws.IsBucket(m[1]) {
		return location{}, fmt.Errorf("%.100q: want s3://BUCKET/PREFIX", text)
	}
	return location{bucket: m[1], prefix: strings.TrimPrefix(m[2], "/")}, nil
}

// unsafe are the characters of a fleet's name that a key would have to escape.
var unsafe = regexp.MustCompile(`[^0-9A-Za-z!_.*'()=,-]`)

// recorder keeps reports there; nil if none are kept.
func (l location) recorder(put func(context.Context, *s3.PutObjectInput) (*s3.PutObjectOutput, error)) sweep.Recorder {
	if l.bucket == "" {
		return nil
	}
	return reportBucket{l, put}
}

// reportBucket keeps reports in S3.
type reportBucket struct {
	location
	put func(context.Context, *s3.PutObjectInput) (*s3.PutObjectOutput, error)
}

// Record writes the report into the bucket. The same report has the same key, however
// often it is written.
func (b reportBucket) Record(ctx context.Context, r report.Report) (string, error) {
	name := r.Started.UTC().Format("2006/01/02/150405Z")
	if len(r.Commands) > 0 {
		name += "-" + r.Commands[0].ID
	}
	key := strings.Trim(b.prefix+"/"+unsafe.ReplaceAllLiteralString(r.Fleet, "_")+"/"+name+".json", "/")
	var body bytes.Buffer
	if err := report.WriteJSON(&body, r); err != nil {
		return "", err
	}
	_, err := b.put(ctx, &s3.PutObjectInput{
		Bucket: sdk.String(b.bucket), Key: sdk.String(key), ContentType: sdk.String("application/json"), Body: bytes.NewReader(body.Bytes()),
	})
	if err != nil {
		return "", fmt.Errorf("keep the report in s3://%s/%s: %w", b.bucket, key, err)
	}
	return "s3://" + b.bucket + "/" + key, nil
}
