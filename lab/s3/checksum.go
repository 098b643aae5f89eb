package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// trailing is what a body is signed with that comes in chunks, with its checksum
// behind it: what the SDKs send over TLS (API reference of Amazon S3, "Signature
// calculations: trailing headers").
const trailing = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

const checksumHeader = "X-Amz-Checksum-"

// checksums are the algorithms that the lab knows, by the ends of their headers.
var checksums = map[string]func([]byte) []byte{
	"Crc32":  func(body []byte) []byte { return binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)) },
	"Sha256": func(body []byte) []byte { sum := sha256.Sum256(body); return sum[:] },
}

// checkSum holds a body against the checksum in the header, and returns the name and
// the value of that header; they are empty if it has none.
func checkSum(header http.Header, body []byte) (name, sum string, _ *Error) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		algorithm, ok := strings.CutPrefix(name, checksumHeader)
		if !ok {
			continue
		}
		compute, own := checksums[algorithm], header.Get(name)
		if compute == nil {
			return "", "", &Error{http.StatusNotImplemented, "NotImplemented", "The lab's S3 knows nothing of " + strings.ToLower(name)}
		}
		want := compute(body)
		sent, err := base64.StdEncoding.DecodeString(own)
		switch {
		case err != nil || len(sent) != len(want):
			return "", "", &Error{http.StatusBadRequest, "InvalidRequest", "Value for " + strings.ToLower(name) + " header is invalid."}
		case !bytes.Equal(sent, want):
			return "", "", &Error{http.StatusBadRequest, "BadDigest", "The " + strings.ToUpper(algorithm) + " you specified did not match the calculated checksum."}
		}
		return name, own, nil
	}
	return "", "", nil
}

// unchunk takes the body out of its chunks, and puts the checksum behind it into the
// header.
func unchunk(header http.Header, chunked []byte) ([]byte, *Error) {
	incomplete := &Error{http.StatusBadRequest, "IncompleteBody", "The request body terminated unexpectedly"}
	var body []byte
	for {
		head, rest, found := bytes.Cut(chunked, []byte("\r\n"))
		size, err := strconv.ParseUint(string(head), 16, 31)
		if !found || err != nil {
			return nil, incomplete
		}
		if chunked = rest; size == 0 {
			break
		}
		end := int(size)
		if len(chunked) < end || !bytes.HasPrefix(chunked[end:], []byte("\r\n")) {
			return nil, incomplete
		}
		body, chunked = append(body, chunked[:end]...), chunked[end+2:]
	}
	if header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(body)) {
		return nil, incomplete
	}
	trailer, _, _ := strings.Cut(string(chunked), "\r\n")
	name, value, _ := strings.Cut(trailer, ":")
	if announced := header.Get("X-Amz-Trailer"); announced == "" || !strings.EqualFold(name, announced) {
		return nil, &Error{http.StatusBadRequest, "MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema."}
	}
	header.Set(name, strings.TrimSpace(value))
	return body, nil
}
