package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func instance(id, name, state string) ec2types.Instance {
	i := ec2types.Instance{InstanceId: aws.String(id), State: &ec2types.InstanceState{Name: ec2types.InstanceStateName(state)}}
	if name != "" {
		i.Tags = []ec2types.Tag{{Key: aws.String("env"), Value: aws.String("prod")}, {Key: aws.String("Name"), Value: aws.String(name)}}
	}
	return i
}

func node(id, ping, platform string) ssmtypes.InstanceInformation {
	return ssmtypes.InstanceInformation{
		InstanceId: aws.String(id), ComputerName: aws.String(id + ".local"),
		PingStatus: ssmtypes.PingStatus(ping), PlatformType: ssmtypes.PlatformType(platform),
	}
}

// pages answers with one element a page and records the filters it was sent.
type pages struct {
	instances []ec2types.Instance
	nodes     []ssmtypes.InstanceInformation
	filters   map[string][]string
	repeat    bool // the last page names itself as the next one
}

func (p *pages) api() API {
	p.filters = map[string][]string{}
	return API{
		DescribeInstances: func(_ context.Context, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
			n := page(in.NextToken)
			out := &ec2.DescribeInstancesOutput{NextToken: p.token(n, len(p.instances))}
			if n < len(p.instances) {
				out.Reservations = []ec2types.Reservation{{OwnerId: aws.String("111122223333"), Instances: p.instances[n : n+1]}}
			}
			if n == 0 {
				for _, f := range in.Filters {
					p.filters["ec2 "+aws.ToString(f.Name)] = f.Values
				}
			}
			return out, nil
		},
		DescribeInstanceInformation: func(_ context.Context, in *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
			n := page(in.NextToken)
			out := &ssm.DescribeInstanceInformationOutput{NextToken: p.token(n, len(p.nodes))}
			if n < len(p.nodes) {
				out.InstanceInformationList = p.nodes[n : n+1]
			}
			return out, nil
		},
	}
}

func page(token *string) int {
	n, _ := strconv.Atoi(aws.ToString(token))
	return n
}

func (p *pages) token(n, length int) *string {
	if n+1 < length {
		return aws.String(strconv.Itoa(n + 1))
	}
	if p.repeat && n > 0 {
		return aws.String(strconv.Itoa(n))
	}
	return nil
}

func TestFind(t *testing.T) {
	for _, repeat := range []bool{false, true} {
		p := &pages{
			repeat: repeat,
			instances: []ec2types.Instance{
				instance("i-00000001", "web-1", "running"),
				instance("i-00000005", "db-1", "running"),
				instance("i-00000002", "web-2", "stopped"),
				instance("i-00000003", "", "running"),
				instance("i-00000004", "win-1", "running"),
			},
			nodes: []ssmtypes.InstanceInformation{
				node("i-00000001", "Online", "Linux"),
				node("i-00000004", "Online", "Windows"),
				node("i-00000005", "ConnectionLost", "Linux"),
				node("i-00000009", "ConnectionLost", "Linux"), // terminated since
				node("mi-00000001", "Online", "Linux"),
			},
		}
		hosts, err := Find(t.Context(), p.api(), Selector{Tags: []Tag{{"env", []string{"prod", "a*?"}}}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range hosts {
			got = append(got, strings.Join([]string{h.ID, h.Name, h.Account, string(h.Unreachable())}, " "))
		}
		want := []string{
			"i-00000001 web-1 111122223333 ",
			"i-00000002 web-2 111122223333 stopped",
			"i-00000003  111122223333 unmanaged",
			"i-00000004 win-1 111122223333 invalid_platform",
			"i-00000005 db-1 111122223333 agent_lost",
			"mi-00000001 mi-00000001.local  ",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if v := p.filters["ec2 tag:env"]; !slices.Equal(v, []string{"prod", `a\*\?`}) {
			t.Errorf("EC2 was asked for %q: wildcards must be literal, as they are for Run Command", v)
		}
		v := p.filters["ec2 instance-state-name"]
		assert.NotContains(t, v, "terminated", "EC2 was asked for states %q", v)
		assert.Contains(t, v, "stopped", "EC2 was asked for states %q", v)
	}
}

func TestFindByID(t *testing.T) {
	p := &pages{instances: []ec2types.Instance{instance("i-00000001", "web-1", "running")}}
	hosts, err := Find(t.Context(), p.api(), Selector{Instances: []string{"i-00000001", "i-00000002", "mi-00000003"}})
	require.NoError(t, err)
	require.Len(t, hosts, 3)
	assert.Equal(t, NotFound, hosts[1].Unreachable(), "hosts that do not exist are %q and %q", hosts[1].Unreachable(), hosts[2].Unreachable())
	assert.Equal(t, NotFound, hosts[2].Unreachable())
	if v := p.filters["ec2 instance-id"]; !slices.Equal(v, []string{"i-00000001", "i-00000002"}) {
		t.Errorf("EC2 was asked for %q", v)
	}
}

// TestFindManyByID: a filter takes only so many ids.
func TestFindManyByID(t *testing.T) {
	ids := make([]string, 450)
	for i := range ids {
		ids[i] = fmt.Sprintf("i-%08x", i)
	}
	var mu sync.Mutex
	asked := map[string]int{}
	ask := func(what string, n int) {
		mu.Lock()
		defer mu.Unlock()
		asked[fmt.Sprintf("%s %d", what, n)]++
	}
	api := API{
		DescribeInstances: func(_ context.Context, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
			var out ec2.DescribeInstancesOutput
			for _, f := range in.Filters {
				if aws.ToString(f.Name) == "instance-id" {
					ask("ec2", len(f.Values))
					for _, id := range f.Values {
						out.Reservations = append(out.Reservations, ec2types.Reservation{Instances: []ec2types.Instance{instance(id, "", "running")}})
					}
				}
			}
			return &out, nil
		},
		DescribeInstanceInformation: func(_ context.Context, in *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
			ask("ssm", len(in.Filters[0].Values))
			var out ssm.DescribeInstanceInformationOutput
			for _, id := range in.Filters[0].Values {
				out.InstanceInformationList = append(out.InstanceInformationList, node(id, "Online", "Linux"))
			}
			return &out, nil
		},
	}
	hosts, err := Find(t.Context(), api, Selector{Instances: ids})
	require.NoError(t, err)
	require.Len(t, hosts, len(ids))
	for _, h := range hosts {
		if h.Unreachable() != "" {
			t.Errorf("%s is %s", h.ID, h.Unreachable())
		}
	}
	if want := map[string]int{"ec2 200": 2, "ec2 50": 1, "ssm 50": 9}; !maps.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

func TestFindAll(t *testing.T) {
	p := &pages{
		instances: []ec2types.Instance{instance("i-00000001", "web-1", "running")},
		nodes:     []ssmtypes.InstanceInformation{node("i-00000001", "Online", "Linux"), node("mi-00000002", "Online", "Linux")},
	}
	hosts, err := Find(t.Context(), p.api(), Selector{All: true})
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	require.Len(t, p.filters, 1)
	assert.NotNil(t, p.filters["ec2 instance-state-name"], "%v, filters %v", hosts, p.filters)
}

func TestFindErrors(t *testing.T) {
	none := &pages{}
	_, err := Find(t.Context(), none.api(), Selector{Tags: []Tag{{"env", []string{"nope"}}}})
	assert.ErrorIs(t, err, ErrNoMatch)
	assert.ErrorContains(t, err, "env=nope")
	denied := errors.New("denied")
	api := none.api()
	api.DescribeInstanceInformation = func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
		return nil, denied
	}
	_, err = Find(t.Context(), api, Selector{Tags: []Tag{{"env", []string{"prod"}}}})
	assert.ErrorIs(t, err, denied)
	assert.ErrorContains(t, err, "list managed nodes of env=prod")
}
