package documents

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// TestConsolePage holds docs/console.md against the documents: neither names one,
// a parameter or a default that the other lacks.
func TestConsolePage(t *testing.T) {
	page, err := os.ReadFile("../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]string{}
	for _, part := range strings.Split(string(page), "\n## ")[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		if name := strings.Trim(heading, "`"); name != heading {
			described[name] = text
		}
	}
	docs := published(t)
	for _, d := range docs {
		text, found := described[d.Name]
		delete(described, d.Name)
		if !found {
			t.Errorf("%s is not described", d.Name)
			continue
		}
		var parsed document
		if err := yaml.Unmarshal([]byte(d.Content), &parsed); err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\S+) \\|").FindAllStringSubmatch(text, -1) {
			p, found := parsed.Parameters[m[1]]
			delete(parsed.Parameters, m[1])
			if !found {
				t.Errorf("%s has no parameter %s, or it is described twice", d.Name, m[1])
				continue
			}
			said := strings.Trim(m[2], "`")
			if said == "empty" {
				said = ""
			}
			require.NotNil(t, p.Default, "%s: the default of %s is not %q", d.Name, m[1], said)
			assert.Equal(t, said, *p.Default, "%s: the default of %s", d.Name, m[1])
		}
		for name := range parsed.Parameters {
			t.Errorf("%s: the parameter %s is not described", d.Name, name)
		}
	}
	for name := range described {
		t.Errorf("there is no document %s", name)
	}
	for _, name := range regexp.MustCompile(`AideFleet-\w+`).FindAllString(string(page), -1) {
		if !slices.ContainsFunc(docs, func(d Document) bool { return d.Name == name }) {
			t.Errorf("there is no document %s", name)
		}
	}
}
