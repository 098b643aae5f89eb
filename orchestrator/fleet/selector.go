// Package fleet knows who is meant by a sweep, who of them can be reached, and
// why the others cannot.
//
// Who is meant comes from EC2, which knows every instance that exists; who can
// be reached comes from SSM, which knows only instances whose agent has spoken.
// The difference is a finding, not an omission. Hybrid nodes (mi-…) are known
// to SSM alone.
package fleet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of Run Command (AWS Systems Manager API reference, SendCommand).
const (
	maxTags      = 5
	maxValues    = 5
	maxInstances = 50
)

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

// Selector says which hosts are meant: those that match every tag, or those
// that are named.
type Selector struct {
	Tags      []Tag
	Instances []string
}

// ParseTag reads KEY=VALUE[,VALUE…]. A value may hold a '=', a key may not.
func ParseTag(s string) (Tag, error) {
	key, list, found := strings.Cut(s, "=")
	if !found || key == "" || list == "" {
		return Tag{}, fmt.Errorf("tag %q: want KEY=VALUE[,VALUE], for example env=prod", s)
	}
	if !utf8.ValidString(s) {
		return Tag{}, fmt.Errorf("tag %q is not valid UTF-8", s)
	}
	if utf8.RuneCountInString(key) > maxTagKey {
		return Tag{}, fmt.Errorf("tag key %q is longer than %d characters", key, maxTagKey)
	}
	values := strings.Split(list, ",")
	if len(values) > maxValues {
		return Tag{}, fmt.Errorf("tag %q has %d values, Run Command takes at most %d", key, len(values), maxValues)
	}
	for _, v := range values {
		if v == "" {
			return Tag{}, fmt.Errorf("tag %q has an empty value: want KEY=VALUE[,VALUE]", s)
		}
		if utf8.RuneCountInString(v) > maxTagValue {
			return Tag{}, fmt.Errorf("tag %q: a value is longer than %d characters", key, maxTagValue)
		}
	}
	return Tag{Key: key, Values: values}, nil
}

var instancePattern = regexp.MustCompile(`^m?i-[0-9a-f]{8,17}$`)

// Validate reports why the selector cannot be used as the target of a command.
func (s Selector) Validate() error {
	switch {
	case len(s.Tags) == 0 && len(s.Instances) == 0:
		return errors.New("no target: give --tag KEY=VALUE or --instance ID")
	case len(s.Tags) > 0 && len(s.Instances) > 0:
		return errors.New("--tag and --instance cannot be combined: one selects by tag, the other by name")
	case len(s.Tags) > maxTags:
		return fmt.Errorf("%d tags, Run Command takes at most %d", len(s.Tags), maxTags)
	case len(s.Instances) > maxInstances:
		return fmt.Errorf("%d instances, Run Command takes at most %d by name: use --tag", len(s.Instances), maxInstances)
	}
	seen := map[string]bool{}
	for _, t := range s.Tags {
		if seen[t.Key] {
			return fmt.Errorf("tag %q is given twice: want one --tag %s=VALUE,VALUE", t.Key, t.Key)
		}
		seen[t.Key] = true
	}
	for _, id := range s.Instances {
		if !instancePattern.MatchString(id) {
			return fmt.Errorf("instance %q: want an id such as i-0123456789abcdef0 or mi-0123456789abcdef0", id)
		}
	}
	return nil
}

// String is the target as the command line has it, without the flag names:
// "env=prod role=web,db". It is the default name of a fleet.
func (s Selector) String() string {
	var parts []string
	for _, t := range s.Tags {
		parts = append(parts, t.Key+"="+strings.Join(t.Values, ","))
	}
	return strings.Join(append(parts, s.Instances...), " ")
}
