package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxKeys is how many keys a page holds.
const maxKeys = 1000

type listing struct {
	XMLName      xml.Name `xml:"ListBucketResult"`
	Namespace    string   `xml:"xmlns,attr"`
	Name         string
	Prefix       string
	Delimiter    string `xml:",omitempty"`
	MaxKeys      int
	EncodingType string `xml:",omitempty"`
	KeyCount     *int   `xml:",omitempty"` // of the second version only
	StartAfter   string `xml:",omitempty"`
	IsTruncated  bool

	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	Contents              []content
	CommonPrefixes        []commonPrefix
}

type content struct {
	Key, LastModified, ETag string
	Size                    int
	StorageClass            string
}

type commonPrefix struct{ Prefix string }

// list answers with the keys of a bucket that begin with a prefix, in order;
// those with the delimiter behind it are one common prefix.
func list(w http.ResponseWriter, r *http.Request, operation, bucket string, objects map[string]*object) *Error {
	q := r.URL.Query()
	out := listing{
		Namespace: "http://s3.amazonaws.com/doc/2006-03-01/",
		Name:      bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), MaxKeys: maxKeys,
	}
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return &Error{http.StatusBadRequest, "InvalidArgument", "Provided max-keys not an integer or within integer range"}
		}
		out.MaxKeys = min(n, maxKeys)
	}
	// A token is the last key or prefix of the page before.
	after, last := q.Get("start-after"), ""
	if token := q.Get("continuation-token"); token != "" {
		decoded, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return &Error{http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect"}
		}
		after, out.ContinuationToken = string(decoded), token
		if out.Delimiter != "" && strings.HasSuffix(after, out.Delimiter) {
			last = after
		}
	}
	out.StartAfter = q.Get("start-after")
	final := "" // of this page
	count := 0
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		if key <= after {
			continue
		}
		rest, ok := strings.CutPrefix(key, out.Prefix)
		if !ok {
			continue
		}
		folder, _, deeper := strings.Cut(rest, out.Delimiter)
		folder = out.Prefix + folder + out.Delimiter
		if deeper = deeper && out.Delimiter != ""; deeper && folder == last {
			continue
		}
		if count == out.MaxKeys {
			out.IsTruncated = true
			if operation == "ListObjectsV2" {
				out.NextContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(final))
			}
			break
		}
		count++
		final = key
		if deeper {
			last, final = folder, folder
			out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{folder})
			continue
		}
		o := objects[key]
		out.Contents = append(out.Contents, content{
			Key: key, LastModified: o.modified.Format("2006-01-02T15:04:05.000Z"), ETag: o.etag, Size: len(o.body), StorageClass: "STANDARD",
		})
	}
	if operation == "ListObjectsV2" {
		out.KeyCount = &count
	}
	if q.Get("encoding-type") == "url" {
		out.encode()
	}
	writeXML(w, http.StatusOK, out)
	return nil
}

// encode writes names as URLs have them: XML has no room for some characters of keys.
func (l *listing) encode() {
	l.EncodingType = "url"
	// Slashes stay as they are.
	escape := func(s *string) { *s = strings.ReplaceAll(url.QueryEscape(*s), "%2F", "/") }
	for _, s := range []*string{&l.Prefix, &l.Delimiter, &l.StartAfter} {
		escape(s)
	}
	for i := range l.Contents {
		escape(&l.Contents[i].Key)
	}
	for i := range l.CommonPrefixes {
		escape(&l.CommonPrefixes[i].Prefix)
	}
}
