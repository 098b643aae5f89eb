package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	documents "aidefleet/ssm-documents"
)

// account is an account with at most one document.
type account struct {
	content *string // of the default version; nil without a document
	fail    error   // what every changing call answers
	calls   []string
}

func (a *account) api() API {
	called := func(name string) error {
		a.calls = append(a.calls, name)
		return a.fail
	}
	return API{
		GetDocument: func(context.Context, *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error) {
			if a.content == nil {
				return nil, &types.InvalidDocument{}
			}
			return &ssm.GetDocumentOutput{Content: a.content}, nil
		},
		CreateDocument: func(_ context.Context, in *ssm.CreateDocumentInput) (*ssm.CreateDocumentOutput, error) {
			if aws.ToString(in.TargetType) != "/AWS::EC2::Instance" || in.DocumentType != types.DocumentTypeCommand {
				return nil, errors.New("not a command document for instances")
			}
			a.content = in.Content
			return nil, called("create")
		},
		UpdateDocument: func(_ context.Context, in *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error) {
			a.content = in.Content
			return &ssm.UpdateDocumentOutput{DocumentDescription: &types.DocumentDescription{DocumentVersion: aws.String("7")}}, called("update")
		},
		UpdateDocumentDefaultVersion: func(_ context.Context, in *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error) {
			return nil, called("default " + aws.ToString(in.DocumentVersion))
		},
	}
}

func TestPublish(t *testing.T) {
	d := documents.All()[0]
	for name, c := range map[string]struct {
		account account
		want    Change
		calls   []string
	}{
		"none":  {account{}, Created, []string{"create"}},
		"other": {account{content: aws.String("other")}, Updated, []string{"update", "default 7"}},
		"same":  {account{content: aws.String(d.Content)}, Same, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.account
			if got, err := Compare(t.Context(), a.api(), d); got != c.want || err != nil || len(a.calls) > 0 {
				t.Errorf("Compare = %s, %v after %q, want %s and no changing call", got, err, a.calls, c.want)
			}
			if got, err := Publish(t.Context(), a.api(), d); got != c.want || err != nil || !slices.Equal(a.calls, c.calls) {
				t.Errorf("Publish = %s, %v after %q, want %s after %q", got, err, a.calls, c.want, c.calls)
			}
			if got, err := Publish(t.Context(), a.api(), d); got != Same || err != nil {
				t.Errorf("a second Publish = %s, %v, want %s", got, err, Same)
			}
		})
	}
}

func TestPublishFails(t *testing.T) {
	denied := errors.New("access denied")
	for _, content := range []*string{nil, aws.String("other")} {
		a := account{content: content, fail: denied}
		_, err := Publish(t.Context(), a.api(), documents.All()[0])
		if !errors.Is(err, denied) || !strings.Contains(err.Error(), "publish document AideFleet-") {
			t.Errorf("%v", err)
		}
	}
}
