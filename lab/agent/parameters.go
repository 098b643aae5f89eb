package agent

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	// parameterName is what the agent takes as the name of a parameter.
	parameterName = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
	// placeholder finds "{{ name }}".
	placeholder = regexp.MustCompile(`{{\s*([a-zA-Z0-9]+)\s*}}`)
	// storePlaceholder finds "{{ssm:name}}", a value of the Parameter Store.
	storePlaceholder = regexp.MustCompile(`{{ *ssm:([/\w.:-]+) *}}`)
)

// values are a document's parameters by name, as decoded from JSON.
type values map[string]any

// parameterValues joins what was sent with the document's defaults and checks it
// against the allowed patterns. Names that are no names are left out, and so
// their placeholders stay as they are.
func parameterValues(defined map[string]parameter, sent map[string]any) (values, error) {
	v := make(values)
	for name, value := range sent {
		if parameterName.MatchString(name) {
			v[name] = value
		}
	}
	for name, p := range defined {
		if _, ok := v[name]; !ok && parameterName.MatchString(name) {
			v[name] = p.Default
		}
	}
	for name, p := range defined {
		if p.AllowedPattern == "" {
			continue
		}
		// Unanchored, and RE2, where the service's own check is in Java: a pattern
		// without ^ and $ lets everything pass that holds a match somewhere.
		pattern, err := regexp.Compile(p.AllowedPattern)
		if err != nil {
			return nil, unreadable
		}
		if err := matches(pattern, name, v[name]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func matches(pattern *regexp.Regexp, name string, value any) error {
	switch value := value.(type) {
	case string:
		if !pattern.MatchString(value) {
			return refuse("Parameter value for %s does not match the allowed pattern %s", name, pattern)
		}
		return nil
	case []any:
		for _, v := range value {
			if err := matches(pattern, name, v); err != nil {
				return err
			}
		}
		return nil
	}
	return refuse("Unable to determine parameter value type for %s", name)
}

// replace fills in the parameters everywhere in a decoded JSON value. A string
// that is one placeholder and nothing else becomes the parameter's value with
// its own type, so that "{{ commands }}" becomes a list.
func (v values) replace(in any) any {
	switch in := in.(type) {
	case string:
		if m := placeholder.FindStringSubmatch(in); m != nil && m[0] == in {
			if value, ok := v[m[1]]; ok {
				return value
			}
		}
		return v.fill(in)
	case []any:
		out := make([]any, len(in))
		for i := range in {
			out[i] = v.replace(in[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(in))
		for key := range in {
			out[key] = v.replace(in[key])
		}
		return out
	}
	return in
}

// fill writes the parameters into a text: a string raw, without any quoting,
// anything else as JSON. Placeholders of unknown parameters stay. $$ becomes $, for
// those who still write it for an agent that took $1 for something else
// (agent/framework/docparser/parameters, ReplaceParameter).
func (v values) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := v[placeholder.FindStringSubmatch(found)[1]]
		if !ok {
			return found
		}
		raw, ok := value.(string)
		if !ok {
			b, err := json.Marshal(value)
			if err != nil {
				return "" // the value was decoded from JSON
			}
			raw = string(b)
		}
		return strings.ReplaceAll(raw, "$$", "$")
	})
}

// storeParameter returns the first Parameter Store name in a value, or "".
func storeParameter(in any) string {
	switch in := in.(type) {
	case string:
		if m := storePlaceholder.FindStringSubmatch(in); m != nil {
			return m[1]
		}
	case []any:
		for _, v := range in {
			if name := storeParameter(v); name != "" {
				return name
			}
		}
	case map[string]any:
		for _, v := range in {
			if name := storeParameter(v); name != "" {
				return name
			}
		}
	}
	return ""
}
