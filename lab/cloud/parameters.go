package cloud

import (
	"regexp"
	"slices"
)

// parameter is a document's definition of a parameter.
type parameter struct {
	Type           string   `json:"type"`
	Description    string   `json:"description"`
	Default        any      `json:"default"`
	AllowedPattern string   `json:"allowedPattern"`
	AllowedValues  []string `json:"allowedValues"`

	pattern *regexp.Regexp // nil without an AllowedPattern
}

const (
	stringType = "String"
	listType   = "StringList"
)

var parameterName = regexp.MustCompile(`^[a-zA-Z0-9]{1,64}$`)

// check says what is wrong with a definition, and compiles its pattern. The
// service knows Java's patterns, the agent only those of RE2: what the agent
// would refuse on the host is refused here.
func (p parameter) check(name string) (*regexp.Regexp, error) {
	if !parameterName.MatchString(name) {
		return nil, badRequest("InvalidDocumentContent", "parameter name %q: want letters and digits", name)
	}
	ok := p.Default == nil
	switch p.Type {
	case stringType:
		if _, isString := p.Default.(string); isString {
			ok = true
		}
	case listType:
		if list, isList := p.Default.([]any); isList {
			ok = !slices.ContainsFunc(list, func(v any) bool { _, isString := v.(string); return !isString })
		}
	default:
		return nil, badRequest("InvalidDocumentContent", "parameter %s: the lab takes the types String and StringList, not %q", name, p.Type)
	}
	if !ok {
		return nil, badRequest("InvalidDocumentContent", "parameter %s: the default is no %s", name, p.Type)
	}
	if p.AllowedPattern == "" {
		return nil, nil
	}
	pattern, err := regexp.Compile(p.AllowedPattern)
	if err != nil {
		return nil, badRequest("InvalidDocumentContent", "parameter %s: %v", name, err)
	}
	return pattern, nil
}

// defaults is the default as a list of values.
func (p parameter) defaults() []string {
	switch d := p.Default.(type) {
	case string:
		return []string{d}
	case []any:
		values := make([]string, len(d))
		for i, v := range d {
			values[i] = text(v)
		}
		return values
	}
	return nil
}

// accept says whether a parameter can have these values. A pattern has to be
// found somewhere in a value, unless it is anchored.
func (p parameter) accept(name string, values []string) error {
	if p.Type == stringType && len(values) != 1 {
		return badRequest("InvalidParameters", "Parameter %s is a String and has %d values.", name, len(values))
	}
	for _, v := range values {
		if p.pattern != nil && !p.pattern.MatchString(v) {
			return badRequest("InvalidParameters", "Parameter value %q for %s does not match the allowed pattern %s", v, name, p.AllowedPattern)
		}
		if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, v) {
			return badRequest("InvalidParameters", "Parameter value %q for %s is not one of the allowed values %q", v, name, p.AllowedValues)
		}
	}
	return nil
}

// resolve checks what a caller gave against the document and fills in the
// defaults.
func (b body) resolve(given map[string][]string) (map[string][]string, error) {
	for name := range given {
		if _, ok := b.parameters[name]; !ok {
			return nil, badRequest("InvalidParameters", "Document has no parameter %q.", name)
		}
	}
	values := make(map[string][]string, len(b.parameters))
	for name, p := range b.parameters {
		v, ok := given[name]
		switch {
		case ok:
			if err := p.accept(name, v); err != nil {
				return nil, err
			}
		case p.Default != nil:
			v = p.defaults()
		default:
			return nil, badRequest("InvalidParameters", "Parameter %s has no value and no default.", name)
		}
		values[name] = v
	}
	return values, nil
}

// wire is the parameters as an agent gets them: a string or a list of strings.
func (b body) wire(values map[string][]string) map[string]any {
	out := make(map[string]any, len(values))
	for name, v := range values {
		if b.parameters[name].Type == stringType {
			out[name] = v[0]
		} else {
			out[name] = append([]string{}, v...) // an empty list, never null
		}
	}
	return out
}
