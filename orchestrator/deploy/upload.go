package deploy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws"
	documents "aidefleet/ssm-documents"
)

// Storage is what this package calls of S3.
type Storage struct {
	PutObject  func(context.Context, *s3.PutObjectInput) (*s3.PutObjectOutput, error)
	HeadObject func(context.Context, *s3.HeadObjectInput) (*s3.HeadObjectOutput, error)
}

// Place is the place of packages: a bucket, its region, and a folder in it, which may be
// empty.
type Place struct{ Bucket, Region, Prefix string }

var prefixPattern = regexp.MustCompile(`^([A-Za-z0-9._-]{1,200}(/[A-Za-z0-9._-]{1,200})*)?$`)

// Validate checks the names.
func (p Place) Validate() error {
	switch {
	case !aws.IsBucket(p.Bucket):
		return fmt.Errorf("bucket %.80q: want 3 to 63 lower-case letters, digits, dots and hyphens", p.Bucket)
	case !prefixPattern.MatchString(p.Prefix) || len(p.Prefix) > 400:
		return fmt.Errorf("prefix %.80q: want folders of letters, digits and . _ - with / between them", p.Prefix)
	}
	return nil
}

// Key is the name of a package in the bucket. It holds the digest, so that another build of
// the same version never overwrites what a document pins.
func (p Place) Key(k Package) string {
	key := "aide-node-linux-" + k.Arch + "-" + k.SHA256 + ".tar.gz"
	if p.Prefix != "" {
		key = p.Prefix + "/" + key
	}
	return key
}

// Pins are those of the packages at the place. It fails if S3 cannot have such a region.
func (p Place) Pins(packages []Package) (documents.Pins, error) {
	var pins documents.Pins
	for _, k := range packages {
		url, err := aws.ObjectURL(p.Region, p.Bucket, p.Key(k))
		if err != nil {
			return documents.Pins{}, err
		}
		pins.Version = k.Version
		pins.Packages = append(pins.Packages, documents.Package{Arch: k.Arch, URL: url, SHA256: k.SHA256})
	}
	return pins, nil
}

// Stored says whether this very package is at the place already. Without the right to look,
// it says no.
func Stored(ctx context.Context, s Storage, p Place, k Package) (bool, error) {
	out, err := s.HeadObject(ctx, &s3.HeadObjectInput{Bucket: sdk.String(p.Bucket), Key: sdk.String(p.Key(k)), ChecksumMode: types.ChecksumModeEnabled})
	var refused smithy.APIError
	switch {
	case err == nil:
		// the digest of an object in parts is one of their digests, and ends in -PARTS
		return sdk.ToString(out.ChecksumSHA256) == k.checksum(), nil
	case errors.As(err, &refused) && (refused.ErrorCode() == "NotFound" || refused.ErrorCode() == "Forbidden"):
		return false, nil // if something is wrong, the upload says what
	}
	return false, fmt.Errorf("look for s3://%s/%s: %w", p.Bucket, p.Key(k), err)
}

// Upload puts a package to its place, unless it is there. The service compares what it
// receives with the digest, and keeps the digest with the object.
func Upload(ctx context.Context, s Storage, p Place, k Package) (uploaded bool, err error) {
	stored, err := Stored(ctx, s, p, k)
	if err != nil || stored {
		return false, err
	}
	_, err = s.PutObject(ctx, &s3.PutObjectInput{
		Bucket: sdk.String(p.Bucket), Key: sdk.String(p.Key(k)), ContentType: sdk.String("application/gzip"), ChecksumSHA256: sdk.String(k.checksum()), Body: bytes.NewReader(k.Body),
	})
	if err != nil {
		return false, fmt.Errorf("upload s3://%s/%s: %w", p.Bucket, p.Key(k), err)
	}
	return true, nil
}

// checksum is the digest as S3 writes it. A digest that is not in hex equals none there,
// and S3 refuses an upload with it.
func (k Package) checksum() string {
	sum, _ := hex.DecodeString(k.SHA256)
	return base64.StdEncoding.EncodeToString(sum)
}
