package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Why a request is refused. Each service has its own words for them.
var (
	ErrUnsigned   = errors.New("the request has no signature")
	ErrIncomplete = errors.New("the signature is incomplete")
	ErrUnknownKey = errors.New("there is no such access key, or its token is another")
	ErrSkewed     = errors.New("the request was signed at another time")
	ErrMismatch   = errors.New("the signature does not match")
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	dateLayout = "20060102T150405Z"

	// How far the clocks of a client and of a service may be apart (AWS General
	// Reference; Amazon S3, RequestTimeTooSkewed).
	maxSkew   = 5 * time.Minute
	maxSkewS3 = 15 * time.Minute
)

// Signature is what the Authorization header of a request says.
type Signature struct {
	KeyID, Date, Region, Service string   // the credential and its scope
	Headers                      []string // that are signed, in small letters
	Signature                    string
}

// Parse reads an Authorization header. It believes what is there.
func Parse(header string) (s Signature, err error) {
	if header == "" {
		return s, ErrUnsigned
	}
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return s, fmt.Errorf("%w: its algorithm is not %s", ErrIncomplete, algorithm)
	}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return s, fmt.Errorf("%w: want Credential=KEY/DATE/REGION/SERVICE/aws4_request", ErrIncomplete)
			}
			s.KeyID, s.Date, s.Region, s.Service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			s.Headers = strings.Split(value, ";")
		case "Signature":
			s.Signature = value
		}
	}
	if s.KeyID == "" || s.Signature == "" || !slices.Contains(s.Headers, "host") {
		return s, fmt.Errorf("%w: want Credential, SignedHeaders with host, and Signature", ErrIncomplete)
	}
	return s, nil
}

// Verify returns the key that a request is signed with, for a service in a region,
// both by their names in signatures. The request's body has been read. An error is
// one of those above.
//
// S3 signs what the header X-Amz-Content-Sha256 says of the body; whether that is
// true is for S3 to check.
func (k *Keys) Verify(r *http.Request, body []byte, service, region string) (Key, error) {
	s, err := Parse(r.Header.Get("Authorization"))
	if err != nil {
		return Key{}, err
	}
	key, ok := k.Find(s.KeyID)
	if !ok || subtle.ConstantTimeCompare([]byte(r.Header.Get("X-Amz-Security-Token")), []byte(key.Token)) != 1 {
		return Key{}, ErrUnknownKey
	}
	at, err := time.Parse(dateLayout, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return Key{}, fmt.Errorf("%w: want X-Amz-Date as %s", ErrIncomplete, dateLayout)
	}
	// Nobody else's words get into the signer, which remembers them.
	switch {
	case s.Service != service:
		return Key{}, fmt.Errorf("%w: its scope is not of the service %s", ErrMismatch, service)
	case s.Region != region:
		return Key{}, fmt.Errorf("%w: its scope is not of the region %s", ErrMismatch, region)
	case s.Date != at.Format("20060102"):
		return Key{}, fmt.Errorf("%w: its scope is of another day than X-Amz-Date", ErrMismatch)
	}
	most := maxSkew
	if service == "s3" {
		most = maxSkewS3
	}
	if k.now().Sub(at).Abs() > most {
		return Key{}, fmt.Errorf("%w: %s is more than %s away", ErrSkewed, r.Header.Get("X-Amz-Date"), most)
	}
	want, err := k.sign(r, s, body, key, at)
	if err != nil {
		return Key{}, err
	}
	if subtle.ConstantTimeCompare([]byte(s.Signature), []byte(want)) != 1 {
		return Key{}, ErrMismatch
	}
	return key, nil
}

// sign is the signature that a request has if it is signed with a key.
func (k *Keys) sign(r *http.Request, s Signature, body []byte, key Key, at time.Time) (string, error) {
	u := *r.URL
	again := &http.Request{Method: r.Method, Host: r.Host, URL: &u, Header: make(http.Header)}
	for name := range r.Header {
		// What means something to a service has to be signed.
		if low := strings.ToLower(name); strings.HasPrefix(low, "x-amz-") && !slices.Contains(s.Headers, low) {
			return "", fmt.Errorf("%w: %s is not signed", ErrMismatch, name)
		}
	}
	for _, name := range s.Headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	hash := ""
	if s.Service == "s3" {
		hash = r.Header.Get("X-Amz-Content-Sha256")
	}
	if hash == "" {
		sum := sha256.Sum256(body)
		hash = hex.EncodeToString(sum[:])
	}
	credentials := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}
	escaping := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.Service == "s3" }
	if err := k.signer.SignHTTP(context.Background(), credentials, again, hash, s.Service, s.Region, at, escaping); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	signed, err := Parse(again.Header.Get("Authorization"))
	return signed.Signature, err
}
