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
)

// Recent returns the commands that ran a document last, at most n, the newest
// first. The service remembers commands for 30 days, and lists the newest first.
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

// newest lists the commands of a document that pass the filters, each once, until
// there are enough of them.
func newest(ctx context.Context, api API, document string, enough int, filters ...types.CommandFilter) ([]Command, error) {
	of := types.CommandFilter{Key: types.CommandFilterKeyDocumentName, Value: aws.String(document)}
	in := &ssm.ListCommandsInput{MaxResults: aws.Int32(50), Filters: append(filters, of)}
	found := map[string]Command{}
	err := eachPage(ctx, api, in, func(page []types.Command) bool {
		for _, c := range page {
			found[aws.ToString(c.CommandId)] = fromSDK(c)
		}
		return len(found) < enough
	})
	if err != nil {
		return nil, fmt.Errorf("list commands of %s: %w", document, err)
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

// eachPage hands each page of commands to visit, until that says that it wants no
// more.
func eachPage(ctx context.Context, api API, in *ssm.ListCommandsInput, visit func([]types.Command) bool) error {
	seen := map[string]bool{}
	for {
		out, err := api.ListCommands(ctx, in)
		if err != nil {
			return err
		}
		token := aws.ToString(out.NextToken)
		// A token that came before leads to pages that came before, for ever.
		if !visit(out.Commands) || token == "" || seen[token] {
			return nil
		}
		seen[token] = true
		in.NextToken = out.NextToken
	}
}
