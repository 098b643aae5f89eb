package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"golang.org/x/sync/errgroup"

	"aidefleet/orchestrator/aws/awscall"
)

// API is what this package calls of AWS.
type API struct {
	DescribeInstances           func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error)
	DescribeInstanceInformation func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error)
}

// Reason says why a host cannot be reached.
type Reason string

// Why a targeted host cannot be sent a command.
const (
	Stopped         Reason = "stopped"          // the instance is not running
	Unmanaged       Reason = "unmanaged"        // SSM has never heard of an agent there
	AgentLost       Reason = "agent_lost"       // the agent was there and is silent now
	InvalidPlatform Reason = "invalid_platform" // not Linux
	NotFound        Reason = "not_found"        // named as a target, but not in this account and region
)

// Host is one targeted host.
type Host struct {
	ID       string
	Name     string    // the Name tag, or a hybrid node's name; may be empty
	Account  string    // owner of the instance; empty for a hybrid node
	State    string    // EC2 instance state; empty for a hybrid node
	Platform string    // SSM's PlatformType, "Linux"; empty without an agent
	Ping     string    // SSM's PingStatus, "Online"; empty without an agent
	Launched time.Time // when the instance was last started; zero for a hybrid node
}

// Unreachable is the reason why a command cannot reach the host, or empty.
func (h Host) Unreachable() Reason {
	switch {
	case h.State == "" && h.Ping == "":
		return NotFound
	case h.State != "" && h.State != string(ec2types.InstanceStateNameRunning) && h.State != string(ec2types.InstanceStateNamePending):
		return Stopped
	case h.Ping == "":
		return Unmanaged
	case h.Platform != "" && h.Platform != string(ssmtypes.PlatformTypeLinux):
		return InvalidPlatform
	case h.Ping != string(ssmtypes.PingStatusOnline):
		return AgentLost
	}
	return ""
}

// ErrNoMatch is returned by Find when a selector matches no host.
var ErrNoMatch = errors.New("no host matches")

// Find returns the targeted hosts, sorted by id. A named instance that does not exist is
// among them. If no host has the tag, the error is ErrNoMatch.
func Find(ctx context.Context, api API, s Selector) ([]Host, error) {
	instances, nodes := map[string]Host{}, map[string]Host{}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return listAll(s, maxFilterInstances, func(s Selector) error { return listInstances(gctx, api, s, instances) })
	})
	g.Go(func() error {
		return listAll(s, maxFilterNodes, func(s Selector) error { return listNodes(gctx, api, s, nodes) })
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}

	hosts := make(map[string]Host, len(instances))
	for id, h := range instances {
		if n, ok := nodes[id]; ok {
			h.Ping, h.Platform = n.Ping, n.Platform
		}
		hosts[id] = h
	}
	for id, n := range nodes {
		// An instance that EC2 no longer lists has been terminated; SSM forgets it later.
		if strings.HasPrefix(id, "mi-") {
			hosts[id] = n
		}
	}
	for _, id := range s.Instances {
		if _, ok := hosts[id]; !ok {
			hosts[id] = Host{ID: id}
		}
	}
	if len(hosts) == 0 {
		return nil, fmt.Errorf("%w %s", ErrNoMatch, s)
	}
	list := make([]Host, 0, len(hosts))
	for _, h := range hosts {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b Host) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// How many ids a filter takes: the values of a filter of EC2 (API reference,
// DescribeInstances), and a page of DescribeInstanceInformation.
const (
	maxFilterInstances = 200
	maxFilterNodes     = 50
)

// listAll lists named hosts in parts of that size, and all others at once.
func listAll(s Selector, size int, list func(Selector) error) error {
	if len(s.Instances) <= size {
		return list(s)
	}
	for ids := range slices.Chunk(s.Instances, size) {
		if err := list(Selector{Instances: ids}); err != nil {
			return err
		}
	}
	return nil
}

// alive are the states of instances that count as targets. A stopped instance counts: its
// files may have changed, and nobody checks them.
var alive = []string{"pending", "running", "stopping", "stopped"}

func listInstances(ctx context.Context, api API, s Selector, hosts map[string]Host) error {
	in := &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(1000),
		Filters:    []ec2types.Filter{{Name: aws.String("instance-state-name"), Values: alive}},
	}
	for _, t := range s.Tags {
		in.Filters = append(in.Filters, ec2types.Filter{Name: aws.String(t.Filter()), Values: literal(t.Values)})
	}
	if ids := withPrefix(s.Instances, "i-"); len(ids) > 0 {
		// As a filter, since an unknown id in InstanceIds fails the whole call.
		in.Filters = append(in.Filters, ec2types.Filter{Name: aws.String("instance-id"), Values: ids})
	} else if len(s.Instances) > 0 {
		return nil
	}

	return awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.DescribeInstances(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list instances of %s: %w", s, err)
		}
		for _, r := range out.Reservations {
			for _, i := range r.Instances {
				h := Host{ID: aws.ToString(i.InstanceId), Account: aws.ToString(r.OwnerId), Launched: aws.ToTime(i.LaunchTime)}
				if i.State != nil {
					h.State = string(i.State.Name)
				}
				for _, t := range i.Tags {
					if aws.ToString(t.Key) == "Name" {
						h.Name = aws.ToString(t.Value)
					}
				}
				hosts[h.ID] = h
			}
		}
		return out.NextToken, nil
	})
}

func listNodes(ctx context.Context, api API, s Selector, nodes map[string]Host) error {
	in := &ssm.DescribeInstanceInformationInput{MaxResults: aws.Int32(50)}
	for _, t := range s.Tags {
		in.Filters = append(in.Filters, ssmtypes.InstanceInformationStringFilter{Key: aws.String(t.Filter()), Values: t.Values})
	}
	if len(s.Instances) > 0 {
		in.Filters = append(in.Filters, ssmtypes.InstanceInformationStringFilter{Key: aws.String("InstanceIds"), Values: s.Instances})
	}

	return awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.DescribeInstanceInformation(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list managed nodes of %s: %w", s, err)
		}
		for _, i := range out.InstanceInformationList {
			name := aws.ToString(i.Name)
			if name == "" {
				name = aws.ToString(i.ComputerName)
			}
			n := Host{ID: aws.ToString(i.InstanceId), Name: name, Ping: string(i.PingStatus), Platform: string(i.PlatformType)}
			nodes[n.ID] = n
		}
		return out.NextToken, nil
	})
}

// literal escapes what EC2 filters take for wildcards; targets of Run Command
// know none, and both must mean the same hosts.
func literal(values []string) []string {
	r := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = r.Replace(v)
	}
	return escaped
}

func withPrefix(ids []string, prefix string) (found []string) {
	for _, id := range ids {
		if strings.HasPrefix(id, prefix) {
			found = append(found, id)
		}
	}
	return found
}
