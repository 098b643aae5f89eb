// Package fleet knows which hosts a sweep targets, which of them can be reached, and why
// the others cannot.
//
// EC2 says which hosts there are: it knows every instance that exists. SSM says which can
// be reached: it knows only instances whose agent has spoken. The difference is a finding,
// not an omission. Only SSM knows hybrid nodes (mi-…).
package fleet

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of Run Command (AWS Systems Manager API reference, SendCommand).
const (
	maxTags   = 5
	maxValues = 5
)

// maxSpelled bounds the names of hosts that a selector's text holds, in characters: the
// comment of a command has no more room.
const maxSpelled = 40

// Limits of tags (Amazon EC2 user guide, "Tag restrictions"), in characters.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

// Tag selects the hosts whose tag Key has one of Values.
type Tag struct {
	Key    string
	Values []string
}

// Selector says which hosts to target: those that match every tag, those that are named, or
// every instance and every managed node there is.
type Selector struct {
	Tags      []Tag
	Instances []string
	All       bool
}

// filterOfTag is the prefix of a tag's key: in a filter of EC2, in one of
// DescribeInstanceInformation, and in a target of Run Command.
const filterOfTag = "tag:"

// Filter is the name under which AWS filters hosts by the tag.
func (t Tag) Filter() string { return filterOfTag + t.Key }

// TagOfFilter is the inverse of Filter: the key of the tag, if name is that of a tag's
// filter.
func TagOfFilter(name string) (key string, ok bool) { return strings.CutPrefix(name, filterOfTag) }

// ParseTag reads KEY=VALUE[,VALUE…]. A value may hold a '=', a key may not.
func ParseTag(s string) (Tag, error) {
	key, list, found := strings.Cut(s, "=")
	if !found || key == "" || list == "" {
		return Tag{}, fmt.Errorf("tag %q: want KEY=VALUE[,VALUE], for example env=prod", s)
	}
	t := Tag{Key: key, Values: strings.Split(list, ",")}
	if err := t.Validate(); err != nil {
		return Tag{}, err
	}
	return t, nil
}

// Validate refuses what no tag of an instance can be, and what Run Command does not take.
func (t Tag) Validate() error {
	switch {
	case t.Key == "":
		return errors.New("a tag without a key")
	case !utf8.ValidString(t.Key + strings.Join(t.Values, "")):
		return fmt.Errorf("tag %q is not valid UTF-8", t.Key)
	case utf8.RuneCountInString(t.Key) > maxTagKey:
		return fmt.Errorf("tag key %q is longer than %d characters", t.Key, maxTagKey)
	case len(t.Values) == 0:
		return fmt.Errorf("tag %q has no value", t.Key)
	case len(t.Values) > maxValues:
		return fmt.Errorf("tag %q has %d values, Run Command takes at most %d", t.Key, len(t.Values), maxValues)
	}
	for _, v := range t.Values {
		if v == "" {
			return fmt.Errorf("tag %q has an empty value: want KEY=VALUE[,VALUE]", t.Key+"="+strings.Join(t.Values, ","))
		}
		if utf8.RuneCountInString(v) > maxTagValue {
			return fmt.Errorf("tag %q: a value is longer than %d characters", t.Key, maxTagValue)
		}
	}
	return nil
}

var idPattern = regexp.MustCompile(`^m?i-[0-9a-f]{8,17}$`)

// IsID says that a text is the id of an instance or of a hybrid node, as far as its
// form tells.
func IsID(text string) bool { return idPattern.MatchString(text) }

// Validate refuses a selector that does not have exactly one kind of target.
func (s Selector) Validate() error {
	switch {
	case len(s.Tags) == 0 && len(s.Instances) == 0 && !s.All:
		return errors.New("no target: give --tag KEY=VALUE, --instance ID, --targets FILE or --all")
	case len(s.Tags) > 0 && len(s.Instances) > 0:
		return errors.New("hosts by tag and hosts by id cannot be combined: give --tag, or --instance or --targets")
	case s.All && (len(s.Tags) > 0 || len(s.Instances) > 0):
		return errors.New("--all cannot be combined with --tag, --instance or --targets: it means every host")
	case len(s.Tags) > maxTags:
		return fmt.Errorf("%d tags, Run Command takes at most %d", len(s.Tags), maxTags)
	}
	seen := map[string]bool{}
	for _, t := range s.Tags {
		if seen[t.Key] {
			return fmt.Errorf("tag %q is given twice: want one --tag %s=VALUE,VALUE", t.Key, t.Key)
		}
		seen[t.Key] = true
		if err := t.Validate(); err != nil {
			return err
		}
	}
	for _, id := range s.Instances {
		if err := validateInstance(id); err != nil {
			return err
		}
	}
	return nil
}

func validateInstance(id string) error {
	if !IsID(id) {
		return fmt.Errorf("instance %.40q: want an id such as i-0123456789abcdef0 or mi-0123456789abcdef0", id)
	}
	return nil
}

// String is the target as on the command line, without the flag names: "env=prod
// role=web,db", or "all". It is the default name of a fleet. Of more than two named hosts
// it has the number and a digest, which does not depend on their order.
func (s Selector) String() string {
	if s.All {
		return "all"
	}
	sorted := slices.Sorted(slices.Values(s.Instances))
	if len(strings.Join(sorted, " ")) > maxSpelled {
		sum := sha256.Sum256([]byte(strings.Join(sorted, "\n")))
		return fmt.Sprintf("%d hosts %x", len(sorted), sum[:4])
	}
	parts := make([]string, 0, len(s.Tags)+len(sorted))
	for _, t := range s.Tags {
		parts = append(parts, t.Key+"="+strings.Join(t.Values, ","))
	}
	return strings.Join(append(parts, sorted...), " ")
}
