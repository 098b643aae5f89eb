package aws

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// sessionName is the name by which an account's CloudTrail knows the orchestrator that took
// a role there.
const sessionName = "aidefleet"

// Place is a region, and the role to take there: empty for the caller's own account.
type Place struct{ Region, Role string }

// LoadAll is Load for several places, in their order. The regions of a role share its
// credentials, which are renewed before they expire. They come from the regional endpoint
// of STS, whose tokens are valid in every region that the account has enabled; those of the
// global one are not (IAM user guide, "Manage AWS STS in an AWS Region"). No call is made
// before the first operation.
func LoadAll(ctx context.Context, places []Place) ([]Operations, error) {
	all := make([]Operations, 0, len(places))
	var own aws.Config
	roles := map[string]aws.CredentialsProvider{}
	for i, p := range places {
		if i == 0 {
			var err error
			if own, err = load(ctx, p.Region); err != nil {
				return nil, err
			}
		}
		cfg := own.Copy()
		cfg.Region = cmp.Or(p.Region, own.Region)
		if p.Role != "" {
			if roles[p.Role] == nil {
				roles[p.Role] = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg, func(o *sts.Options) { o.HTTPClient = punctual(o.HTTPClient) }), p.Role,
					func(o *stscreds.AssumeRoleOptions) { o.RoleSessionName = sessionName }))
			}
			cfg.Credentials = roles[p.Role]
		}
		cfg.Retryer = patient(ctx, cfg.Credentials) // each account and region is throttled by itself
		all = append(all, operations(cfg))
	}
	return all, nil
}
