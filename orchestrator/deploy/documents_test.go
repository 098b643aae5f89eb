package deploy

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	documents "aidefleet/ssm-documents"
)

// account is an account with at most one document.
type account struct {
	content *string // of the default version; nil without a document
	latest  *string // of the latest version, where that is not the default one
	target  string
	fail    error // what every changing call answers
	calls   []string
}

func (a *account) api() API {
	called := func(name string) error {
		a.calls = append(a.calls, name)
		return a.fail
	}
	return API{
		GetDocument: func(_ context.Context, in *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error) {
			if a.content == nil {
				return nil, &types.InvalidDocument{}
			}
			if a.latest != nil && aws.ToString(in.DocumentVersion) == "$LATEST" {
				return &ssm.GetDocumentOutput{Content: a.latest, DocumentVersion: aws.String("5")}, nil
			}
			return &ssm.GetDocumentOutput{Content: a.content, DocumentVersion: aws.String("4")}, nil
		},
		DescribeDocument: func(context.Context, *ssm.DescribeDocumentInput) (*ssm.DescribeDocumentOutput, error) {
			if a.content == nil {
				return nil, &types.InvalidDocument{}
			}
			return &ssm.DescribeDocumentOutput{Document: &types.DocumentDescription{
				DefaultVersion: aws.String("4"), LatestVersion: aws.String("5"), Hash: aws.String("abc"), TargetType: aws.String(a.target),
			}}, nil
		},
		CreateDocument: func(_ context.Context, in *ssm.CreateDocumentInput) (*ssm.CreateDocumentOutput, error) {
			if in.DocumentType != types.DocumentTypeCommand {
				return nil, errors.New("not a command document")
			}
			a.content, a.target = in.Content, aws.ToString(in.TargetType)
			return nil, called("create " + a.target + tagged(in.Tags))
		},
		UpdateDocument: func(_ context.Context, in *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error) {
			if a.latest != nil && *a.latest == *in.Content {
				a.calls = append(a.calls, "update")
				return nil, &types.DuplicateDocumentContent{}
			}
			a.content = in.Content
			return &ssm.UpdateDocumentOutput{DocumentDescription: &types.DocumentDescription{DocumentVersion: aws.String("7")}}, called("update " + aws.ToString(in.TargetType))
		},
		UpdateDocumentDefaultVersion: func(_ context.Context, in *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error) {
			if a.latest != nil && aws.ToString(in.DocumentVersion) == "5" {
				a.content, a.latest = a.latest, nil
			}
			return nil, called("default " + aws.ToString(in.DocumentVersion))
		},
		AddTagsToResource: func(_ context.Context, in *ssm.AddTagsToResourceInput) (*ssm.AddTagsToResourceOutput, error) {
			return nil, called("tag" + tagged(in.Tags))
		},
	}
}

func tagged(tags []types.Tag) (text string) {
	for _, t := range tags {
		text += " " + aws.ToString(t.Key) + "=" + aws.ToString(t.Value)
	}
	return text
}

func TestPublish(t *testing.T) {
	d := documents.All()[0]
	for name, c := range map[string]struct {
		account account
		as      As
		want    Change
		calls   []string
	}{
		"none":                        {account{}, As{}, Created, []string{"create /AWS::EC2::Instance"}},
		"none, for all":               {account{}, As{TargetType: Anything, Version: "0.1.0~rc.1"}, Created, []string{"create / aidefleet=0.1.0-rc.1"}},
		"other":                       {account{content: aws.String("other")}, As{Version: "0.1.0+3.g1"}, Updated, []string{"update ", "default 7", "tag aidefleet=0.1.0+3.g1"}},
		"other, for all":              {account{content: aws.String("other")}, As{TargetType: Anything}, Updated, []string{"update /", "default 7"}},
		"same":                        {account{content: aws.String(d.Content)}, As{Version: "0.1.0"}, Same, nil},
		"same, for all":               {account{content: aws.String(d.Content), target: "/"}, As{TargetType: Anything}, Same, nil},
		"a version that came to rest": {account{content: aws.String("other"), latest: &d.Content}, As{}, Updated, []string{"update", "default 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.account
			got, err := Compare(t.Context(), a.api(), d)
			assert.NoError(t, err)
			assert.Equal(t, c.want, got, "Compare = %s after %q", got, a.calls)
			assert.Empty(t, a.calls)
			got, err = Publish(t.Context(), a.api(), d, c.as)
			assert.NoError(t, err)
			assert.Equal(t, c.want, got, "Publish = %s after %q", got, a.calls)
			assert.Equal(t, c.calls, a.calls)
			got, err = Publish(t.Context(), a.api(), d, As{})
			assert.NoError(t, err)
			assert.Equal(t, Same, got)
		})
	}
	a := account{content: aws.String(d.Content), target: Instances}
	_, err := Publish(t.Context(), a.api(), d, As{TargetType: Anything})
	assert.ErrorContains(t, err, `has the target type "/AWS::EC2::Instance"`, "after %q: the target type does not change by itself", a.calls)
	assert.Empty(t, a.calls)
}

func TestList(t *testing.T) {
	a := account{target: Instances}
	for _, c := range []struct {
		content *string
		first   Entry
		last    string
	}{
		{nil, Entry{Name: documents.Accept, State: IsMissing}, IsMissing},
		{aws.String(documents.All()[0].Content), Entry{documents.Accept, IsSame, "4", "5", "abc", Instances}, IsPinned},
		{aws.String("other"), Entry{documents.Accept, IsDifferent, "4", "5", "abc", Instances}, IsPinned},
	} {
		a.content = c.content
		list, err := List(t.Context(), a.api())
		require.NoError(t, err, "%+v", c.first)
		require.Len(t, list, len(documents.All())+1, "%+v", c.first)
		assert.Equal(t, c.first, list[0])
		last := list[len(list)-1]
		assert.Equal(t, documents.Install, last.Name, "%+v", last)
		assert.Equal(t, c.last, last.State, "%+v", last)
	}
}

func TestPublishFails(t *testing.T) {
	denied := errors.New("access denied")
	for _, content := range []*string{nil, aws.String("other")} {
		a := account{content: content, fail: denied}
		_, err := Publish(t.Context(), a.api(), documents.All()[0], As{})
		assert.ErrorIs(t, err, denied, aws.ToString(content))
		assert.ErrorContains(t, err, "publish document AideFleet-", aws.ToString(content))
	}
}
