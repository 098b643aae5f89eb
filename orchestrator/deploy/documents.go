// Package deploy brings the project into an account: its SSM documents.
package deploy

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	documents "aidefleet/ssm-documents"
)

// API is what this package calls of AWS.
type API struct {
	GetDocument                  func(context.Context, *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error)
	CreateDocument               func(context.Context, *ssm.CreateDocumentInput) (*ssm.CreateDocumentOutput, error)
	UpdateDocument               func(context.Context, *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error)
	UpdateDocumentDefaultVersion func(context.Context, *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error)
}

// Change is what publishing a document does, or would do, to an account.
type Change string

// The states of a document in an account, seen from this program.
const (
	Same    Change = "unchanged"
	Created Change = "created"
	Updated Change = "updated"
)

// Compare says what Publish would do. It compares with the document's default
// version, which is the one that a sweep runs.
func Compare(ctx context.Context, api API, d documents.Document) (Change, error) {
	out, err := api.GetDocument(ctx, &ssm.GetDocumentInput{Name: aws.String(d.Name), DocumentFormat: types.DocumentFormatYaml})
	var missing *types.InvalidDocument
	switch {
	case errors.As(err, &missing):
		return Created, nil
	case err != nil:
		return "", fmt.Errorf("read document %s: %w", d.Name, err)
	case aws.ToString(out.Content) == d.Content:
		return Same, nil
	}
	return Updated, nil
}

// Publish makes the account's default version of the document the one in this
// program, and changes nothing where it is already.
func Publish(ctx context.Context, api API, d documents.Document) (Change, error) {
	change, err := Compare(ctx, api, d)
	if err != nil {
		return "", err
	}
	switch change {
	case Created:
		_, err = api.CreateDocument(ctx, &ssm.CreateDocumentInput{
			Name: aws.String(d.Name), Content: aws.String(d.Content),
			DocumentFormat: types.DocumentFormatYaml, DocumentType: types.DocumentTypeCommand,
			TargetType: aws.String("/AWS::EC2::Instance"),
		})
	case Updated:
		err = update(ctx, api, d)
	}
	if err != nil {
		return "", fmt.Errorf("publish document %s: %w", d.Name, err)
	}
	return change, nil
}

func update(ctx context.Context, api API, d documents.Document) error {
	out, err := api.UpdateDocument(ctx, &ssm.UpdateDocumentInput{
		Name: aws.String(d.Name), Content: aws.String(d.Content),
		DocumentFormat: types.DocumentFormatYaml, DocumentVersion: aws.String("$LATEST"),
	})
	if err != nil {
		return err
	}
	_, err = api.UpdateDocumentDefaultVersion(ctx, &ssm.UpdateDocumentDefaultVersionInput{
		Name: aws.String(d.Name), DocumentVersion: out.DocumentDescription.DocumentVersion,
	})
	return err
}
