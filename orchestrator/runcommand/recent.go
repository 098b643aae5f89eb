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
	found, seen := map[string]Command{}, map[string]bool{}
	for {
		out, err := api.ListCommands(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list commands of %s: %w", document, err)
		}
		for _, c := range out.Commands {
			found[aws.ToString(c.CommandId)] = fromSDK(c)
		}
		token := aws.ToString(out.NextToken)
		if token == "" || seen[token] || len(found) >= n {
			break
		}
		seen[token] = true
		in.NextToken = out.NextToken
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
