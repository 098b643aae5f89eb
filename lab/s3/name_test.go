package s3

import (
	"strings"
	"testing"
)

func TestServes(t *testing.T) {
	s := New("us-east-1", "lab", "a.b")
	for host, want := range map[string]bool{
		"s3.us-east-1.amazonaws.com":               true,
		"s3.us-east-1.amazonaws.com:4580":          true,
		"lab.s3.us-east-1.amazonaws.com":           true,
		"lab.s3.us-east-1.amazonaws.com:4580":      true,
		"a.b.s3.us-east-1.amazonaws.com:4580":      true,
		"other.s3.us-east-1.amazonaws.com":         false,
		"lab.s3.eu-central-1.amazonaws.com":        false,
		"s3.amazonaws.com":                         false,
		"LAB.s3.us-east-1.amazonaws.com":           false,
		"lab.s3.us-east-1.amazonaws.com.":          false,
		"lab.s3.us-east-1.amazonaws.com.evil.com":  false,
		"lab.s3.us-east-1.amazonaws.com:x":         false,
		"evil.com/lab.s3.us-east-1.amazonaws.com":  false,
		"lab.s3.us-east-1.amazonaws.com@evil.com":  false,
		"ssm.us-east-1.amazonaws.com":              false,
		"xs3.us-east-1.amazonaws.com":              false,
		"127.0.0.1:4580":                           false,
		"localhost":                                false,
		"":                                         false,
		"lab.s3.us-east-1.amazonaws.com\n":         false,
		"lab.s3.us-east-1xamazonaws.com":           false,
		"lab.lab.s3.us-east-1.amazonaws.com":       false,
		"lab.s3.us-east-1.amazonaws.com:4580:4580": false,
	} {
		if got := s.Serves(host); got != want {
			t.Errorf("%q: %t, want %t", host, got, want)
		}
	}
}

// TestHosted: what is asked for is the same, by path and by host.
func TestHosted(t *testing.T) {
	for _, tc := range []struct {
		name, method, target, key string
		status                    int
		want                      string // in the answer
	}{
		{"read", "GET", "https://lab.s3.us-east-1.amazonaws.com:4580/a/x", "host", 200, "content of x"},
		{"read by path", "GET", "https://s3.us-east-1.amazonaws.com:4580/lab/a/x", "host", 200, "content of x"},
		{"a key like the bucket", "GET", "https://lab.s3.us-east-1.amazonaws.com/lab/x", "host", 200, "x in lab"},
		{"list", "GET", "https://lab.s3.us-east-1.amazonaws.com/?prefix=a%2F", "host", 200, "<Contents><Key>a/x</Key>"},
		{"look for a bucket", "HEAD", "https://lab.s3.us-east-1.amazonaws.com/", "host", 200, ""},
		{"a reader puts", "PUT", "https://lab.s3.us-east-1.amazonaws.com/a/x", "host", 403, "AccessDenied"},
		{"no such key", "GET", "https://lab.s3.us-east-1.amazonaws.com/none", "host", 404, "NoSuchKey"},
		{"no such bucket", "GET", "https://none.s3.us-east-1.amazonaws.com/a/x", "host", 404, "NoSuchBucket"},
		{"all buckets", "GET", "https://s3.us-east-1.amazonaws.com/", "ops", 405, "MethodNotAllowed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := New("us-east-1", "lab")
			s.Reader("host")
			for key, body := range map[string]string{"a/x": "content of x", "lab/x": "x in lab"} {
				if err := s.Put("lab", key, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			r := call(t, s, tc.method, tc.target, tc.key, "")
			if r.status != tc.status {
				t.Errorf("%d, want %d", r.status, tc.status)
			}
			if !strings.Contains(r.body, tc.want) {
				t.Errorf("%s without %q", r.body, tc.want)
			}
		})
	}
}
