package cloud

import (
	"regexp"
	"slices"
	"unicode/utf8"
)

// tag is a tag of a document (Systems Manager API reference, Tag).
type tag struct{ Key, Value string }

// maxTags is how many a document can have.
const maxTags = 50

var (
	tagText    = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	targetType = regexp.MustCompile(`^/[\w.\-:/]*$`)
)

func checkTargetType(t string) error {
	if t != "" && (!targetType.MatchString(t) || len(t) > 200) {
		return invalid("targetType", t, "Member must satisfy regular expression pattern: "+targetType.String())
	}
	return nil
}

// tag adds tags to a document; one with a key that is there takes its place.
func (d *document) tag(tags []tag) error {
	all := slices.Clone(d.tags)
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > 128 || !tagText.MatchString(t.Key):
			return invalid("tags.member.key", t.Key, "Member must satisfy regular expression pattern: "+tagText.String())
		case utf8.RuneCountInString(t.Value) > 256 || !tagText.MatchString(t.Value):
			return invalid("tags.member.value", t.Value, "Member must satisfy regular expression pattern: "+tagText.String())
		}
		all = append(slices.DeleteFunc(all, func(old tag) bool { return old.Key == t.Key }), t)
	}
	if len(all) > maxTags {
		return badRequest("TooManyTagsError", "A document can have %d tags.", maxTags)
	}
	d.tags = all
	return nil
}

type addTagsInput struct {
	ResourceType string
	ResourceID   string `json:"ResourceId"`
	Tags         []tag
}

// addTagsToResource tags documents, and nothing else in the lab.
func (c *Cloud) addTagsToResource(in addTagsInput) (empty, error) {
	if in.ResourceType != "Document" {
		return empty{}, badRequest("InvalidResourceType", "The lab tags documents, not %s.", in.ResourceType)
	}
	d, ok := c.documents[in.ResourceID]
	if !ok {
		return empty{}, badRequest("InvalidResourceId", "There is no document %s.", in.ResourceID)
	}
	return empty{}, d.tag(in.Tags)
}
