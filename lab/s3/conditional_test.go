package s3

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConditionalPut: of two writers that read the same, one writes.
func TestConditionalPut(t *testing.T) {
	s := New("us-east-1", "lab")
	put := func(body string, header ...string) answer {
		t.Helper()
		return call(t, s, "PUT", "/lab/x", "ops", body, header...)
	}
	first := put("one", "If-None-Match", "*")
	require.Equal(t, 200, first.status, first.body)
	assert.Equal(t, 412, put("two", "If-None-Match", "*").status)
	tag := first.header.Get("Etag")
	assert.Equal(t, 412, put("two", "If-Match", `"0123"`).status)
	assert.Equal(t, 200, put("two", "If-Match", tag).status)
	assert.Equal(t, 412, put("three", "If-Match", tag).status)
	assert.Equal(t, "two", call(t, s, "GET", "/lab/x", "ops", "").body)
	missing := call(t, s, "PUT", "/lab/none", "ops", "x", "If-Match", tag)
	assert.Equal(t, 404, missing.status)
	assert.Contains(t, missing.body, "NoSuchKey")
}

// TestPages lists more keys than a page holds, from a token to the next.
func TestPages(t *testing.T) {
	s := New("us-east-1", "lab")
	for i := range 2100 {
		require.NoError(t, s.Put("lab", fmt.Sprintf("a/%04d", i), nil))
	}
	require.NoError(t, s.Put("lab", "b", nil))
	key, token := regexp.MustCompile(`<Key>(a/[0-9]+)</Key>`), regexp.MustCompile(`<NextContinuationToken>([^<]+)</NextContinuationToken>`)
	var seen []string
	target := "/lab?list-type=2&prefix=a/"
	for pages := 1; ; pages++ {
		got := call(t, s, "GET", target, "ops", "")
		require.Equal(t, 200, got.status, got.body)
		for _, m := range key.FindAllStringSubmatch(got.body, -1) {
			seen = append(seen, m[1])
		}
		next := token.FindStringSubmatch(got.body)
		if next == nil {
			assert.Equal(t, 3, pages)
			break
		}
		target = "/lab?list-type=2&prefix=a/&continuation-token=" + next[1]
	}
	require.Len(t, seen, 2100)
	assert.Equal(t, "a/0000", seen[0])
	assert.Equal(t, "a/2099", seen[2099])
	assert.Equal(t, 400, call(t, s, "GET", "/lab?list-type=2&continuation-token=!", "ops", "").status)
	after := call(t, s, "GET", "/lab?list-type=2&start-after=a/2098", "ops", "")
	assert.Contains(t, after.body, "<KeyCount>2</KeyCount>")
	encoded := call(t, s, "GET", "/lab?list-type=2&prefix=a/2099&encoding-type=url", "ops", "")
	assert.Contains(t, encoded.body, "<EncodingType>url</EncodingType>")
}

// TestDemand: a bucket that wants a key takes nothing without it.
func TestDemand(t *testing.T) {
	const kms = "arn:aws:kms:us-east-1:123456789012:key/1234"
	s := New("us-east-1", "lab")
	s.Demand("lab", kms)
	assert.Equal(t, 403, call(t, s, "PUT", "/lab/x", "ops", "x").status)
	assert.Equal(t, 403, call(t, s, "PUT", "/lab/x", "ops", "x", "X-Amz-Server-Side-Encryption", "AES256").status)
	assert.Equal(t, 403, call(t, s, "PUT", "/lab/x", "ops", "x", "X-Amz-Server-Side-Encryption", "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "other").status)
	put := call(t, s, "PUT", "/lab/x", "ops", "x", "X-Amz-Server-Side-Encryption", "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", kms)
	assert.Equal(t, 200, put.status, put.body)
}
