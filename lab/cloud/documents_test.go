package cloud

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/deploy"
	documents "aidefleet/ssm-documents"
)

// call leaves out the options of a client's operation.
func call[In, Out, Options any](f func(context.Context, *In, ...func(*Options)) (*Out, error)) func(context.Context, *In) (*Out, error) {
	return func(ctx context.Context, in *In) (*Out, error) { return f(ctx, in) }
}

// TestPublish holds the lab against the code that publishes the project's
// documents.
func TestPublish(t *testing.T) {
	l := newLab(t, Config{})
	api := deploy.API{
		GetDocument: call(l.ssm.GetDocument), CreateDocument: call(l.ssm.CreateDocument),
		UpdateDocument: call(l.ssm.UpdateDocument), UpdateDocumentDefaultVersion: call(l.ssm.UpdateDocumentDefaultVersion),
		DescribeDocument: call(l.ssm.DescribeDocument), AddTagsToResource: call(l.ssm.AddTagsToResource),
	}
	at := slices.IndexFunc(documents.All(), func(d documents.Document) bool { return d.Name == documents.Check })
	d := documents.All()[at]
	changed := d
	changed.Content += "# changed\n"
	as := deploy.As{TargetType: deploy.Anything, Version: "0.1.0~rc.1"}
	for _, step := range []struct {
		document documents.Document
		want     deploy.Change
	}{{d, deploy.Created}, {d, deploy.Same}, {changed, deploy.Updated}, {changed, deploy.Same}} {
		as.Version += "+" // a tag that is there is replaced
		got, err := deploy.Publish(t.Context(), api, step.document, as)
		assert.NoError(t, err, "%+v", as)
		assert.Equal(t, step.want, got, "%+v", as)
	}
	out, err := l.ssm.DescribeDocument(t.Context(), &ssm.DescribeDocumentInput{Name: &d.Name})
	if err != nil {
		t.Fatal(err)
	}
	got := out.Document
	assert.Equal(t, "2", aws.ToString(got.DefaultVersion), "document %+v", got)
	assert.Equal(t, "2", aws.ToString(got.LatestVersion))
	require.NotEmpty(t, got.Parameters)
	assert.Equal(t, "/", aws.ToString(got.TargetType))
	require.Len(t, got.Tags, 1)
	assert.Equal(t, "0.1.0-rc.1+++", aws.ToString(got.Tags[0].Value))
	assert.Equal(t, types.DocumentFormatYaml, got.DocumentFormat)
	require.Len(t, aws.ToString(got.Hash), 64)
	assert.Equal(t, types.DocumentStatusActive, got.Status)
}

const minimal = `{"schemaVersion":"2.2","mainSteps":[{"action":"aws:runShellScript","name":"s","inputs":{"runCommand":["true"]}}]}`

func (l *lab) create(name, content string) error {
	format := types.DocumentFormatYaml
	if strings.HasPrefix(content, "{") {
		format = types.DocumentFormatJson
	}
	_, err := l.ssm.CreateDocument(l.t.Context(), &ssm.CreateDocumentInput{
		Name: &name, Content: &content, DocumentFormat: format, DocumentType: types.DocumentTypeCommand,
	})
	return err
}

func TestCreateDocumentRefuses(t *testing.T) {
	l := newLab(t, Config{})
	if err := l.create("Taken", minimal); err != nil {
		t.Fatal(err)
	}
	withParameter := func(definition string) string {
		return strings.Replace(minimal, `"mainSteps"`, `"parameters":{"p":`+definition+`},"mainSteps"`, 1)
	}
	for _, tc := range []struct{ name, document, content, want string }{
		{"name taken", "Taken", minimal, "DocumentAlreadyExists"},
		{"name too short", "x", minimal, "ValidationException"},
		{"name reserved", "AWS-Mine", minimal, "ValidationException"},
		{"no JSON", "New", "{", "InvalidDocumentContent"},
		{"no YAML", "New", "a: [", "InvalidDocumentContent"},
		{"YAML that is no JSON", "New", "? [a]\n: b\n", "InvalidDocumentContent"},
		{"schema", "New", strings.Replace(minimal, "2.2", "0.3", 1), "InvalidDocumentSchemaVersion"},
		{"no steps", "New", `{"schemaVersion":"2.2","mainSteps":[]}`, "InvalidDocumentContent"},
		{"step without a name", "New", strings.Replace(minimal, `"name":"s"`, `"name":""`, 1), "InvalidDocumentContent"},
		{"too large", "New", minimal + strings.Repeat(" ", maxDocument), "MaxDocumentSizeExceeded"},
		{"parameter type", "New", withParameter(`{"type":"StringMap"}`), "InvalidDocumentContent"},
		{"default of another type", "New", withParameter(`{"type":"StringList","default":"x"}`), "InvalidDocumentContent"},
		{"default of other types", "New", withParameter(`{"type":"StringList","default":[1]}`), "InvalidDocumentContent"},
		{"pattern", "New", withParameter(`{"type":"String","allowedPattern":"(?=x)"}`), "InvalidDocumentContent"},
		{"parameter name", "New", strings.Replace(withParameter(`{"type":"String"}`), `"p"`, `"p-q"`, 1), "InvalidDocumentContent"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := code(l.create(tc.document, tc.content)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	l := newLab(t, Config{})
	if err := l.create("Doc", minimal); err != nil {
		t.Fatal(err)
	}
	update := func(content, version string) error {
		_, err := l.ssm.UpdateDocument(t.Context(), &ssm.UpdateDocumentInput{Name: aws.String("Doc"), Content: &content, DocumentVersion: &version})
		return err
	}
	second := strings.Replace(minimal, `"name":"s"`, `"name":"t"`, 1)
	for _, tc := range []struct{ content, version, want string }{
		{minimal, "$LATEST", "DuplicateDocumentContent"},
		{second, "7", "InvalidDocumentVersion"},
		{"{", "$LATEST", "InvalidDocumentContent"},
		{second, "1", "<nil>"},
		{minimal, "1", "InvalidDocumentVersion"}, // no longer the latest
	} {
		if got := code(update(tc.content, tc.version)); got != tc.want {
			t.Errorf("update from version %s: %s, want %s", tc.version, got, tc.want)
		}
	}
	get := func(version string) string {
		out, err := l.ssm.GetDocument(t.Context(), &ssm.GetDocumentInput{Name: aws.String("Doc"), DocumentVersion: &version})
		if err != nil {
			return code(err)
		}
		return aws.ToString(out.DocumentVersion) + " " + aws.ToString(out.Content)
	}
	remove := func(version *string) string {
		_, err := l.ssm.DeleteDocument(t.Context(), &ssm.DeleteDocumentInput{Name: aws.String("Doc"), DocumentVersion: version})
		return code(err)
	}
	for version, want := range map[string]string{"$DEFAULT": "1 " + minimal, "$LATEST": "2 " + second, "2": "2 " + second, "3": "InvalidDocumentVersion"} {
		if got := get(version); got != want {
			t.Errorf("version %s is %s, want %s", version, got, want)
		}
	}
	versions, err := l.ssm.ListDocumentVersions(t.Context(), &ssm.ListDocumentVersionsInput{Name: aws.String("Doc")})
	require.NoError(t, err)
	require.Len(t, versions.DocumentVersions, 2, "versions %+v", versions)
	assert.True(t, versions.DocumentVersions[1].IsDefaultVersion, "versions %+v", versions)
	if got := remove(aws.String("1")); got != "InvalidDocumentOperation" {
		t.Errorf("delete the default version: %s", got)
	}
	if _, err := l.ssm.UpdateDocumentDefaultVersion(t.Context(), &ssm.UpdateDocumentDefaultVersionInput{Name: aws.String("Doc"), DocumentVersion: aws.String("2")}); err != nil {
		t.Fatal(err)
	}
	if got := remove(aws.String("1")) + " " + get("1"); got != "<nil> InvalidDocumentVersion" {
		t.Errorf("delete version 1: %s", got)
	}
	list, err := l.ssm.ListDocuments(t.Context(), &ssm.ListDocumentsInput{Filters: []types.DocumentKeyValuesFilter{{Key: aws.String("Owner"), Values: []string{"Self"}}}})
	require.NoError(t, err)
	require.Len(t, list.DocumentIdentifiers, 1, "documents %+v", list)
	assert.Equal(t, "2", aws.ToString(list.DocumentIdentifiers[0].DocumentVersion))
	if got := remove(nil) + " " + get("$DEFAULT"); got != "<nil> InvalidDocument" {
		t.Errorf("delete the document: %s", got)
	}
}

func TestGetDocumentConverts(t *testing.T) {
	l := newLab(t, Config{})
	const written = "schemaVersion: \"2.2\"\nmainSteps:\n  - {action: \"aws:runShellScript\", name: s, inputs: {runCommand: [\"true\"]}}\n"
	if err := l.create("Doc", written); err != nil {
		t.Fatal(err)
	}
	get := func(name string, format types.DocumentFormat) string {
		out, err := l.ssm.GetDocument(t.Context(), &ssm.GetDocumentInput{Name: aws.String(name), DocumentFormat: format})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Content)
	}
	if got := get("Doc", types.DocumentFormatYaml); got != written {
		t.Errorf("YAML is %q, want it as it was given", got)
	}
	var got, want any
	if err := json.Unmarshal([]byte(get("Doc", "")), &got); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(minimal), &want)
	if text(got) != text(want) {
		t.Errorf("JSON is %s, want %s", text(got), text(want))
	}
	if err := l.create("Again", minimal); err != nil {
		t.Fatal(err)
	}
	if err := l.create("Back", get("Again", types.DocumentFormatYaml)); err != nil {
		t.Errorf("the YAML of a JSON document is none: %v", err)
	}
}

func TestListDocumentsFilters(t *testing.T) {
	l := newLab(t, Config{})
	for _, name := range []string{"Doc-A", "Doc-B", "Other"} {
		if err := l.create(name, minimal); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ key, value, want string }{
		{"Name", "Doc-", "Doc-A Doc-B"},
		{"Owner", "Self", "Doc-A Doc-B Other"},
		{"Owner", "Amazon", ""},
		{"DocumentType", "Command", "Doc-A Doc-B Other"},
		{"DocumentType", "Automation", ""},
		{"PlatformTypes", "Linux", "Doc-A Doc-B Other"},
		{"PlatformTypes", "Windows", ""},
		{"TargetType", "/AWS::EC2::Instance", ""},
		{"Colour", "red", "InvalidFilterKey"},
	} {
		out, err := l.ssm.ListDocuments(t.Context(), &ssm.ListDocumentsInput{
			DocumentFilterList: []types.DocumentFilter{{Key: types.DocumentFilterKey(tc.key), Value: &tc.value}},
		})
		var got []string
		if err != nil {
			got = []string{code(err)}
		} else {
			for _, d := range out.DocumentIdentifiers {
				got = append(got, *d.Name)
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s=%s: %q, want %q", tc.key, tc.value, got, tc.want)
		}
	}
}
