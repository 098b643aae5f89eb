package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxKeys is how many keys a page holds. The lab has one page: a second is
// refused where there would be one.
const maxKeys = 1000

type listing struct {
	XMLName        xml.Name `xml:"ListBucketResult"`
	Namespace      string   `xml:"xmlns,attr"`
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	MaxKeys        int
	KeyCount       *int `xml:",omitempty"` // of the second version only
	IsTruncated    bool
	Contents       []content
	CommonPrefixes []commonPrefix
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
	var last string
	count := 0
	for _, key := range slices.Sorted(maps.Keys(objects)) {
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
			break
		}
		count++
		if deeper {
			last = folder
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
	writeXML(w, http.StatusOK, out)
	return nil
}
