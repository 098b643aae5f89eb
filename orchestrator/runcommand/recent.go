package runcommand

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Recent returns the commands that ran a document last, at most n, the newest
// first. The service remembers commands for 30 days, and lists the newest first.
func Recent(ctx context.Context, api API, document string, n int) ([]Command, error) {
	in := &ssm.ListCommandsInput{
		MaxResults: aws.Int32(50),
		Filters:    []types.CommandFilter{{Key: types.CommandFilterKeyDocumentName, Value: aws.String(document)}},
	}
	found := map[string]Command{}
	err := eachPage(ctx, api, in, func(page []types.Command) bool {
		for _, c := range page {
			found[aws.ToString(c.CommandId)] = fromSDK(c)
		}
		return len(found) < n
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
	return list[:min(n, len(list))], nil
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
