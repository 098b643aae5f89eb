package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var user = Key{ID: "AKIDEXAMPLE", Secret: "secret", Account: "123456789012"}

// signed is a request as an SDK sends it.
type signed struct {
	key     Key
	service string
	body    string
	header  map[string]string // set before it is signed
	path    string
	age     time.Duration
}

func (s signed) request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:4580"+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(s.body))
	hash := hex.EncodeToString(sum[:])
	if given := s.header["X-Amz-Content-Sha256"]; given != "" {
		hash = given
	}
	credentials := aws.Credentials{AccessKeyID: s.key.ID, SecretAccessKey: s.key.Secret, SessionToken: s.key.Token}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s.service == "s3" })
	if err := signer.SignHTTP(t.Context(), credentials, r, hash, s.service, "us-east-1", time.Now().Add(-s.age)); err != nil {
		t.Fatal(err)
	}
	return r
}

// received is how a server gets a request, and what it says of it.
func (k *Keys) received(t *testing.T, r *http.Request, service string) (key Key, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, readErr := io.ReadAll(r.Body)
		if readErr != nil {
			t.Error(readErr)
		}
		key, err = k.Verify(r, body, service, "us-east-1")
	}))
	defer server.Close()
	if r.Host == "" {
		r.Host = r.URL.Host // what is signed
	}
	r.URL.Host = server.Listener.Addr().String()
	resp, sendErr := http.DefaultClient.Do(r)
	if sendErr != nil {
		t.Fatal(sendErr)
	}
	_ = resp.Body.Close()
	return key, err
}

func TestVerify(t *testing.T) {
	keys := New(user)
	session := keys.Session("123456789013", time.Now())
	for _, tc := range []struct {
		name string
		signed
		edit func(*http.Request) // after it was signed
		want error
	}{
		{"JSON", signed{key: user, service: "ssm", body: "{}", header: map[string]string{"X-Amz-Target": "AmazonSSM.ListCommands", "Content-Type": "application/x-amz-json-1.1"}}, nil, nil},
		{"a path and a query", signed{key: user, service: "monitoring", body: "x", path: "/service/a b/operation/c?z=1&a=%2F&a=+"}, nil, nil},
		{"an object", signed{key: user, service: "s3", path: "/bucket/a%20b/%2B~%C3%BC//x", header: map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}}, nil, nil},
		{"values with blanks", signed{key: user, service: "ssm", header: map[string]string{"X-Amz-Note": "  a   b "}}, nil, nil},
		{"a session", signed{key: session, service: "ssm", body: "{}"}, nil, nil},
		{"a header that is not signed", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Set("User-Agent", "x") }, nil},
		{"a little late", signed{key: user, service: "ssm", age: 4 * time.Minute}, nil, nil},
		{"S3, late", signed{key: user, service: "s3", age: 14 * time.Minute}, nil, nil},

		{"no signature", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Del("Authorization") }, ErrUnsigned},
		{"an invented signature", signed{key: user, service: "ssm"}, func(r *http.Request) { rewrite(r, "Signature=", strings.Repeat("0", 64)) }, ErrMismatch},
		{"an empty signature", signed{key: user, service: "ssm"}, func(r *http.Request) { rewrite(r, "Signature=", "") }, ErrIncomplete},
		{"no credential", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Set("Authorization", algorithm+" SignedHeaders=host, Signature=0") }, ErrIncomplete},
		{"no host", signed{key: user, service: "ssm"}, func(r *http.Request) {
			r.Header.Set("Authorization", algorithm+" Credential=AKIDEXAMPLE/20261123/us-east-1/ssm/aws4_request, SignedHeaders=x, Signature=0")
		}, ErrIncomplete},
		{"another algorithm", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=x") }, ErrIncomplete},
		{"no date", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, ErrIncomplete},
		{"an invented key", signed{key: Key{ID: "AKIDOTHER", Secret: "secret"}, service: "ssm"}, nil, ErrUnknownKey},
		{"another secret", signed{key: Key{ID: user.ID, Secret: "Secret"}, service: "ssm"}, nil, ErrMismatch},
		{"no secret", signed{key: Key{ID: user.ID}, service: "ssm"}, nil, ErrMismatch},
		{"another body", signed{key: user, service: "ssm", body: "{}"}, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }, ErrMismatch},
		{"an unsigned body, but for S3", signed{key: user, service: "ssm", body: "{}", header: map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}}, nil, ErrMismatch},
		{"another path", signed{key: user, service: "ssm", path: "/a"}, func(r *http.Request) { r.URL.Path = "/b" }, ErrMismatch},
		{"another query", signed{key: user, service: "ssm", path: "/?a=1"}, func(r *http.Request) { r.URL.RawQuery = "a=2" }, ErrMismatch},
		{"another method", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Method = http.MethodPut }, ErrMismatch},
		{"another host", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Host = "localhost:4580" }, ErrMismatch},
		{"another operation", signed{key: user, service: "ssm", header: map[string]string{"X-Amz-Target": "AmazonSSM.ListCommands"}},
			func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSSM.SendCommand") }, ErrMismatch},
		{"an operation that is not signed", signed{key: user, service: "ssm"}, func(r *http.Request) { r.Header.Set("X-Amz-Target", "AmazonSSM.SendCommand") }, ErrMismatch},
		{"another service", signed{key: user, service: "ec2"}, func(r *http.Request) { rewrite(r, "/us-east-1/", "ssm/aws4_request, "+after(r, "aws4_request, ")) }, ErrMismatch},
		{"too old", signed{key: user, service: "ssm", age: 6 * time.Minute}, nil, ErrSkewed},
		{"too new", signed{key: user, service: "ssm", age: -6 * time.Minute}, nil, ErrSkewed},
		{"S3, too old", signed{key: user, service: "s3", age: 16 * time.Minute}, nil, ErrSkewed},
		{"another day", signed{key: user, service: "ssm", age: 48 * time.Hour}, func(r *http.Request) { r.Header.Set("X-Amz-Date", time.Now().UTC().Format(dateLayout)) }, ErrMismatch},
		{"a session without its token", signed{key: Key{ID: session.ID, Secret: session.Secret}, service: "ssm"}, nil, ErrUnknownKey},
		{"a session with another token", signed{key: Key{ID: session.ID, Secret: session.Secret, Token: "x"}, service: "ssm"}, nil, ErrUnknownKey},
		{"a user with a token", signed{key: Key{ID: user.ID, Secret: user.Secret, Token: "x"}, service: "ssm"}, nil, ErrUnknownKey},
		{"a session with another secret", signed{key: Key{ID: session.ID, Secret: "lab", Token: session.Token}, service: "ssm"}, nil, ErrMismatch},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.request(t)
			if tc.edit != nil {
				tc.edit(r)
			}
			service := tc.service
			if tc.name == "another service" {
				service = "ssm"
			}
			got, err := keys.received(t, r, service)
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if tc.want == nil && got.ID != tc.key.ID {
				t.Errorf("signed by %q, want %q", got.ID, tc.key.ID)
			}
			if tc.want != nil && got != (Key{}) {
				t.Errorf("a key with the error: %+v", got)
			}
		})
	}
}

// after is what follows a text in the signature of a request.
func after(r *http.Request, text string) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), text)
	return rest
}

// rewrite puts something in the place of all that follows a text.
func rewrite(r *http.Request, text, rest string) {
	head, _, _ := strings.Cut(r.Header.Get("Authorization"), text)
	r.Header.Set("Authorization", head+text+rest)
}

// TestRegion: a signature is good in one region.
func TestRegion(t *testing.T) {
	r := signed{key: user, service: "ssm"}.request(t)
	if _, err := New(user).Verify(r, nil, "ssm", "eu-central-1"); !errors.Is(err, ErrMismatch) {
		t.Errorf("error %v, want %v", err, ErrMismatch)
	}
}

// TestSecrets: no two are the same.
func TestSecrets(t *testing.T) {
	keys, seen := New(), make(map[string]bool)
	for range 100 {
		s := keys.Session("123456789012", time.Now())
		for _, text := range []string{s.ID, s.Secret, s.Token, Secret()} {
			if seen[text] {
				t.Errorf("%s comes twice", text)
			}
			seen[text] = true
		}
		if len(s.Secret) < 40 {
			t.Errorf("the secret %s has %d characters", s.Secret, len(s.Secret))
		}
	}
}

// FuzzVerify: whatever a signature says, it is refused as one of the errors.
func FuzzVerify(f *testing.F) {
	f.Add("")
	f.Add(algorithm + " Credential=AKIDEXAMPLE/20261123/us-east-1/ssm/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	f.Add(algorithm + " Credential=////,SignedHeaders=;;host,Signature==,")
	f.Add("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/ssm/aws4_request,SignedHeaders=host;\x00,Signature=0")
	keys := New(user)
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	keys.now = func() time.Time { return at }
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header["Authorization"] = []string{header}
		r.Header.Set("X-Amz-Date", at.Format(dateLayout))
		_, err := keys.Verify(r, nil, "ssm", "us-east-1")
		for _, want := range []error{ErrUnsigned, ErrIncomplete, ErrUnknownKey, ErrMismatch} {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("%q: %v", header, err)
	})
}

func BenchmarkVerify(b *testing.B) {
	keys, body := New(user), []byte(strings.Repeat("x", 300))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	sum := sha256.Sum256(body)
	r.Header.Set("X-Amz-Target", "AmazonSSM.ListCommandInvocations")
	credentials := aws.Credentials{AccessKeyID: user.ID, SecretAccessKey: user.Secret}
	if err := v4.NewSigner().SignHTTP(b.Context(), credentials, r, hex.EncodeToString(sum[:]), "ssm", "us-east-1", time.Now()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := keys.Verify(r, body, "ssm", "us-east-1"); err != nil {
			b.Fatal(err)
		}
	}
}
