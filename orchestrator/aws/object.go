package aws

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// bucketInPath puts the bucket into the path and not into the host name: one
// certificate fits names with dots, and no name has to be found for a bucket at an
// endpoint of one's own.
func bucketInPath(o *s3.Options) { o.UsePathStyle = true }

var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// IsBucket says that a text can be the name of a bucket (Amazon S3 user guide,
// "Bucket naming rules").
func IsBucket(text string) bool { return bucketPattern.MatchString(text) }

// ObjectURL is the address of an object, as the SSM agent takes it from a document: in the
// region's ordinary endpoint, with the bucket in the path. It fails if no endpoint can have
// the name of the region.
func ObjectURL(region, bucket, key string) (string, error) {
	e, err := s3.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), s3.EndpointParameters{
		Region: aws.String(region), Bucket: aws.String(bucket), ForcePathStyle: aws.Bool(true),
	})
	if err != nil {
		return "", fmt.Errorf("endpoint of S3 in region %.40q: %w", region, err)
	}
	return e.URI.String() + "/" + httpbinding.EscapePath(key, false), nil
}
