// Package deploy brings the project into an account: its SSM documents, and the
// packages of the node.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	documents "aidefleet/ssm-documents"
)

// API is what this package calls of AWS.
type API struct {
	GetDocument                  func(context.Context, *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error)
	DescribeDocument             func(context.Context, *ssm.DescribeDocumentInput) (*ssm.DescribeDocumentOutput, error)
	CreateDocument               func(context.Context, *ssm.CreateDocumentInput) (*ssm.CreateDocumentOutput, error)
	UpdateDocument               func(context.Context, *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error)
	UpdateDocumentDefaultVersion func(context.Context, *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error)
	AddTagsToResource            func(context.Context, *ssm.AddTagsToResourceInput) (*ssm.AddTagsToResourceOutput, error)
}

// Target types of a document (Systems Manager API reference, CreateDocument).
const (
	Instances = "/AWS::EC2::Instance"
	Anything  = "/" // hybrid nodes too
)

// As says how to publish a document.
type As struct {
	TargetType string // Instances for a new document; if empty, an old one keeps its own
	Version    string // of this program, as the document's tag; no tag if empty
}

// tagKey is the tag that says which version of the program published a document.
const tagKey = "aidefleet"

// untaggable are characters that a version may hold, but not the value of a tag (Systems
// Manager API reference, Tag).
var untaggable = regexp.MustCompile(`[^A-Za-z0-9_.:/=+@-]`)

func (a As) tags() []types.Tag {
	if a.Version == "" {
		return nil
	}
	return []types.Tag{{Key: aws.String(tagKey), Value: aws.String(tagValue(a.Version))}}
}

// tagValue is a version as the value of a tag.
func tagValue(version string) string { return untaggable.ReplaceAllString(version, "-") }

// Change is what publishing does, or would do, to an account's document.
type Change string

// The states of an account's document, compared with this program's.
const (
	Same    Change = "unchanged"
	Pinned  Change = "pinned" // the same, with a pin of the node
	Created Change = "created"
	Updated Change = "updated"
)

// Compare says what Publish would do. It looks at the document's default version, which a
// sweep runs.
func Compare(ctx context.Context, api API, d documents.Document) (Change, error) {
	content, _, err := read(ctx, api, d.Name, "$DEFAULT")
	var missing *types.InvalidDocument
	switch {
	case errors.As(err, &missing):
		return Created, nil
	case err != nil:
		return "", fmt.Errorf("read document %s: %w", d.Name, err)
	case content == d.Content:
		return Same, nil
	case documents.Unpin(content) == d.Content:
		return Pinned, nil
	}
	return Updated, nil
}

// read returns the content of a version of a document, and its number.
func read(ctx context.Context, api API, name, version string) (content, number string, err error) {
	out, err := api.GetDocument(ctx, &ssm.GetDocumentInput{
		Name: aws.String(name), DocumentVersion: aws.String(version), DocumentFormat: types.DocumentFormatYaml,
	})
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.Content), aws.ToString(out.DocumentVersion), nil
}

// Publish makes this program's document the default version in the account. If it is
// already, nothing is changed.
func Publish(ctx context.Context, api API, d documents.Document, as As) (Change, error) {
	change, err := Compare(ctx, api, d)
	if err != nil {
		return "", err
	}
	if change == Pinned {
		change = Updated // published without a pin
	}
	switch change {
	case Created:
		_, err = api.CreateDocument(ctx, &ssm.CreateDocumentInput{
			Name: aws.String(d.Name), Content: aws.String(d.Content),
			DocumentFormat: types.DocumentFormatYaml, DocumentType: types.DocumentTypeCommand,
			TargetType: aws.String(cmp.Or(as.TargetType, Instances)), Tags: as.tags(),
		})
	case Updated:
		err = update(ctx, api, d, as)
	default:
		return change, sameTarget(ctx, api, d, as)
	}
	if err != nil {
		return "", fmt.Errorf("publish document %s: %w", d.Name, err)
	}
	return change, nil
}

// sameTarget fails if the document is the same but its target type is not: the service
// changes a target type only together with the content.
func sameTarget(ctx context.Context, api API, d documents.Document, as As) error {
	if as.TargetType == "" {
		return nil
	}
	out, err := api.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: aws.String(d.Name)})
	if err != nil {
		return fmt.Errorf("describe document %s: %w", d.Name, err)
	}
	if is := aws.ToString(out.Document.TargetType); is != as.TargetType {
		return fmt.Errorf("document %s has the target type %q, which only changes with its content: delete it, then publish it as %s", d.Name, is, as.TargetType)
	}
	return nil
}

func update(ctx context.Context, api API, d documents.Document, as As) error {
	version, err := newVersion(ctx, api, d, as)
	if err != nil {
		return err
	}
	if _, err := api.UpdateDocumentDefaultVersion(ctx, &ssm.UpdateDocumentDefaultVersionInput{Name: aws.String(d.Name), DocumentVersion: aws.String(version)}); err != nil {
		return err
	}
	if tags := as.tags(); tags != nil {
		_, err = api.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
			ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: aws.String(d.Name), Tags: tags,
		})
	}
	return err
}

// newVersion makes a version of the document and returns its number. If there is such a
// version that is not the default, it is used.
func newVersion(ctx context.Context, api API, d documents.Document, as As) (string, error) {
	in := &ssm.UpdateDocumentInput{
		Name: aws.String(d.Name), Content: aws.String(d.Content),
		DocumentFormat: types.DocumentFormatYaml, DocumentVersion: aws.String("$LATEST"),
	}
	if as.TargetType != "" {
		in.TargetType = aws.String(as.TargetType)
	}
	out, err := api.UpdateDocument(ctx, in)
	var duplicate *types.DuplicateDocumentContent
	if !errors.As(err, &duplicate) {
		if err != nil {
			return "", err
		}
		return aws.ToString(out.DocumentDescription.DocumentVersion), nil
	}
	content, number, latest := read(ctx, api, d.Name, "$LATEST")
	if latest != nil || content != d.Content {
		return "", errors.Join(err, latest)
	}
	return number, nil
}
