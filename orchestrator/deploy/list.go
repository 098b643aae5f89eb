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

// Entry is a document as an account has it.
type Entry struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Default string `json:"default,omitempty"` // version
	Latest  string `json:"latest,omitempty"`  // version
	Hash    string `json:"hash,omitempty"`    // of the default version, as SendCommand takes it
	Target  string `json:"target,omitempty"`
}

// The states of an entry.
const (
	IsSame      = "same"      // as in this program
	IsDifferent = "different" // from this program's
	IsPinned    = "pinned"    // what it installs, or runs, was decided when it was published
	IsMissing   = "missing"
)

// List says what of the project's documents an account has.
func List(ctx context.Context, api API) ([]Entry, error) {
	list := []Entry{}
	for _, d := range append(documents.All(), documents.Document{Name: documents.Install}) {
		e, err := entry(ctx, api, d)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func entry(ctx context.Context, api API, d documents.Document) (Entry, error) {
	e := Entry{Name: d.Name, State: IsMissing}
	out, err := api.DescribeDocument(ctx, &ssm.DescribeDocumentInput{Name: aws.String(d.Name)})
	var missing *types.InvalidDocument
	if errors.As(err, &missing) {
		return e, nil
	}
	if err != nil {
		return e, fmt.Errorf("describe document %s: %w", d.Name, err)
	}
	e.Default, e.Latest = aws.ToString(out.Document.DefaultVersion), aws.ToString(out.Document.LatestVersion)
	e.Hash, e.Target = aws.ToString(out.Document.Hash), aws.ToString(out.Document.TargetType)
	if d.Content == "" {
		e.State = IsPinned
		return e, nil
	}
	change, err := Compare(ctx, api, d)
	switch {
	case err != nil:
		return e, err
	case change == Same:
		e.State = IsSame
	case change == Pinned:
		e.State = IsPinned
	default:
		e.State = IsDifferent
	}
	return e, nil
}
