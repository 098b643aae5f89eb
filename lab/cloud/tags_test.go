package cloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTags(t *testing.T) {
	l := newLab(t, Config{})
	if err := l.create("Doc", minimal); err != nil {
		t.Fatal(err)
	}
	var many []types.Tag
	for n := range maxTags + 1 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint("k", n)), Value: aws.String("v")})
	}
	one := func(key, value string) []types.Tag {
		return []types.Tag{{Key: aws.String(key), Value: aws.String(value)}}
	}
	for _, tc := range []struct {
		name, resource string
		tags           []types.Tag
		want           string
	}{
		{"a tag", "Doc", one("aidefleet", "0.1.0"), "<nil>"},
		{"in its place", "Doc", one("aidefleet", "0.2.0+3.g1"), "<nil>"},
		{"a tilde", "Doc", one("aidefleet", "0.1.0~rc.1"), "ValidationException"},
		{"no key", "Doc", one("", "x"), "ValidationException"},
		{"a long value", "Doc", one("k", strings.Repeat("v", 257)), "ValidationException"},
		{"too many", "Doc", many, "TooManyTagsError"},
		{"no document", "None", one("k", "v"), "InvalidResourceId"},
	} {
		_, err := l.ssm.AddTagsToResource(t.Context(), &ssm.AddTagsToResourceInput{
			ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: &tc.resource, Tags: tc.tags,
		})
		if got := code(err); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	out, err := l.ssm.DescribeDocument(t.Context(), &ssm.DescribeDocumentInput{Name: aws.String("Doc")})
	require.NoError(t, err)
	require.Len(t, out.Document.Tags, 1, "%+v", out)
	assert.Equal(t, "0.2.0+3.g1", aws.ToString(out.Document.Tags[0].Value))
}

func TestCreateDocumentLimits(t *testing.T) {
	l := newLab(t, Config{})
	create := func(in ssm.CreateDocumentInput) string {
		in.Content, in.DocumentFormat = aws.String(minimal), types.DocumentFormatJson
		_, err := l.ssm.CreateDocument(t.Context(), &in)
		return code(err)
	}
	if got := create(ssm.CreateDocumentInput{Name: aws.String("Doc"), TargetType: aws.String("EC2")}); got != "ValidationException" {
		t.Errorf("a target type without a slash: %s", got)
	}
	if got := create(ssm.CreateDocumentInput{Name: aws.String("Doc"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("~")}}}); got != "ValidationException" {
		t.Errorf("a tag with a tilde: %s", got)
	}
	if got := create(ssm.CreateDocumentInput{Name: aws.String("Doc"), VersionName: aws.String("one")}); got != "<nil>" {
		t.Fatal(got)
	}
	changed := strings.Replace(minimal, `"true"`, `"false"`, 1)
	_, err := l.ssm.UpdateDocument(t.Context(), &ssm.UpdateDocumentInput{Name: aws.String("Doc"), Content: &changed, VersionName: aws.String("one"), DocumentVersion: aws.String("$LATEST")})
	if got := code(err); got != "DuplicateDocumentVersionName" {
		t.Errorf("the name of another version: %s", got)
	}
	for n := range maxDocuments - 1 {
		if err := l.Publish(fmt.Sprint("Doc-", n), "schemaVersion: \"2.2\"\nmainSteps: [{action: \"aws:runShellScript\", name: s, inputs: {runCommand: [\"true\"]}}]\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got := create(ssm.CreateDocumentInput{Name: aws.String("Doc-more")}); got != "DocumentLimitExceeded" {
		t.Errorf("document %d: %s", maxDocuments+1, got)
	}
}
