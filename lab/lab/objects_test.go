package lab

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/cloud"
	"aidefleet/lab/s3"
	"aidefleet/lab/sigv4"
)

// TestBucketNames: under the names of S3, there is S3 and nothing else, for whoever signs.
func TestBucketNames(t *testing.T) {
	user := sigv4.Key{ID: userKey, Secret: sigv4.Secret(), Account: userAccount}
	host := sigv4.Key{ID: hostKey, Secret: sigv4.Secret(), Account: userAccount, Agent: true}
	stranger := sigv4.Key{ID: userKey, Secret: "lab"}
	objects := s3.New(region, Bucket)
	objects.Reader(hostKey)
	if err := objects.Put(Bucket, "x", []byte("content")); err != nil {
		t.Fatal(err)
	}
	l := &Lab{cloud: cloud.New(cloud.Config{Region: region, Account: userAccount, Keys: sigv4.New(user, host), Objects: objects})}
	if err := l.serveObjects(net.IPv4(127, 0, 0, 1), objects, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.objects.Close() }()
	client := trusting(t, l)
	name := Bucket + "." + s3.Name(region)
	const create = "AmazonSSM.CreateDocument"
	for _, tc := range []struct {
		name         string
		key          sigv4.Key
		service      string
		method, path string
		host, target string // host: of the request, and signed
		status       int
		want         string // in the answer
	}{
		{"a host reads", host, "s3", "GET", "/x", name, "", 200, "content"},
		{"a host reads by path", host, "s3", "GET", "/" + Bucket + "/x", s3.Name(region), "", 200, "content"},
		{"a host writes", host, "s3", "PUT", "/x", name, "", 403, "AccessDenied"},
		{"nobody reads", sigv4.Key{}, "s3", "GET", "/x", name, "", 403, "AccessDenied"},
		{"nobody looks for the bucket", sigv4.Key{}, "s3", "HEAD", "/", name, "", 403, ""},
		{"nobody creates a document", sigv4.Key{}, "ssm", "POST", "/", name, create, 403, "AccessDenied"},
		{"a stranger reads", stranger, "s3", "GET", "/x", name, "", 403, "SignatureDoesNotMatch"},
		{"another service", user, "ssm", "POST", "/", name, create, 403, "SignatureDoesNotMatch"},
		{"another service, signed for S3", user, "s3", "POST", "/", name, create, 405, "MethodNotAllowed"},
		{"another region's name", user, "s3", "GET", "/x", Bucket + ".s3.eu-central-1.amazonaws.com", "", 421, "no bucket"},
		{"no bucket", user, "s3", "GET", "/x", "other." + s3.Name(region), "", 421, "no bucket"},
		{"the machine's name", user, "ssm", "POST", "/", "localhost", create, 421, "no bucket"},
		{"a browser's name", user, "s3", "GET", "/x", "evil.example.com", "", 421, "no bucket"},
		{"the stats are elsewhere", sigv4.Key{}, "", "GET", "/lab/stats", "127.0.0.1", "", 421, "no bucket"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req := httptest.NewRequest(tc.method, "https://"+name+tc.path, nil)
			req.RequestURI, req.Host = "", tc.host
			if tc.target != "" {
				req.Header.Set("X-Amz-Target", tc.target)
			}
			if tc.key.ID != "" {
				sign(t, req, tc.key, tc.service)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tc.status {
				t.Errorf("%s, want %d", resp.Status, tc.status)
			}
			if !strings.Contains(string(text), tc.want) {
				t.Errorf("%s, want %s", text, tc.want)
			}
		})
	}
}

// trusting is a client that finds a lab's S3 under every name, and trusts its authority only.
func trusting(t *testing.T, l *Lab) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(l.s3.Authority)) {
		t.Fatalf("no certificate: %q", l.s3.Authority)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, l.s3.Address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func sign(t *testing.T, r *http.Request, key sigv4.Key, service string) {
	t.Helper()
	sum := sha256.Sum256(nil)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret}, r, hash, service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// TestAuthority: a lab vouches for the names of its S3 and for no others, and no two
// labs are the same.
func TestAuthority(t *testing.T) {
	authority, certificate, err := certify("s3.us-east-1.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(authority))
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"s3.us-east-1.amazonaws.com": true, "lab.s3.us-east-1.amazonaws.com": true,
		"ssm.us-east-1.amazonaws.com": false, "s3.eu-central-1.amazonaws.com": false, "a.b.s3.us-east-1.amazonaws.com": false, "127.0.0.1": false,
	} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool}); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	block, rest := pem.Decode([]byte(authority))
	if len(rest) > 0 {
		t.Errorf("more than a certificate: %q", rest)
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !ca.PermittedDNSDomainsCritical {
		t.Error("who does not know of permitted domains trusts it for all")
	}
	require.Len(t, ca.PermittedDNSDomains, 1)
	assert.Equal(t, "s3.us-east-1.amazonaws.com", ca.PermittedDNSDomains[0], "it may vouch for %q", ca.PermittedDNSDomains)
	other, _, err := certify("s3.us-east-1.amazonaws.com")
	if err != nil {
		t.Fatal(err)
	}
	strangers := x509.NewCertPool()
	strangers.AppendCertsFromPEM([]byte(other))
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "s3.us-east-1.amazonaws.com", Roots: strangers}); err == nil {
		t.Error("another lab's authority vouches for it")
	}
}
