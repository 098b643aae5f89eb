package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// answer is what a request was answered with.
type answer struct {
	status int
	header http.Header
	body   string
}

// call makes one request as the holder of an access key.
func call(t *testing.T, s *Store, method, target, key, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261123/us-east-1/s3/aws4_request, Signature=x")
	sum := sha256.Sum256([]byte(body))
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Amzn-Requestid", "request")
	s.Serve(w, r, []byte(body))
	return answer{w.Code, w.Result().Header, w.Body.String()}
}

// chunks is the header of a body in chunks, by its length without them.
func chunks(length string) []string {
	return []string{"X-Amz-Content-Sha256", trailing, "X-Amz-Decoded-Content-Length", length, "X-Amz-Trailer", "x-amz-checksum-crc32"}
}

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestServe(t *testing.T) {
	for _, tc := range []struct {
		name, method, target, key, body string
		header                          []string
		status                          int
		want                            string // in the answer
	}{
		{"read", "GET", "/lab/a/x", "host", "", nil, 200, "content of x"},
		{"read by name with a blank", "GET", "/lab/b%20c", "host", "", nil, 200, "blank"},
		{"the same as before", "GET", "/lab/a/x", "host", "", []string{"If-None-Match", `"4377fdf3a848177e41cbd9316f2172f2"`}, 304, ""},
		{"head", "HEAD", "/lab/a/x", "host", "", nil, 200, ""},
		{"put", "PUT", "/lab/new", "ops", "new", []string{"X-Amz-Checksum-Sha256", digest("new")}, 200, ""},
		{"put nothing", "PUT", "/lab/empty", "ops", "", nil, 200, ""},
		{"delete", "DELETE", "/lab/a/x", "ops", "", nil, 204, ""},
		{"make a bucket", "PUT", "/another.one", "ops", "", nil, 200, ""},
		{"look for a bucket", "HEAD", "/lab", "host", "", nil, 200, ""},
		{"list a folder", "GET", "/lab?prefix=a/", "host", "", nil, 200, "<Contents><Key>a/x</Key>"},
		{"list a file as if it were one", "GET", "/lab?prefix=a/x/", "host", "", nil, 200, "<Prefix>a/x/</Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"},
		{"list folders", "GET", "/lab?list-type=2&delimiter=/", "ops", "", nil, 200, "<KeyCount>3</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>b c</Key>"},
		{"list some", "GET", "/lab?max-keys=1", "ops", "", nil, 200, "<IsTruncated>true</IsTruncated><Contents><Key>a/x</Key>"},

		{"no such key", "GET", "/lab/none", "host", "", nil, 404, "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Resource>/lab/none</Resource><RequestId>request</RequestId></Error>"},
		{"no such key for head", "HEAD", "/lab/none", "host", "", nil, 404, ""},
		{"no such bucket", "GET", "/none/x", "host", "", nil, 404, "NoSuchBucket"},
		{"no such bucket to put to", "PUT", "/none/x", "ops", "x", nil, 404, "NoSuchBucket"},
		{"denied", "GET", "/lab/secret", "host", "", nil, 403, "<Code>AccessDenied</Code>"},
		{"not denied to who is no reader", "GET", "/lab/secret", "ops", "", nil, 200, "secret"},
		{"a reader puts", "PUT", "/lab/x", "host", "x", nil, 403, "AccessDenied"},
		{"a reader deletes", "DELETE", "/lab/a/x", "host", "", nil, 403, "AccessDenied"},
		{"a reader makes a bucket", "PUT", "/other", "host", "", nil, 403, "AccessDenied"},
		{"no name of a bucket", "PUT", "/UPPER", "ops", "", nil, 400, "InvalidBucketName"},
		{"another body than was signed", "PUT", "/lab/x", "ops", "x", []string{"X-Amz-Content-Sha256", strings.Repeat("0", 64)}, 400, "XAmzContentSHA256Mismatch"},
		{"no digest of the body", "PUT", "/lab/x", "ops", "x", []string{"X-Amz-Content-Sha256", ""}, 400, "Missing required header for this request: x-amz-content-sha256"},
		{"another checksum", "PUT", "/lab/x", "ops", "x", []string{"X-Amz-Checksum-Sha256", digest("y")}, 400, "BadDigest"},
		{"no checksum", "PUT", "/lab/x", "ops", "x", []string{"X-Amz-Checksum-Sha256", "x"}, 400, "Value for x-amz-checksum-sha256 header is invalid."},
		{"another MD5", "PUT", "/lab/x", "ops", "x", []string{"Content-Md5", "AAAA"}, 400, "BadDigest"},
		{"put only if there is none", "PUT", "/lab/a/x", "ops", "x", []string{"If-None-Match", "*"}, 412, "PreconditionFailed"},
		{"a CRC32", "PUT", "/lab/new", "ops", "new", []string{"X-Amz-Checksum-Crc32", "a+NERQ=="}, 200, ""},
		{"another CRC32", "PUT", "/lab/new", "ops", "new", []string{"X-Amz-Checksum-Crc32", "AAAAAA=="}, 400, "BadDigest"},
		{"an algorithm that the lab does not know", "PUT", "/lab/new", "ops", "new", []string{"X-Amz-Checksum-Crc64nvme", "AAAAAAAAAAA="}, 501, "knows nothing of x-amz-checksum-crc64nvme"},
		{"a checksum behind the body", "PUT", "/lab/x", "ops", "3\r\nnew\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n", chunks("3"), 200, ""},
		{"in two chunks", "PUT", "/lab/x", "ops", "1\r\nn\r\n2\r\new\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n", chunks("3"), 200, ""},
		{"another checksum behind the body", "PUT", "/lab/x", "ops", "3\r\nold\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n", chunks("3"), 400, "BadDigest"},
		{"another length than was told", "PUT", "/lab/x", "ops", "3\r\nnew\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n", chunks("4"), 400, "IncompleteBody"},
		{"half a chunk", "PUT", "/lab/x", "ops", "3\r\nne", chunks("3"), 400, "IncompleteBody"},
		{"no last chunk", "PUT", "/lab/x", "ops", "3\r\nnew\r\n", chunks("3"), 400, "IncompleteBody"},
		{"a chunk without a size", "PUT", "/lab/x", "ops", "-3\r\nnew\r\n", chunks("3"), 400, "IncompleteBody"},
		{"no checksum behind the body", "PUT", "/lab/x", "ops", "3\r\nnew\r\n0\r\n\r\n", chunks("3"), 400, "MalformedTrailerError"},
		{"in signed chunks", "PUT", "/lab/x", "ops", "x", []string{"X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, 501, "NotImplemented"},
		{"a part", "GET", "/lab/a/x", "ops", "", []string{"Range", "bytes=0-1"}, 501, "NotImplemented"},
		{"the policy", "GET", "/lab?policy", "ops", "", nil, 501, "NotImplemented"},
		{"a policy", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Deny","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::lab/x","arn:aws:s3:::lab/y"]}]}`, nil, 204, ""},
		{"no policy", "DELETE", "/lab?policy", "ops", "", nil, 204, ""},
		{"a reader's policy", "PUT", "/lab?policy", "host", "{}", nil, 403, "AccessDenied"},
		{"a policy that allows", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/x"}]}`, nil, 501, "NotImplemented"},
		{"a policy for all keys", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/*"}]}`, nil, 400, "MalformedPolicy"},
		{"a policy for the bucket, of reading", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab"}]}`, nil, 400, "MalformedPolicy"},
		{"a policy for a key, of listing", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Deny","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lab/x"}]}`, nil, 400, "MalformedPolicy"},
		{"a policy for another bucket", "PUT", "/lab?policy", "ops", `{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/x"}]}`, nil, 400, "MalformedPolicy"},
		{"a policy that is no JSON", "PUT", "/lab?policy", "ops", "x", nil, 400, "MalformedPolicy"},
		{"all buckets", "GET", "/", "ops", "", nil, 405, "MethodNotAllowed"},
		{"no number of keys", "GET", "/lab?max-keys=x", "ops", "", nil, 400, "InvalidArgument"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New("us-east-1", "lab")
			s.Reader("host")
			for key, body := range map[string]string{"a/x": "content of x", "b c": "blank", "secret": "secret"} {
				if err := s.Put("lab", key, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::lab/secret"}]}`
			if r := call(t, s, "PUT", "/lab?policy", "ops", deny); r.status != http.StatusNoContent {
				t.Fatal(r.body)
			}
			r := call(t, s, tc.method, tc.target, tc.key, tc.body, tc.header...)
			assert.Equal(t, tc.status, r.status, "%d %s", r.status, r.body)
			assert.Contains(t, r.body, tc.want)
			if tc.want == "" {
				assert.Empty(t, r.body)
			}
			if r.header.Get("X-Amz-Request-Id") != "request" {
				t.Errorf("header %v", r.header)
			}
		})
	}
}

// TestUnlisted: who may not list a bucket may still read what is in it.
func TestUnlisted(t *testing.T) {
	s := New("us-east-1", "lab")
	s.Reader("host")
	if err := s.Put("lab", "x", []byte("x")); err != nil {
		t.Fatal(err)
	}
	const deny = `{"Statement":[{"Effect":"Deny","Action":"s3:ListBucket","Resource":"arn:aws:s3:::lab"}]}`
	for _, tc := range []struct {
		method, target, key, body string
		status                    int
	}{
		{"GET", "/lab", "host", "", 200},
		{"PUT", "/lab?policy", "ops", deny, 204},
		{"GET", "/lab", "host", "", 403},
		{"GET", "/lab?list-type=2", "host", "", 403},
		{"HEAD", "/lab", "host", "", 403},
		{"GET", "/lab/x", "host", "", 200},
		{"GET", "/lab", "ops", "", 200},
		{"DELETE", "/lab?policy", "ops", "", 204},
		{"GET", "/lab", "host", "", 200},
	} {
		if r := call(t, s, tc.method, tc.target, tc.key, tc.body); r.status != tc.status {
			t.Errorf("%s %s as %s: %d, want %d", tc.method, tc.target, tc.key, r.status, tc.status)
		}
	}
}

// TestObject: what was put comes back, with its digests.
func TestObject(t *testing.T) {
	s := New("eu-central-1", "lab")
	body := string(bytes.Repeat([]byte{0, 0xff}, 1<<10))
	call(t, s, "PUT", "/lab/x", "ops", body, "X-Amz-Checksum-Sha256", digest(body), "Content-Type", "application/gzip")
	r := call(t, s, "GET", "/lab/x", "ops", "", "X-Amz-Checksum-Mode", "ENABLED")
	if r.body != body {
		t.Errorf("%d bytes came back", len(r.body))
	}
	for name, want := range map[string]string{
		"X-Amz-Checksum-Sha256": digest(body), "Content-Type": "application/gzip", "Content-Length": "2048",
		"Etag": `"39a7f4b89a4708d9d8e0ceeac1675341"`, "X-Amz-Bucket-Region": "eu-central-1",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if r := call(t, s, "GET", "/lab/x", "ops", ""); r.header.Get("X-Amz-Checksum-Sha256") != "" {
		t.Error("a digest that was not asked for")
	}
	call(t, s, "PUT", "/lab/x", "ops", "1\r\nn\r\n2\r\new\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n", chunks("3")...)
	r = call(t, s, "GET", "/lab/x", "ops", "", "X-Amz-Checksum-Mode", "ENABLED")
	if r.body != "new" {
		t.Errorf("%.80q came in chunks", r.body)
	}
	if got := r.header.Get("X-Amz-Checksum-Crc32"); got != "a+NERQ==" {
		t.Errorf("its CRC32 is %q", got)
	}
	if err := s.Put("none", "x", nil); err == nil {
		t.Error("put into a bucket that does not exist")
	}
}

// FuzzPolicy: whatever a policy is, it is taken or refused as S3 does it.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":["arn:aws:s3:::lab/x"]}]}`)
	f.Add(`{"Statement":[{"Effect":"Deny","Action":[1],"Resource":null}]}`)
	f.Fuzz(func(t *testing.T, policy string) {
		s := New("us-east-1", "lab")
		switch r := call(t, s, "PUT", "/lab?policy", "ops", policy); r.status {
		case http.StatusNoContent:
		case http.StatusBadRequest, http.StatusNotImplemented:
			assert.Empty(t, s.denied, "%s, and %v is denied", r.body, s.denied)
			assert.Contains(t, r.body, "<Error><Code>")
		default:
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}
