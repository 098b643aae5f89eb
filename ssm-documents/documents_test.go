package documents

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"aidefleet/node/profile"
)

// maxBytes is the largest document SSM takes (Systems Manager quotas: 64 KB).
const maxBytes = 64 << 10

// document is what schema 2.2 allows and these documents use; an unknown key
// in a file is an error. Source: Systems Manager user guide, "Schemas, features,
// and examples" and "Data elements and parameters".
type document struct {
	SchemaVersion string               `yaml:"schemaVersion"`
	Description   string               `yaml:"description"`
	Parameters    map[string]parameter `yaml:"parameters"`
	MainSteps     []step               `yaml:"mainSteps"`
}

type parameter struct {
	Type           string   `yaml:"type"`
	Description    string   `yaml:"description"`
	Default        *string  `yaml:"default"`
	DisplayType    string   `yaml:"displayType"`
	AllowedPattern string   `yaml:"allowedPattern"`
	AllowedValues  []string `yaml:"allowedValues"`
}

type step struct {
	Name         string              `yaml:"name"`
	Action       string              `yaml:"action"`
	Precondition map[string][]string `yaml:"precondition"`
	Inputs       struct {
		TimeoutSeconds string   `yaml:"timeoutSeconds"`
		OnFailure      string   `yaml:"onFailure"`
		RunCommand     []string `yaml:"runCommand"`

		SourceType      string `yaml:"sourceType"`
		SourceInfo      string `yaml:"sourceInfo"`
		DestinationPath string `yaml:"destinationPath"`
	} `yaml:"inputs"`
}

// lint returns everything that is wrong with a document.
func lint(content string) (problems []string) {
	fail := func(what ...string) { problems = append(problems, strings.Join(what, " ")) }
	if len(content) > maxBytes {
		fail("larger than 64 KB")
	}
	var d document
	dec := yaml.NewDecoder(strings.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&d); err != nil {
		return append(problems, err.Error())
	}
	if d.SchemaVersion != "2.2" {
		fail("schemaVersion", d.SchemaVersion)
	}
	if d.Description == "" {
		fail("no description")
	}
	for name, p := range d.Parameters {
		problems = append(problems, lintParameter(name, p)...)
	}
	if len(d.MainSteps) == 0 {
		fail("no steps")
	}
	stepName := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	var names []string
	for _, s := range d.MainSteps {
		if !stepName.MatchString(s.Name) {
			fail("step name", s.Name)
		}
		if slices.Contains(names, s.Name) {
			fail("two steps have the name", s.Name)
		}
		names = append(names, s.Name)
		if !slices.Equal(s.Precondition["StringEquals"], []string{"platformType", "Linux"}) {
			fail("step", s.Name, "has no platformType precondition")
		}
		if len(s.Precondition) != 1 {
			fail("step", s.Name, "has other preconditions than platformType")
		}
		switch s.Action {
		case "aws:runShellScript":
			if len(s.Inputs.RunCommand) == 0 {
				fail("step", s.Name, "runs nothing")
			}
			problems = append(problems, lintTimeout(s, d.Parameters)...)
		case "aws:downloadContent":
			problems = append(problems, lintDownload(s)...)
		default:
			fail("action", s.Action)
		}
	}
	return append(problems, lintReferences(content, d.Parameters)...)
}

func lintParameter(name string, p parameter) (problems []string) {
	fail := func(what string) { problems = append(problems, "parameter "+name+": "+what) }
	if !regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`).MatchString(name) {
		fail("names are letters and digits")
	}
	if p.Type != "String" {
		fail("type " + p.Type)
	}
	if p.Description == "" {
		fail("no description: the console shows it as help")
	}
	if p.DisplayType != "textfield" && p.DisplayType != "" {
		fail("displayType " + p.DisplayType)
	}
	if len(p.AllowedValues) > 0 {
		if p.Default != nil && !slices.Contains(p.AllowedValues, *p.Default) {
			fail("default is not an allowed value")
		}
		return problems
	}
	// The value becomes part of a script: the pattern is the only guard.
	if !strings.HasPrefix(p.AllowedPattern, "^") || !strings.HasSuffix(p.AllowedPattern, "$") {
		fail("allowedPattern is not anchored")
		return problems
	}
	re, err := regexp.Compile(p.AllowedPattern)
	if err != nil {
		fail(err.Error())
		return problems
	}
	for _, evil := range []string{"'", "a'b", `"`, "`id`", "$(id)", "a;id", "a b", "a\nb", "/etc/x\n", "{{ config }}", "--config", "/a'b", "/a;b", "/a b", "/a\nb"} {
		if re.MatchString(evil) {
			fail("allowedPattern lets " + strconv.Quote(evil) + " into a script")
		}
	}
	if p.Default != nil && !re.MatchString(*p.Default) {
		fail("default does not match allowedPattern")
	}
	return problems
}

// lintDownload: what is fetched is fixed, and stays in the command's own folder.
func lintDownload(s step) (problems []string) {
	var info map[string]string
	if err := json.Unmarshal([]byte(s.Inputs.SourceInfo), &info); err != nil {
		problems = append(problems, "step "+s.Name+": sourceInfo "+s.Inputs.SourceInfo+": "+err.Error())
	}
	if len(info) != 1 {
		problems = append(problems, "step "+s.Name+": sourceInfo "+s.Inputs.SourceInfo+" is more than a path")
	}
	if !urlPattern.MatchString(info["path"]) {
		problems = append(problems, "step "+s.Name+": sourceInfo has the path "+info["path"])
	}
	if s.Inputs.SourceType != "S3" {
		problems = append(problems, "step "+s.Name+": sourceType "+s.Inputs.SourceType)
	}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`).MatchString(s.Inputs.DestinationPath) {
		problems = append(problems, "step "+s.Name+": destinationPath "+s.Inputs.DestinationPath)
	}
	return problems
}

// lintTimeout: outside 5–172,800 the agent silently takes 3,600 s.
func lintTimeout(s step, parameters map[string]parameter) (problems []string) {
	allowed := regexp.MustCompile(`^[0-9]+$`)
	value := s.Inputs.TimeoutSeconds
	if m := reference.FindStringSubmatch(value); m != nil {
		p := parameters[m[1]]
		if p.Default == nil {
			return []string{"timeoutSeconds has no default"}
		}
		value, allowed = *p.Default, regexp.MustCompile(p.AllowedPattern)
	}
	if n, _ := strconv.Atoi(value); n < 5 || n > 172800 { // what is no number is 0
		problems = append(problems, "timeoutSeconds "+value)
	}
	if len(s.Inputs.TimeoutSeconds) > 0 && !reference.MatchString(s.Inputs.TimeoutSeconds) {
		return problems
	}
	for n := -1; n <= 400_000; n++ {
		if n > 1_000 && n < 172_000 || n > 174_000 {
			n += 96 // every number near an edge, a sample elsewhere
		}
		if v := strconv.Itoa(n); allowed.MatchString(v) && (n < 60 || n > 172800) {
			return append(problems, "timeoutSeconds may be "+v)
		} else if !allowed.MatchString(v) && n >= 60 && n <= 172800 {
			return append(problems, "timeoutSeconds may not be "+v)
		}
	}
	return problems
}

var reference = regexp.MustCompile(`\{\{\s*([^}\s]*)\s*\}\}`)

func lintReferences(content string, parameters map[string]parameter) (problems []string) {
	used := map[string]bool{}
	for _, m := range reference.FindAllStringSubmatch(content, -1) {
		used[m[1]] = true
		if _, ok := parameters[m[1]]; !ok {
			problems = append(problems, "{{ "+m[1]+" }} is not declared")
		}
	}
	for name, p := range parameters {
		if !used[name] {
			problems = append(problems, "parameter "+name+" is not used")
		}
		// What a shell would expand stands in quotes, which end nowhere within.
		re, err := regexp.Compile(p.AllowedPattern)
		ref := "{{ " + name + " }}"
		if err == nil && p.AllowedPattern != "" && (re.MatchString("/*") || re.MatchString("/~")) &&
			strings.Count(content, ref) != strings.Count(content, "'"+ref+"'") {
			problems = append(problems, "parameter "+name+" is not in quotes")
		}
	}
	return problems
}

// published are all documents, one of them with pins.
func published(t *testing.T) []Document {
	t.Helper()
	d, err := pins().Render()
	if err != nil {
		t.Fatal(err)
	}
	return append(All(), d)
}

func TestDocuments(t *testing.T) {
	docs := published(t)
	var names []string
	for _, d := range docs {
		names = append(names, d.Name)
		t.Run(d.Name, func(t *testing.T) {
			for _, problem := range lint(d.Content) {
				t.Error(problem)
			}
		})
	}
	if want := []string{Accept, Check, Configure, Doctor, Init, Report, Install}; !slices.Equal(names, want) {
		t.Errorf("documents %q, want %q", names, want)
	}
}

// TestLintFinds holds the check above to account: each change to a sound
// document must be found.
func TestLintFinds(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown key", "mainSteps:", "finally: x\nmainSteps:", "field finally not found"},
		{"unknown input", "timeoutSeconds:", "timeoutSecond:", "field timeoutSecond not found"},
		{"schema", `"2.2"`, `"1.2"`, "schemaVersion 1.2"},
		{"step name", "name: check", "name: check it", "step name check it"},
		{"action", "aws:runShellScript", "aws:runPowerShellScript", "action"},
		{"platform", "[platformType, Linux]", "[platformType, Windows]", "precondition"},
		{"parameter name", "config", "con_fig", "letters and digits"},
		{"undeclared", "'{{ config }}'", "'{{ path }}'", "{{ path }} is not declared"},
		{"unused", "'{{ config }}'", "''", "parameter config is not used"},
		{"unanchored", "{1,255})?$", "{1,255})?", "not anchored"},
		{"not RE2", "^(/[A-Za", "^(?=/)(/[A-Za", "invalid or unsupported Perl syntax"},
		{"shell characters", "A-Za-z0-9._/+-]", "^x]", "into a script"},
		{"time-out below 5", "^([6-9][0-9]|", "^([6-9][0-9]|[1-9]|", "timeoutSeconds may be 1"},
		{"time-out above 172800", "|172800)$", "|172[89][0-9]{2})$", "timeoutSeconds may"},
		{"time-out default", `"14400"`, `"0"`, "timeoutSeconds 0"},
		{"size", "exec ", "# " + strings.Repeat("x", maxBytes) + "\n          exec ", "larger than 64 KB"},
		{"quotes", "'{{ watch }}'", "{{ watch }}", "parameter watch is not in quotes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			name := Check
			if tc.name == "quotes" {
				name = Configure
			}
			d := find(t, name)
			content := strings.ReplaceAll(d.Content, tc.old, tc.new)
			if content == d.Content {
				t.Fatalf("%q is not in the document", tc.old)
			}
			if got := strings.Join(lint(content), "\n"); !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

// TestScripts runs shellcheck on every script, each parameter at its default.
func TestScripts(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip("shellcheck is not installed: make test installs it")
	}
	for _, d := range published(t) {
		var parsed document
		if err := yaml.Unmarshal([]byte(d.Content), &parsed); err != nil {
			t.Fatal(err)
		}
		for _, s := range parsed.MainSteps {
			if s.Action != "aws:runShellScript" {
				continue
			}
			script := reference.ReplaceAllStringFunc(strings.Join(s.Inputs.RunCommand, "\n"), func(ref string) string {
				return *parsed.Parameters[reference.FindStringSubmatch(ref)[1]].Default
			})
			file := filepath.Join(t.TempDir(), "script.sh")
			if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			cmd := exec.Command(shellcheck, "--shell=sh", "--severity=style", file)
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Run(); err != nil {
				t.Errorf("%s, step %s: %v\n%s", d.Name, s.Name, err, out.String())
			}
		}
	}
}

// TestProfilesFit: what the node takes as a path, AideFleet-Configure lets
// through, and nothing that is more than a list of paths.
func TestProfilesFit(t *testing.T) {
	d := find(t, Configure)
	var parsed document
	if err := yaml.Unmarshal([]byte(d.Content), &parsed); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../node/profile/testdata/*.profile")
	require.NoError(t, err, "no profiles in testdata")
	require.NotEmpty(t, files, "no profiles in testdata")
	for _, kind := range profile.Kinds {
		re := regexp.MustCompile(parsed.Parameters[string(kind)].AllowedPattern)
		for _, file := range files {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			p, err := profile.Parse(f)
			_ = f.Close()
			require.NoError(t, err, file)
			assert.True(t, re.MatchString(p.List(kind)), "%s: %s %q is not let through", file, kind, p.List(kind))
		}
		for _, value := range []string{"", "/srv/app", "/" + strings.Repeat("a", 254), "/a:/b:/home/*/.c+d@e~f-g"} {
			_, err := profile.Split(map[profile.Kind]string{kind: value})
			assert.True(t, re.MatchString(value), "%s %.60q is not let through", kind, value)
			if value != "" {
				assert.NoError(t, err, "%s %.60q is not let through", kind, value)
			}
		}
		for _, value := range []string{"srv", "/srv:", ":/srv", "/srv::/opt", "/srv:opt", "/srv,/opt", "/srv\n/opt", "/srv#", "/" + strings.Repeat("a", 255), "/$x", "/a\\"} {
			if re.MatchString(value) {
				t.Errorf("%s lets %.60q through", kind, value)
			}
		}
	}
}

// find is the document of that name.
func find(t *testing.T, name string) Document {
	t.Helper()
	at := slices.IndexFunc(All(), func(d Document) bool { return d.Name == name })
	if at < 0 {
		t.Fatalf("there is no document %s", name)
	}
	return All()[at]
}
