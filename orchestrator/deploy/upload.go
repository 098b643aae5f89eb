package deploy

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws"
	documents "aidefleet/ssm-documents"
)

// Storage is what this package calls of S3.
type Storage struct {
	PutObject  func(context.Context, *aws.PutObjectInput) error
	HeadObject func(context.Context, *aws.HeadObjectInput) (*aws.HeadObjectOutput, error)
}

// Place is where packages lie: a bucket, its region, and the folder in it, which
// may be none.
type Place struct{ Bucket, Region, Prefix string }

var (
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixPattern = regexp.MustCompile(`^([A-Za-z0-9._-]{1,200}(/[A-Za-z0-9._-]{1,200})*)?$`)
)

// Validate checks the names (S3 user guide, "Bucket naming rules").
func (p Place) Validate() error {
	switch {
	case !bucketPattern.MatchString(p.Bucket):
		return fmt.Errorf("bucket %.80q: want 3 to 63 lower-case letters, digits, dots and hyphens", p.Bucket)
	case !prefixPattern.MatchString(p.Prefix) || len(p.Prefix) > 400:
		return fmt.Errorf("prefix %.80q: want folders of letters, digits and . _ - with / between them", p.Prefix)
	}
	return nil
}

// Key is the name of a package in the bucket. It has the digest, so that what a
// document pins is never overwritten by another build of the same version.
func (p Place) Key(k Package) string {
	key := "aide-node-linux-" + k.Arch + "-" + k.SHA256 + ".tar.gz"
	if p.Prefix != "" {
		key = p.Prefix + "/" + key
	}
	return key
}

// Pins are those of the packages at the place.
func (p Place) Pins(packages []Package) documents.Pins {
	var pins documents.Pins
	for _, k := range packages {
		pins.Version = k.Version
		pins.Packages = append(pins.Packages, documents.Package{Arch: k.Arch, URL: aws.ObjectURL(p.Region, p.Bucket, p.Key(k)), SHA256: k.SHA256})
	}
	return pins
}

// Stored says whether the very package is at the place already. Where nobody may
// look, it is not.
func Stored(ctx context.Context, s Storage, p Place, k Package) (bool, error) {
	out, err := s.HeadObject(ctx, &aws.HeadObjectInput{Bucket: p.Bucket, Key: p.Key(k)})
	var refused smithy.APIError
	switch {
	case err == nil:
		return out.SHA256 == k.SHA256, nil
	case errors.As(err, &refused) && (refused.ErrorCode() == "NotFound" || refused.ErrorCode() == "Forbidden"):
		return false, nil // the upload says what is wrong, if anything is
	}
	return false, fmt.Errorf("look for s3://%s/%s: %w", p.Bucket, p.Key(k), err)
}

// Upload puts a package to its place, unless it is there.
func Upload(ctx context.Context, s Storage, p Place, k Package) (uploaded bool, err error) {
	stored, err := Stored(ctx, s, p, k)
	if err != nil || stored {
		return false, err
	}
	in := &aws.PutObjectInput{Bucket: p.Bucket, Key: p.Key(k), ContentType: "application/gzip", Body: k.Body}
	if err := s.PutObject(ctx, in); err != nil {
		return false, fmt.Errorf("upload s3://%s/%s: %w", p.Bucket, p.Key(k), err)
	}
	return true, nil
}
