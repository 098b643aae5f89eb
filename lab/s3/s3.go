// Package s3 is the lab's S3: objects by path (http://ENDPOINT/BUCKET/KEY) or by host
// (https://BUCKET.s3.REGION.amazonaws.com/KEY), in memory, with the checks and the errors of the real service that the project
// meets. The source is the API reference of Amazon S3.
//
// Who signed a request is known before it comes here; the digest that it is signed
// with is checked here. Who may do what is by the access key of the request, see Reader, and by the bucket's policy, as
// far as the lab knows them.
package s3

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// MaxBody is the largest object, in bytes. The real service takes 5 GB.
const MaxBody = 64 << 20

// Store is S3 in one region. It serves any number of requests at once.
type Store struct {
	region string
	now    func() time.Time // a seam for tests

	mu      sync.Mutex // guards all below
	buckets map[string]map[string]*object
	readers []string // access keys
	denied  map[place]bool
	keys    map[string]string // KMS keys that buckets demand, see Demand
}

// place is an object, or where one could be; without a key, a bucket.
type place struct{ bucket, key string }

// object is what was put at a key. It does not change.
type object struct {
	body        []byte
	contentType string
	etag        string    // quoted
	checksum    [2]string // header and value; empty where it was not put with one
	modified    time.Time
	encryption  [2]string // algorithm and key, as it was put with them
}

// The headers of server-side encryption (Amazon S3 API reference, PutObject).
const (
	encryptionHeader = "X-Amz-Server-Side-Encryption"
	keyHeader        = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
)

// encrypt remembers with what an object is encrypted. The lab encrypts nothing.
func (o *object) encrypt(h http.Header) *Error {
	algorithm, key := h.Get(encryptionHeader), h.Get(keyHeader)
	switch {
	case algorithm != "" && algorithm != "AES256" && algorithm != "aws:kms", key != "" && algorithm != "aws:kms":
		return &Error{http.StatusBadRequest, "InvalidArgument", "The encryption method specified is not supported"}
	case algorithm == "":
		algorithm = "AES256" // S3's default
	}
	o.encryption = [2]string{algorithm, key}
	return nil
}

// sayEncryption puts the encryption of an object into an answer.
func (o *object) sayEncryption(h http.Header) {
	h.Set(encryptionHeader, o.encryption[0])
	if o.encryption[1] != "" {
		h.Set(keyHeader, o.encryption[1])
	}
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// New makes a region with these buckets, which are empty.
func New(region string, buckets ...string) *Store {
	s := &Store{region: region, now: time.Now, buckets: make(map[string]map[string]*object), denied: make(map[place]bool), keys: make(map[string]string)}
	for _, b := range buckets {
		s.buckets[b] = make(map[string]*object)
	}
	return s
}

// Reader gives an access key the rights to read and list and no others, as hosts
// have them.
// Who is no reader may do everything.
func (s *Store) Reader(accessKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = append(s.readers, accessKey)
}

// Demand makes a bucket refuse what is not encrypted with a KMS key, as a policy does with
// conditions on the headers of server-side encryption.
func (s *Store) Demand(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[bucket] = key
}

// Put puts an object, as whoever owns the bucket.
func (s *Store) Put(bucket, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects, ok := s.buckets[bucket]
	if !ok {
		return fmt.Errorf("put %s: there is no bucket %s", key, bucket)
	}
	objects[key] = newObject(body, "", [2]string{}, s.now())
	return nil
}

func newObject(body []byte, contentType string, checksum [2]string, now time.Time) *object {
	sum := md5.Sum(body)
	if contentType == "" {
		contentType = "binary/octet-stream"
	}
	return &object{
		encryption: [2]string{"AES256"}, body: body, contentType: contentType, etag: `"` + hex.EncodeToString(sum[:]) + `"`, checksum: checksum, modified: now.UTC(),
	}
}

// Operation is what a request asks for, by the name of the API reference; empty
// where the lab does not know it.
func Operation(r *http.Request) string {
	bucket, key := split(r)
	switch policy := r.URL.Query().Has("policy"); {
	case bucket == "":
		return ""
	case key == "" && policy && r.Method == http.MethodPut:
		return "PutBucketPolicy"
	case key == "" && policy && r.Method == http.MethodDelete:
		return "DeleteBucketPolicy"
	case key == "" && r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		return "ListObjectsV2"
	case key == "" && r.Method == http.MethodGet:
		return "ListObjects"
	case key == "":
		return map[string]string{http.MethodHead: "HeadBucket", http.MethodPut: "CreateBucket"}[r.Method]
	}
	return map[string]string{
		http.MethodGet: "GetObject", http.MethodHead: "HeadObject", http.MethodPut: "PutObject", http.MethodDelete: "DeleteObject",
	}[r.Method]
}

// Serve answers a request whose body was read. It answers with the error that a
// lab was told to have where there is one.
func (s *Store) Serve(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("X-Amz-Request-Id", w.Header().Get("X-Amzn-Requestid"))
	if err := s.serve(w, r, body); err != nil {
		Refuse(w, r, err)
	}
}

func (s *Store) serve(w http.ResponseWriter, r *http.Request, body []byte) *Error {
	bucket, key := split(r)
	operation := Operation(r)
	if err := unknown(operation, r); err != nil {
		return err
	}
	if err := checkBody(r, body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if operation == "CreateBucket" {
		return s.createBucket(w, r, bucket)
	}
	objects, ok := s.buckets[bucket]
	if !ok {
		return &Error{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	}
	w.Header().Set("X-Amz-Bucket-Region", s.region)
	if !s.allowed(operation, accessKey(r), place{bucket, key}) {
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	switch operation {
	case "HeadBucket":
		w.WriteHeader(http.StatusOK)
	case "PutObject":
		return s.put(w, r, bucket, objects, key, body)
	case "PutBucketPolicy":
		return s.setPolicy(w, bucket, body)
	case "DeleteBucketPolicy":
		s.dropPolicy(bucket)
		w.WriteHeader(http.StatusNoContent)
	case "DeleteObject":
		delete(objects, key)
		w.WriteHeader(http.StatusNoContent)
	case "GetObject", "HeadObject":
		return get(w, r, objects[key])
	default:
		return list(w, r, operation, bucket, objects)
	}
	return nil
}

// unknown refuses what the lab does not do, so that nothing silently does
// something else.
func unknown(operation string, r *http.Request) *Error {
	if operation == "" {
		return &Error{http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource."}
	}
	known := []string{"list-type", "prefix", "delimiter", "max-keys", "encoding-type", "x-id", "fetch-owner", "continuation-token", "start-after"}
	for name := range r.URL.Query() {
		if name == "policy" && strings.HasSuffix(operation, "BucketPolicy") {
			continue
		}
		if !slices.Contains(known, name) {
			return &Error{http.StatusNotImplemented, "NotImplemented", "The lab's S3 knows nothing of ?" + name}
		}
	}
	for _, name := range []string{"Range", "X-Amz-Copy-Source"} {
		if r.Header.Get(name) != "" {
			return &Error{http.StatusNotImplemented, "NotImplemented", "The lab's S3 knows nothing of " + name}
		}
	}
	return nil
}

// checkBody holds the body against the digest that it is signed with.
func checkBody(r *http.Request, body []byte) *Error {
	sum := sha256.Sum256(body)
	switch signed := r.Header.Get("X-Amz-Content-Sha256"); {
	case signed == "":
		return &Error{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"}
	case strings.HasPrefix(signed, "STREAMING-") && signed != trailing:
		return &Error{http.StatusNotImplemented, "NotImplemented", "The lab's S3 takes no body in chunks that are signed, as " + signed}
	case signed != "UNSIGNED-PAYLOAD" && signed != trailing && signed != hex.EncodeToString(sum[:]):
		return &Error{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."}
	}
	return nil
}

// allowed says whether the holder of an access key may do that.
func (s *Store) allowed(operation, key string, at place) bool {
	if !slices.Contains(s.readers, key) {
		return true
	}
	switch operation {
	case "GetObject", "HeadObject":
		return !s.denied[at]
	case "HeadBucket", "ListObjects", "ListObjectsV2":
		return !s.denied[place{bucket: at.bucket}]
	}
	return false
}

var credential = regexp.MustCompile(`Credential=([^/, ]+)/`)

// accessKey is that of whoever signed the request.
func accessKey(r *http.Request) string {
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		return m[1]
	}
	return ""
}

func (s *Store) createBucket(w http.ResponseWriter, r *http.Request, bucket string) *Error {
	switch {
	case slices.Contains(s.readers, accessKey(r)):
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	case !bucketName.MatchString(bucket):
		return &Error{http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid."}
	case s.buckets[bucket] != nil && s.region != "us-east-1": // there it is none (API reference, CreateBucket)
		return &Error{http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it."}
	case s.buckets[bucket] == nil:
		s.buckets[bucket] = make(map[string]*object)
	}
	w.Header().Set("Location", "/"+bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

// put checks a body against the digests that it was sent with.
func (s *Store) put(w http.ResponseWriter, r *http.Request, bucket string, objects map[string]*object, key string, body []byte) *Error {
	if r.Header.Get("X-Amz-Content-Sha256") == trailing {
		var err *Error
		if body, err = unchunk(r.Header, body); err != nil {
			return err
		}
	}
	md := md5.Sum(body)
	if r.Header.Get("Content-Md5") != "" && r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(md[:]) {
		return &Error{http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received."}
	}
	name, own, err := checkSum(r.Header, body)
	if err != nil {
		return err
	}
	if err := precondition(r.Header, objects[key]); err != nil {
		return err
	}
	o := newObject(body, r.Header.Get("Content-Type"), [2]string{name, own}, s.now())
	if err := o.encrypt(r.Header); err != nil {
		return err
	}
	if s.keys[bucket] != "" && o.encryption != [2]string{"aws:kms", s.keys[bucket]} {
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	objects[key] = o
	o.sayEncryption(w.Header())
	w.Header().Set("Etag", o.etag)
	if own != "" {
		w.Header().Set(name, own)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// precondition says whether a conditional write may be done over an object, or over none
// (Amazon S3 user guide, "Conditional writes").
func precondition(h http.Header, now *object) *Error {
	want := h.Get("If-Match")
	switch {
	case want != "" && now == nil:
		return &Error{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	case h.Get("If-None-Match") == "*" && now != nil, want != "" && want != now.etag:
		return &Error{http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"}
	}
	return nil
}

// get answers with an object, or without its content to HEAD.
func get(w http.ResponseWriter, r *http.Request, o *object) *Error {
	if o == nil {
		return &Error{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	}
	h := w.Header()
	h.Set("Etag", o.etag)
	h.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	o.sayEncryption(h)
	if r.Header.Get("If-None-Match") == o.etag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if name := o.checksum[0]; name != "" && r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		h.Set(name, o.checksum[1])
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	h.Set("Content-Type", o.contentType)
	h.Set("Content-Length", strconv.Itoa(len(o.body)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(o.body) // a client that has left needs no answer
	}
	return nil
}

// Error is what the service answers instead of a result.
type Error struct {
	Status        int // HTTP
	Code, Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

type failure struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
}

// Refuse answers with an error; an answer to HEAD has no text.
func Refuse(w http.ResponseWriter, r *http.Request, e *Error) {
	id := w.Header().Get("X-Amzn-Requestid")
	w.Header().Set("X-Amz-Request-Id", id)
	if r.Method == http.MethodHead {
		w.WriteHeader(e.Status)
		return
	}
	writeXML(w, e.Status, failure{Code: e.Code, Message: e.Message, Resource: r.URL.Path, RequestID: id})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	b, err := xml.Marshal(v)
	if err != nil {
		panic(err) // plain values
	}
	b = append([]byte(xml.Header), b...)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that has left needs no answer
}
