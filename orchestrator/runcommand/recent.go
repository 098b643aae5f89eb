package runcommand

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"aidefleet/orchestrator/aws/awscall"
)

// Recent returns the last commands that ran a document, at most n, the newest first. The
// service remembers commands for 30 days, and lists the newest first.
func Recent(ctx context.Context, api API, document string, n int) ([]Command, error) {
	list, err := newest(ctx, api, document, n)
	return list[:min(n, len(list))], err
}

// Since returns the commands that ran a document and were sent since, the newest
// first.
func Since(ctx context.Context, api API, document string, since time.Time) ([]Command, error) {
	return newest(ctx, api, document, math.MaxInt, invokedAfter(since))
}

func invokedAfter(since time.Time) types.CommandFilter {
	return types.CommandFilter{Key: types.CommandFilterKeyInvokedAfter, Value: aws.String(since.UTC().Format(time.RFC3339))}
}

// newest lists the commands of a document that pass the filters, each once, up to the
// number wanted.
func newest(ctx context.Context, api API, document string, enough int, filters ...types.CommandFilter) ([]Command, error) {
	of := types.CommandFilter{Key: types.CommandFilterKeyDocumentName, Value: aws.String(document)}
	in := &ssm.ListCommandsInput{MaxResults: aws.Int32(50), Filters: append(filters, of)}
	found := map[string]Command{}
	err := awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.ListCommands(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list commands of %s: %w", document, err)
		}
		for _, c := range out.Commands {
			found[aws.ToString(c.CommandId)] = fromSDK(c)
		}
		if len(found) >= enough {
			return nil, nil
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]Command, 0, len(found))
	for _, c := range found {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Command) int {
		return cmp.Or(b.Requested.Compare(a.Requested), cmp.Compare(b.ID, a.ID))
	})
	return list, nil
}
