package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReasonsAreKnown holds the list to those who give reasons: the node's line, the
// documents' scripts, and the packages that say why a host said nothing.
func TestReasonsAreKnown(t *testing.T) {
	sources := map[string][]string{
		"the schema of a result line": schemaReasons(t),
		"the documents' scripts":      found(t, "../../ssm-documents/*", `(?:fail|refuse|because "\$problem"|"reason":)\s*"?([a-z]+_[a-z_]+|internal)\b`),
		"fleet":                       found(t, "../fleet/fleet.go", `Reason = "([a-z_]+)"`),
		"runcommand":                  found(t, "../runcommand/*.go", `Status = "([a-z_]+)"`),
	}
	known := Reasons()
	for who, reasons := range sources {
		if len(reasons) == 0 {
			t.Errorf("%s: no reason was found", who)
		}
		for _, reason := range reasons {
			if reason != "answered" && !slices.Contains(known, Reason(reason)) {
				t.Errorf("%s gives %s, which is not in the list", who, reason)
			}
		}
	}
}

// TestReasonsAreGiven: the list has nothing that nobody gives, and each entry once,
// with what to do.
func TestReasonsAreGiven(t *testing.T) {
	docs := read(t, "../../docs/operations.md")
	seen := map[Reason]bool{}
	for _, reason := range Reasons() {
		if seen[reason] {
			t.Errorf("%s is in the list twice", reason)
		}
		seen[reason] = true
		if reason.Next("i-1", "c") == "" {
			t.Errorf("%s: nothing is said about what to do", reason)
		}
		if !strings.Contains(docs, "`"+string(reason)+"`") {
			t.Errorf("%s is not in docs/operations.md", reason)
		}
	}
}

func TestNext(t *testing.T) {
	for _, tc := range []struct {
		reason        Reason
		host, command string
		want          string
	}{
		{"aide_missing", "i-1", "", "orchestrator init --install-aide --instance i-1"},
		{"baseline_missing", "i-1", "", "orchestrator init --instance i-1"},
		{Unfinished, "i-1", "c", "it is still running, or its answer could not be read: orchestrator collect --command-id c"},
		{Unfinished, "i-1", "", "it may have been sent a command: look for the comment that the error names, and collect it"},
		{"of_a_later_version", "i-1", "c", ""},
	} {
		if got := tc.reason.Next(tc.host, tc.command); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func schemaReasons(t *testing.T) []string {
	t.Helper()
	var schema struct {
		Properties struct {
			Reason struct {
				Examples []string `json:"examples"`
				Enum     []string `json:"enum"`
			} `json:"reason"`
		} `json:"properties"`
	}
	if err := json.Unmarshal([]byte(read(t, "../../docs/result.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	return append(schema.Properties.Reason.Examples, schema.Properties.Reason.Enum...)
}

// found are the reasons in the sources that a pattern matches.
func found(t *testing.T, files, pattern string) (reasons []string) {
	t.Helper()
	paths, err := filepath.Glob(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, path), -1) {
			reasons = append(reasons, m[1])
		}
	}
	return reasons
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
