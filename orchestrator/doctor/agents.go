package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/aws/awscall"
)

// agent is the SSM agent of one host.
type agent struct {
	Host    string // id of the host
	Ping    string // SSM's PingStatus
	Version string
}

// oldestMajor is the oldest major version that AWS does not want to retire. Source: Systems
// Manager user guide, "SSM Agent version 3": version 2 will be deprecated.
const oldestMajor = 3

// judgeAgents says which agents are silent or old. If there are as many as the limit, there
// may be more.
func judgeAgents(agents []agent, limit int) []Finding {
	if len(agents) == 0 {
		return Found(Warning, "SSM knows of no Linux host here",
			"install the SSM agent on the hosts and attach the policy AmazonSSMManagedInstanceCore; check --region")
	}
	var silent, old []string
	for _, a := range agents {
		if a.Ping != "Online" {
			silent = append(silent, a.Host)
		}
		if major, _, _ := strings.Cut(a.Version, "."); olderThan(major) {
			old = append(old, a.Host+" ("+a.Version+")")
		}
	}
	of := strconv.Itoa(len(agents))
	if limit > 0 && len(agents) >= limit {
		of = "the first " + of
	}
	var found []Finding
	if len(silent) > 0 {
		found = append(found, Finding{
			Status: Warning, Message: fmt.Sprintf("%d of %s are silent: %s", len(silent), of, some(silent)),
			Next: "on the hosts: systemctl restart amazon-ssm-agent",
		})
	}
	if len(old) > 0 {
		found = append(found, Finding{
			Status: Warning, Message: fmt.Sprintf("%d of %s are older than version %d: %s", len(old), of, oldestMajor, some(old)),
			Next: "run the document AWS-UpdateSSMAgent on the hosts",
		})
	}
	if len(found) == 0 {
		return Found(OK, of+" online", "")
	}
	return found
}

// olderThan says that a major version is known and too old.
func olderThan(major string) bool {
	n, err := strconv.Atoi(major)
	return err == nil && n < oldestMajor
}

// mostNames is how many hosts a finding names.
const mostNames = 8

// some names the first hosts of many.
func some(names []string) string {
	if len(names) <= mostNames {
		return strings.Join(names, " ")
	}
	return strings.Join(names[:mostNames], " ") + fmt.Sprintf(" and %d more", len(names)-mostNames)
}

// maxAgents is how many agents are looked at, 50 a call.
const maxAgents = 5000

// askAgents looks at the SSM agents of all Linux hosts in the account and region.
func askAgents(ctx context.Context, o aws.Operations) []Finding {
	in := &ssm.DescribeInstanceInformationInput{MaxResults: sdk.Int32(50)}
	byID := map[string]agent{}
	err := awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := o.DescribeInstanceInformation(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, i := range out.InstanceInformationList {
			if i.PlatformType == ssmtypes.PlatformTypeLinux {
				id := sdk.ToString(i.InstanceId)
				byID[id] = agent{Host: id, Ping: string(i.PingStatus), Version: sdk.ToString(i.AgentVersion)}
			}
		}
		if len(byID) >= maxAgents {
			return nil, nil
		}
		return out.NextToken, nil
	})
	switch {
	case awscall.Denied(err):
		return Found(Untried, "as ssm:DescribeInstanceInformation", "")
	case err != nil:
		return CallFailed(err)
	}
	list := make([]agent, 0, len(byID))
	for _, a := range byID {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b agent) int { return strings.Compare(a.Host, b.Host) })
	return judgeAgents(list, maxAgents)
}
