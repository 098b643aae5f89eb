package s3

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// policy is the part of a bucket's policy that the lab knows: statements that deny
// s3:GetObject or s3:ListBucket. They are for hosts: who owns the bucket may do all.
type policy struct {
	Statement []struct {
		Effect    string
		Principal any
		Action    oneOrMore
		Resource  oneOrMore
	}
}

// oneOrMore is a list, or its only element (IAM reference, "JSON policy grammar").
type oneOrMore []string

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

// setPolicy takes a bucket's policy, in place of the one it had. Anything but a
// denial of reading or listing is refused, and so is one of more than whole keys.
func (s *Store) setPolicy(w http.ResponseWriter, bucket string, body []byte) *Error {
	var p policy
	if err := json.Unmarshal(body, &p); err != nil {
		return &Error{http.StatusBadRequest, "MalformedPolicy", fmt.Sprintf("Policies must be valid JSON and the first byte must be '{': %v", err)}
	}
	var denied []place
	for _, statement := range p.Statement {
		lists := slices.Equal(statement.Action, []string{"s3:ListBucket"})
		if statement.Effect != "Deny" || !lists && !slices.Equal(statement.Action, []string{"s3:GetObject"}) {
			return &Error{http.StatusNotImplemented, "NotImplemented", "The lab's S3 knows policies that deny s3:GetObject or s3:ListBucket"}
		}
		for _, resource := range statement.Resource {
			arn, key, ofObject := strings.Cut(resource, "/")
			if arn != "arn:aws:s3:::"+bucket || ofObject == lists || ofObject && key == "" || strings.ContainsAny(key, "*?") {
				return &Error{http.StatusBadRequest, "MalformedPolicy", "Policy has invalid resource: " + resource}
			}
			denied = append(denied, place{bucket, key})
		}
	}
	s.dropPolicy(bucket)
	for _, at := range denied {
		s.denied[at] = true
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Store) dropPolicy(bucket string) {
	for at := range s.denied {
		if at.bucket == bucket {
			delete(s.denied, at)
		}
	}
}
