package agent

import (
	"encoding/json"
	"fmt"
)

// schemaVersion is the only schema of documents the stand-in knows; the real
// agent knows 1.0, 1.2 and 2.0 too.
const schemaVersion = "2.2"

// document is what a command runs, with its parameters filled in.
type document struct {
	steps []step
}

// step is one entry of a document's mainSteps.
type step struct {
	name         string
	action       string
	inputs       any
	precondition map[string][]argument
}

// argument is one operand of a precondition, before and after its parameters
// were filled in.
type argument struct{ initial, resolved string }

// parameter is a document's definition of a parameter.
type parameter struct {
	Default        any    `json:"default"`
	AllowedPattern string `json:"allowedPattern"`
}

// refusal says why a document is not run. It is not for a log but for the one
// who sent the command, as the trace of a failed document, and so it is written
// as the real agent writes it.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, a ...any) refusal { return refusal(fmt.Sprintf(format, a...)) }

// unreadable is what the real agent says of a payload that is no JSON.
const unreadable refusal = "Encountered error while parsing input - internal error"

// parseDocument reads the payload of a send-command message. Its errors
// are refusals.
func parseDocument(payload string) (document, error) {
	var in struct {
		Parameters      map[string]any
		DocumentContent struct {
			SchemaVersion string               `json:"schemaVersion"`
			Parameters    map[string]parameter `json:"parameters"`
			MainSteps     []struct {
				Action       string              `json:"action"`
				Name         string              `json:"name"`
				Inputs       any                 `json:"inputs"`
				Precondition map[string][]string `json:"precondition"`
			} `json:"mainSteps"`
		}
	}
	if err := json.Unmarshal([]byte(payload), &in); err != nil {
		return document{}, unreadable
	}
	content := in.DocumentContent
	if content.SchemaVersion != schemaVersion {
		return document{}, refuse("Document with schema version %s is not supported by the lab's agent, which knows %s",
			content.SchemaVersion, schemaVersion)
	}
	if len(content.MainSteps) == 0 {
		return document{}, refusal("Unsupported schema format")
	}
	values, err := parameterValues(content.Parameters, in.Parameters)
	if err != nil {
		return document{}, err
	}
	var doc document
	seen := make(map[string]bool)
	for _, s := range content.MainSteps {
		if seen[s.Name] {
			return document{}, refuse("Step name %q is used twice", s.Name)
		}
		seen[s.Name] = true
		inputs := values.replace(s.Inputs)
		if name := storeParameter(inputs); name != "" {
			return document{}, refuse("Input contains invalid parameters [%s]: the lab has no parameter store", name)
		}
		filled := step{name: s.Name, action: s.Action, inputs: inputs, precondition: make(map[string][]argument)}
		for operator, operands := range s.Precondition {
			arguments := make([]argument, len(operands))
			for i, o := range operands {
				arguments[i] = argument{initial: o, resolved: values.fill(o)}
			}
			filled.precondition[operator] = arguments
		}
		doc.steps = append(doc.steps, filled)
	}
	return doc, nil
}

// modifier returns an input that steers the flow between steps ("onFailure",
// "onSuccess", "finallyStep"), which may be written as a string or a boolean.
func (s step) modifier(name string) string {
	inputs, _ := s.inputs.(map[string]any)
	switch v := inputs[name].(type) {
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
