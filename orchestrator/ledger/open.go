package ledger

import (
	"fmt"
	"regexp"
	"strings"
)

// Scheme begins the locations in S3.
const Scheme = "s3://"

// locationPattern has a bucket (Amazon S3 user guide, "Bucket naming rules"), and
// characters of keys that need no escape.
var locationPattern = regexp.MustCompile(`^s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[0-9A-Za-z!_.*'()=-]+)*)/?$`)

// keyPattern has what names a KMS key: an id, an alias, or the ARN of either.
var keyPattern = regexp.MustCompile(`^[0-9A-Za-z:/_-]{1,1000}$`)

// Validate says whether a location can be a ledger's, and a key its encryption's.
func Validate(location, key string) error {
	switch {
	case location == "":
		return fmt.Errorf("the ledger has no location: want a folder or s3://BUCKET/PREFIX")
	case strings.HasPrefix(location, Scheme) && !locationPattern.MatchString(location):
		return fmt.Errorf("%.200q is no location of a ledger: want a folder or s3://BUCKET/PREFIX", location)
	case key != "" && !keyPattern.MatchString(key):
		return fmt.Errorf("%.200q is no key: want the id, ARN or alias of a KMS key, or %s", key, SSES3)
	case key != "" && !strings.HasPrefix(location, Scheme):
		return fmt.Errorf("the ledger %s is a folder, and no key encrypts it", location)
	}
	return nil
}

// Open opens the ledger at a location: s3://BUCKET/PREFIX, or else a folder. key encrypts
// what is written to S3, see Bucket.
func Open(location, key string, api S3API) (*Ledger, error) {
	if err := Validate(location, key); err != nil {
		return nil, err
	}
	if m := locationPattern.FindStringSubmatch(location); m != nil {
		return &Ledger{&Bucket{API: api, Name: m[1], Prefix: strings.Trim(m[2], "/"), Key: key}}, nil
	}
	folder, err := OpenFolder(location)
	if err != nil {
		return nil, err
	}
	return &Ledger{folder}, nil
}
