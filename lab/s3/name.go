package s3

import (
	"net/http"
	"regexp"
	"strings"
)

// Name is the name of S3 in a region; BUCKET.Name is that of a bucket (Amazon S3 User
// Guide, "Virtual hosting of general purpose buckets").
func Name(region string) string { return "s3." + region + ".amazonaws.com" }

// hostName is the Host of a request for S3 by name: the bucket, if it is in there, and
// the region.
var hostName = regexp.MustCompile(`^(?:([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.)?s3\.([a-z0-9-]+)\.amazonaws\.com(?::[0-9]+)?$`)

// Named reports whether a Host, with a port or without, is the name of S3 in any region
// or of a bucket there.
func Named(host string) bool { return hostName.MatchString(host) }

// Serves reports whether a Host, with a port or without, is the name of S3 in this
// region or of a bucket that is here.
func (s *Store) Serves(host string) bool {
	m := hostName.FindStringSubmatch(host)
	if m == nil || m[2] != s.region {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return m[1] == "" || s.buckets[m[1]] != nil
}

// split is the bucket and the key of a request: the bucket is in the name of the host,
// or else first in the path.
func split(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if m := hostName.FindStringSubmatch(r.Host); m != nil && m[1] != "" {
		return m[1], path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}
