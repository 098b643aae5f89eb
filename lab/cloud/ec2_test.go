package cloud

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/assert"
)

func TestDescribeInstances(t *testing.T) {
	l := newLab(t, Config{}, append(instances(), Instance{ID: "mi-00000000000000001", State: running, Tags: map[string]string{"env": "prod"}})...)
	filter := func(pairs ...string) []types.Filter {
		var filters []types.Filter
		for _, p := range pairs {
			name, values, _ := strings.Cut(p, "=")
			filters = append(filters, types.Filter{Name: aws.String(name), Values: strings.Split(values, ",")})
		}
		return filters
	}
	for _, tc := range []struct {
		name string
		in   ec2.DescribeInstancesInput
		want string // Name tags, or the code of an error
	}{
		{"all but hybrid nodes", ec2.DescribeInstancesInput{}, "web-1 web-2 db-1 old"},
		{"by id", ec2.DescribeInstancesInput{InstanceIds: []string{db1, web1}}, "web-1 db-1"},
		{"unknown id", ec2.DescribeInstancesInput{InstanceIds: []string{"i-0000000000000000f"}}, "InvalidInstanceID.NotFound"},
		{"malformed id", ec2.DescribeInstancesInput{InstanceIds: []string{"x"}}, "InvalidInstanceID.Malformed"},
		{"unknown id in a filter", ec2.DescribeInstancesInput{Filters: filter("instance-id=i-0000000000000000f")}, ""},
		{"tag", ec2.DescribeInstancesInput{Filters: filter("tag:role=web,x")}, "web-1 web-2"},
		{"two tags", ec2.DescribeInstancesInput{Filters: filter("tag:env=prod", "tag:role=db")}, "db-1"},
		{"one tag twice", ec2.DescribeInstancesInput{Filters: filter("tag:role=db", "tag:role=web")}, ""},
		{"state", ec2.DescribeInstancesInput{Filters: filter("instance-state-name=pending,running,stopping,stopped", "tag:Name=o*")}, "old"},
		{"state code", ec2.DescribeInstancesInput{Filters: filter("instance-state-code=80")}, "old"},
		{"wildcards", ec2.DescribeInstancesInput{Filters: filter("tag:Name=?eb-*")}, "web-1 web-2"},
		{"escaped wildcard", ec2.DescribeInstancesInput{Filters: filter(`tag:a*b=c\*d`)}, "db-1"},
		{"escaped wildcard, no match", ec2.DescribeInstancesInput{Filters: filter(`tag:Name=web\*`)}, ""},
		{"tag-key", ec2.DescribeInstancesInput{Filters: filter("tag-key=ro?e")}, "web-1 web-2 db-1"},
		{"address", ec2.DescribeInstancesInput{Filters: filter("private-ip-address=10.0.0.2")}, "web-2"},
		{"unknown filter", ec2.DescribeInstancesInput{Filters: filter("colour=red")}, "InvalidParameterValue"},
		{"page too small", ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}, "InvalidParameterValue"},
		{"page and ids", ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{web1}}, "InvalidParameterCombination"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, err := l.ec2.DescribeInstances(t.Context(), &tc.in)
			got := ""
			if err != nil {
				got = code(err)
			} else {
				got = strings.Join(names(out), " ")
			}
			if got != tc.want {
				t.Errorf("got %q, want %q (%v)", got, tc.want, err)
			}
		})
	}
	out, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{web1}})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Reservations[0]
	i := r.Instances[0]
	assert.Equal(t, "123456789012", aws.ToString(r.OwnerId), "instance %+v of %+v", i, r)
	assert.Equal(t, types.InstanceStateNameRunning, i.State.Name)
	assert.Equal(t, int32(16), *i.State.Code)
	assert.True(t, aws.ToTime(i.LaunchTime).Equal(launched), "instance %+v of %+v", i, r)
	assert.Equal(t, "10.0.0.1", aws.ToString(i.PrivateIpAddress))
	assert.Len(t, i.Tags, 3)
	assert.Equal(t, types.InstanceType("t3.micro"), i.InstanceType)
}

func names(out *ec2.DescribeInstancesOutput) (list []string) {
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			for _, tag := range i.Tags {
				if aws.ToString(tag.Key) == "Name" {
					list = append(list, aws.ToString(tag.Value))
				}
			}
		}
	}
	return list
}

func TestDescribeInstancesPages(t *testing.T) {
	var hosts []Instance
	for n := range 12 {
		hosts = append(hosts, Instance{ID: fmt.Sprintf("i-%017x", n), Name: fmt.Sprint(n), State: running})
	}
	l := newLab(t, Config{}, hosts...)
	var sizes []int
	pages := ec2.NewDescribeInstancesPaginator(l.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(names(out)))
	}
	if fmt.Sprint(sizes) != "[5 5 2]" {
		t.Errorf("pages of %v", sizes)
	}
}
