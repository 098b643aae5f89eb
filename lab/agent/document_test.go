package agent

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.yaml.in/yaml/v3"

	documents "aidefleet/ssm-documents"
)

// TestProjectDocuments fills in the documents that the project publishes, with
// their defaults: nothing may be left over, and the script is one script.
func TestProjectDocuments(t *testing.T) {
	for _, d := range documents.All() {
		t.Run(d.Name, func(t *testing.T) {
			var content map[string]any
			if err := yaml.Unmarshal([]byte(d.Content), &content); err != nil {
				t.Fatal(err)
			}
			payload, err := json.Marshal(map[string]any{"DocumentContent": content, "Parameters": map[string]any{}})
			if err != nil {
				t.Fatal(err)
			}
			doc, err := parseDocument(string(payload))
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range doc.steps {
				if what, why := decide(s, i == len(doc.steps)-1, nil); what != run {
					t.Errorf("step %s is not run: %s", s.name, why)
				}
				if left := fmt.Sprint(s.inputs); strings.Contains(left, "{{") {
					t.Errorf("step %s: a placeholder is left in %s", s.name, left)
				}
			}
		})
	}
}

func TestReplaceKeepsTypes(t *testing.T) {
	v := values{"list": []any{"a", "b"}, "number": 7.0, "text": "x", "none": nil}
	tests := []struct{ in, want string }{
		{`"{{ list }}"`, `["a","b"]`},
		{`"{{number}}"`, `7`},
		{`" {{ list }}"`, `" [\"a\",\"b\"]"`},
		{`"{{ text }}{{ number }}"`, `"x7"`},
		{`"{{ none }}"`, `null`},
		{`"{{ unknown }} {{ te xt }} {{}} {{ text }"`, `"{{ unknown }} {{ te xt }} {{}} {{ text }"`},
		{`{"a":["{{ text }}",{"b":"{{ list }}"}],"c":true}`, `{"a":["x",{"b":["a","b"]}],"c":true}`},
		{"\"{{\\n text \\t}}\"", `"x"`},
	}
	for _, tt := range tests {
		var in any
		if err := json.Unmarshal([]byte(tt.in), &in); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(v.replace(in)); string(got) != tt.want {
			t.Errorf("%s becomes %s, want %s", tt.in, got, tt.want)
		}
	}
}

// TestValuesAreNotFilledInAgain: a value that looks like a placeholder stays.
func TestValuesAreNotFilledInAgain(t *testing.T) {
	v := values{"a": "{{ b }}", "b": "{{ a }}", "c": "$1 ${b}"}
	if got, want := v.fill("{{a}} {{b}} {{c}}"), "{{ b }} {{ a }} $1 ${b}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add(`{"Parameters":{"p":"v"},"DocumentContent":` + content(shell("s", "echo {{ p }}")) + `}`)
	f.Add(`{"DocumentContent":{"schemaVersion":"2.2","parameters":{"p":{"default":[1,{"a":null}],"allowedPattern":"^.*$"}},"mainSteps":[{"action":"x","name":"","inputs":["{{p}}"],"precondition":{"StringEquals":["platformType","{{ p }}"]}}]}}`)
	f.Add(`{"DocumentContent":{"schemaVersion":"1.2"}}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, payload string) {
		doc, err := parseDocument(payload)
		if (err == nil) != (len(doc.steps) > 0) {
			t.Fatalf("%d steps and error %v", len(doc.steps), err)
		}
		for i, s := range doc.steps {
			what, why := decide(s, i == len(doc.steps)-1, nil)
			if (what == run) != (why == "") {
				t.Errorf("verdict %d because of %q", what, why)
			}
			name := fileName(s.name)
			assert.NotEmpty(t, name, "step %q has the folder %q", s.name, name)
			assert.False(t, strings.ContainsAny(name, "/."), "step %q has the folder %q", s.name, name)
			if in, err := parseScriptInput(s.inputs); err == nil {
				scriptTimeout(in.TimeoutSeconds)
			}
		}
	})
}
