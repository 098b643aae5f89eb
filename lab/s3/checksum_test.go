package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestSDK puts an object with the SDK's own client, which sends the checksum ahead of
// the body over HTTP, and behind it over TLS.
func TestSDK(t *testing.T) {
	for _, tc := range []struct {
		name   string
		start  func(http.Handler) *httptest.Server
		signed string
	}{
		{"HTTP", httptest.NewServer, "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"},
		{"TLS", httptest.NewTLSServer, trailing},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New("us-east-1", "lab")
			var signed string
			server := tc.start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				signed = r.Header.Get("X-Amz-Content-Sha256")
				s.Serve(w, r, body)
			}))
			t.Cleanup(server.Close)
			client := sdk.New(sdk.Options{
				Region: "us-east-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true, HTTPClient: server.Client(),
				Credentials:                credentials.NewStaticCredentialsProvider("key", "secret", ""),
				RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, // as LoadDefaultConfig has it
			})
			in := &sdk.PutObjectInput{Bucket: aws.String("lab"), Key: aws.String("x"), Body: strings.NewReader("new")}
			if _, err := client.PutObject(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if signed != tc.signed {
				t.Errorf("signed with %s, want %s", signed, tc.signed)
			}
			r := call(t, s, "GET", "/lab/x", "ops", "", "X-Amz-Checksum-Mode", "ENABLED")
			if r.body != "new" {
				t.Errorf("body %q", r.body)
			}
			if got := r.header.Get("X-Amz-Checksum-Crc32"); got != "a+NERQ==" {
				t.Errorf("CRC32 %q", got)
			}
		})
	}
}

// FuzzUnchunk: what comes out of chunks has the length that was told, and is in
// them.
func FuzzUnchunk(f *testing.F) {
	f.Add([]byte("1\r\nn\r\n2\r\new\r\n0\r\nx-amz-checksum-crc32:a+NERQ==\r\n\r\n"))
	f.Add([]byte("0\r\n\r\n"))
	f.Add([]byte("7fffffff\r\n"))
	f.Fuzz(func(t *testing.T, chunked []byte) {
		body, err := unchunk(http.Header{"X-Amz-Decoded-Content-Length": {"3"}, "X-Amz-Trailer": {"x-amz-checksum-crc32"}}, chunked)
		if err == nil && len(body) != 3 {
			t.Errorf("%q", body)
		}
	})
}
