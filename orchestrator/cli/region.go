package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	"aidefleet/orchestrator/trail"
)

// regionFlag is for commands of one region.
func regionFlag() cli.Flag {
	return &cli.StringFlag{Name: "region", EnvVars: env("REGION"), Usage: "AWS `REGION`; the SDK's default where it is not given"}
}

// placeFlags are for commands of any number of accounts and regions.
func placeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "region", EnvVars: env("REGION"), Usage: "AWS `REGION`, repeat it for several; the SDK's default where it is not given"},
		&cli.StringSliceFlag{Name: "role-arn", EnvVars: env("ROLE_ARN"), Usage: "take this role, by its `ARN`, in its account; repeat it for several accounts"},
		&cli.StringFlag{Name: "accounts", TakesFile: true, EnvVars: env("ACCOUNTS"), Usage: "`FILE` with a line for each role: ROLE_ARN REGION[,REGION]"},
	}
}

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2,8}(-[a-z]{2,16}){1,3}-[0-9]{1,2}$`)
	// rolePattern has the account as its group; names and paths are those of the
	// IAM user guide, "IAM and AWS STS quotas".
	rolePattern = regexp.MustCompile(`^arn:aws[a-z-]{0,16}:iam::([0-9]{12}):role/[0-9A-Za-z_+=,.@/-]{1,576}$`)
)

// places are all combinations of accounts and regions on the command line, each once.
// Without any, they are the regions in the list of targets, if it has some.
func places(c *cli.Context, targets []fleet.Target) ([]aws.Place, error) {
	regions, roles := c.StringSlice("region"), c.StringSlice("role-arn")
	if file := c.String("accounts"); file != "" {
		if len(regions)+len(roles) > 0 {
			return nil, usageError{errors.New("--accounts cannot be combined with --region and --role-arn: its lines name roles and regions")}
		}
		f, err := os.Open(file)
		if err != nil {
			return nil, usageError{fmt.Errorf("--accounts: %w", err)}
		}
		defer func() { _ = f.Close() }()
		list, err := readAccounts(f)
		if err != nil {
			return nil, usageError{fmt.Errorf("--accounts %s: %w", file, err)}
		}
		return distinct(list)
	}
	if len(regions)+len(roles) == 0 {
		for _, t := range targets {
			if t.Region != "" && !slices.Contains(regions, t.Region) {
				regions = append(regions, t.Region)
			}
		}
	}
	if len(regions) == 0 {
		regions = []string{""}
	}
	if len(roles) == 0 {
		roles = []string{""}
	}
	var list []aws.Place
	for _, role := range roles {
		for _, region := range regions {
			if err := validatePlace(role, region); err != nil {
				return nil, usageError{err}
			}
			list = append(list, aws.Place{Region: region, Role: role})
		}
	}
	return distinct(list)
}

// validatePlace accepts an empty role and an empty region, which stand for the SDK's
// defaults.
func validatePlace(role, region string) error {
	switch {
	case role != "" && !rolePattern.MatchString(role):
		return fmt.Errorf("role %.80q: want an ARN such as arn:aws:iam::123456789012:role/aidefleet", role)
	case region != "" && !regionPattern.MatchString(region):
		return fmt.Errorf("region %.40q: want a name such as eu-central-1", region)
	}
	return nil
}

// maxAccounts bounds an accounts file, in bytes.
const maxAccounts = 1 << 20

// readAccounts reads lines of a role and its regions; # begins a comment.
func readAccounts(r io.Reader) (list []aws.Place, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxAccounts))
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: want ROLE_ARN REGION[,REGION]", n)
		}
		for region := range strings.SplitSeq(fields[1], ",") {
			if region == "" {
				return nil, fmt.Errorf("line %d: a region is empty: want ROLE_ARN REGION[,REGION]", n)
			}
			if err := validatePlace(fields[0], region); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			list = append(list, aws.Place{Region: region, Role: fields[0]})
		}
	}
	if len(list) == 0 {
		return nil, errors.New("it names no account")
	}
	return list, nil
}

// distinct drops places that came before. With two roles of one account its hosts would be
// swept twice.
func distinct(list []aws.Place) ([]aws.Place, error) {
	taken := map[aws.Place]string{} // roles by account and region
	kept := list[:0]
	for _, p := range list {
		at := aws.Place{Role: account(p.Role), Region: p.Region}
		role, known := taken[at]
		switch {
		case !known:
			taken[at] = p.Role
			kept = append(kept, p)
		case role != p.Role:
			return nil, usageError{fmt.Errorf("roles %s and %s are both of account %s: its hosts would be swept twice", role, p.Role, at.Role)}
		}
	}
	return kept, nil
}

// account is the account of a role, or empty.
func account(role string) string {
	if m := rolePattern.FindStringSubmatch(role); m != nil {
		return m[1]
	}
	return ""
}

// regionsOf connects to all places on the command line.
func regionsOf(c *cli.Context, targets []fleet.Target) ([]sweep.Region, error) {
	where, err := places(c, targets)
	if err != nil {
		return nil, err
	}
	return connectAll(c.Context, where)
}

func connectAll(ctx context.Context, places []aws.Place) ([]sweep.Region, error) {
	all, err := aws.LoadAll(ctx, places)
	if err != nil {
		return nil, err
	}
	return connect(places, all), nil
}

// connect gives each part of a sweep the AWS operations it asks for, of every
// place.
func connect(places []aws.Place, all []aws.Operations) []sweep.Region {
	regions := make([]sweep.Region, 0, len(all))
	for i, o := range all {
		regions = append(regions, sweep.Region{
			Name: o.Region, Role: places[i].Role, Account: account(places[i].Role),
			Fleet: fleet.API{DescribeInstances: o.DescribeInstances, DescribeInstanceInformation: o.DescribeInstanceInformation},
			Commands: runcommand.API{
				SendCommand: o.SendCommand, ListCommands: o.ListCommands,
				ListCommandInvocations: o.ListCommandInvocations, GetCommandInvocation: o.GetCommandInvocation, CancelCommand: o.CancelCommand,
			},
			Metrics: metrics.API{PutMetricData: o.PutMetricData, GetMetricStatistics: o.GetMetricStatistics},
			Events:  notify.API{PutEvents: o.PutEvents},
			Trail:   trail.API{LookupEvents: o.LookupEvents},
		})
	}
	return regions
}
