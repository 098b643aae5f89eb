package cloud

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// body is the content of a document, read.
type body struct {
	schemaVersion string
	description   string
	parameters    map[string]parameter
	steps         []step
	content       any // all of it, as decoded
}

// step is what the service has to know of one of a document's mainSteps.
type step struct {
	name    string
	timeout any // inputs.timeoutSeconds as it stands there
}

// parseBody reads and checks a content. It takes documents of schema 2.2, whose
// parameters are strings and lists of them; the service takes more.
func parseBody(content, format string) (body, error) {
	var raw any
	var err error
	switch format {
	case "JSON":
		err = json.Unmarshal([]byte(content), &raw)
	case "YAML":
		err = yaml.Unmarshal([]byte(content), &raw)
	default:
		return body{}, invalid("documentFormat", format, "Member must satisfy enum value set: [JSON, TEXT, YAML]")
	}
	if err != nil {
		return body{}, badRequest("InvalidDocumentContent", "%s not well-formed: %v", format, err)
	}
	// Through JSON, so that both formats have the same types, which are those
	// that an agent will see.
	b, err := json.Marshal(raw)
	if err != nil {
		return body{}, badRequest("InvalidDocumentContent", "the document cannot be written as JSON: %v", err)
	}
	var model struct {
		SchemaVersion string               `json:"schemaVersion"`
		Description   string               `json:"description"`
		Parameters    map[string]parameter `json:"parameters"`
		MainSteps     []struct {
			Action string         `json:"action"`
			Name   string         `json:"name"`
			Inputs map[string]any `json:"inputs"`
		} `json:"mainSteps"`
	}
	if err := json.Unmarshal(b, &model); err != nil {
		return body{}, badRequest("InvalidDocumentContent", "%v", err)
	}
	if model.SchemaVersion != "2.2" {
		return body{}, badRequest("InvalidDocumentSchemaVersion", "The lab takes schema version 2.2, not %q.", model.SchemaVersion)
	}
	out := body{schemaVersion: model.SchemaVersion, description: model.Description, parameters: model.Parameters}
	for name, p := range out.parameters {
		if p.pattern, err = p.check(name); err != nil {
			return body{}, err
		}
		out.parameters[name] = p
	}
	if len(model.MainSteps) == 0 {
		return body{}, badRequest("InvalidDocumentContent", "mainSteps is empty or missing")
	}
	seen := make(map[string]bool)
	for _, s := range model.MainSteps {
		switch {
		case s.Action == "" || !stepName.MatchString(s.Name):
			return body{}, badRequest("InvalidDocumentContent", "step %q has no action or no valid name", s.Name)
		case seen[s.Name]:
			return body{}, badRequest("InvalidDocumentContent", "step name %q is used twice", s.Name)
		}
		seen[s.Name] = true
		out.steps = append(out.steps, step{s.Name, s.Inputs["timeoutSeconds"]})
	}
	// Cannot fail: it was just encoded.
	_ = json.Unmarshal(b, &out.content)
	return out, nil
}

var stepName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

// encode writes the document in another format than it was given in.
func (b body) encode(format string) (string, error) {
	switch format {
	case "JSON":
		out, err := json.MarshalIndent(b.content, "", "  ")
		return string(out), err
	case "YAML":
		out, err := yaml.Marshal(b.content)
		return string(out), err
	}
	return "", invalid("documentFormat", format, "Member must satisfy enum value set: [JSON, TEXT, YAML]")
}

// The limits of a step's timeoutSeconds, in seconds, and what the agent takes
// when a step has none or one outside of them (agent/plugins/pluginutil).
const (
	minExecution     = 5
	maxExecution     = 172800
	defaultExecution = 3600
)

// executionTimeout is how long all steps together may run.
func (b body) executionTimeout(values map[string][]string) time.Duration {
	total := 0
	for _, s := range b.steps {
		written := ""
		if s.timeout != nil {
			written = text(s.timeout)
		}
		if m := reference.FindStringSubmatch(written); m != nil && len(values[m[1]]) > 0 {
			written = values[m[1]][0]
		}
		seconds, err := strconv.Atoi(written)
		if err != nil || seconds < minExecution || seconds > maxExecution {
			seconds = defaultExecution
		}
		total += seconds
	}
	return time.Duration(total) * time.Second
}

// reference is a value that is one parameter and nothing else.
var reference = regexp.MustCompile(`^\s*{{\s*([a-zA-Z0-9]+)\s*}}\s*$`)

// text writes a value of a document: a string as it is, anything else as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // it came from JSON
	}
	return string(b)
}

func itoa(n int) string { return strconv.Itoa(n) }
