package cloud

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ec2Namespace is that of every answer of EC2.
const ec2Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// instanceStates are the codes of the states an instance can have here.
var instanceStates = map[string]int{"pending": 0, running: 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}

var instanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

func (c *Cloud) serveEC2(q *request) (any, error) {
	if q.operation != "DescribeInstances" {
		return nil, q.unknownOperation()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.describeInstances(q)
}

type describeInstancesResponse struct {
	XMLName      xml.Name `xml:"DescribeInstancesResponse"`
	Namespace    string   `xml:"xmlns,attr"`
	RequestID    string   `xml:"requestId"`
	Reservations struct {
		Items []reservation `xml:"item"`
	} `xml:"reservationSet"` // there even if it is empty
	NextToken string `xml:"nextToken,omitempty"`
}

type reservation struct {
	ReservationID string         `xml:"reservationId"`
	OwnerID       string         `xml:"ownerId"`
	Groups        struct{}       `xml:"groupSet"`
	Instances     []instanceItem `xml:"instancesSet>item"`
}

type instanceItem struct {
	InstanceID       string    `xml:"instanceId"`
	ImageID          string    `xml:"imageId"`
	StateCode        int       `xml:"instanceState>code"`
	StateName        string    `xml:"instanceState>name"`
	PrivateDNSName   string    `xml:"privateDnsName"`
	InstanceType     string    `xml:"instanceType"`
	LaunchTime       string    `xml:"launchTime"`
	AvailabilityZone string    `xml:"placement>availabilityZone"`
	Tenancy          string    `xml:"placement>tenancy"`
	Monitoring       string    `xml:"monitoring>state"`
	PrivateIP        string    `xml:"privateIpAddress,omitempty"`
	Architecture     string    `xml:"architecture"`
	RootDeviceType   string    `xml:"rootDeviceType"`
	Tags             []tagItem `xml:"tagSet>item"`
}

type tagItem struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// describeInstances answers with one reservation for each instance.
func (c *Cloud) describeInstances(q *request) (any, error) {
	ids := list(q.form, "InstanceId")
	for _, id := range ids {
		if !instanceID.MatchString(id) {
			return nil, badRequest("InvalidInstanceID.Malformed", "Invalid id: %q", id)
		}
		if c.nodes[id] == nil {
			return nil, badRequest("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
		}
	}
	filters, err := readFilters(q.form)
	if err != nil {
		return nil, err
	}
	p, err := readPaging(q.form)
	if err != nil {
		return nil, err
	}
	if p.MaxResults != nil && len(ids) > 0 {
		return nil, badRequest("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	}
	candidates := c.sorted
	if len(ids) > 0 {
		candidates = c.named(ids)
	}
	found, next, err := scan(candidates, func(n *node) bool { return !n.hybrid() && filters.match(&n.Instance) }, p, 5, 1000, 1000)
	if err != nil {
		return nil, badRequest("InvalidParameterValue", "%v", err)
	}
	out := describeInstancesResponse{Namespace: ec2Namespace, RequestID: q.id, NextToken: next}
	for _, n := range found {
		out.Reservations.Items = append(out.Reservations.Items, reservation{
			ReservationID: "r-" + strings.TrimPrefix(n.ID, "i-"), OwnerID: c.config.Account,
			Instances: []instanceItem{c.item(n.Instance)},
		})
	}
	return out, nil
}

func (c *Cloud) item(i Instance) instanceItem {
	item := instanceItem{
		InstanceID: i.ID, ImageID: "ami-0123456789abcdef0", StateCode: instanceStates[i.State], StateName: i.State,
		InstanceType: cmp.Or(i.Type, "t3.micro"), LaunchTime: i.Launched.UTC().Format(time.RFC3339),
		AvailabilityZone: c.config.Region + "a", Tenancy: "default", Monitoring: "disabled", PrivateIP: i.PrivateIP,
		Architecture: "x86_64", RootDeviceType: "ebs",
	}
	if i.PrivateIP != "" {
		item.PrivateDNSName = "ip-" + strings.ReplaceAll(i.PrivateIP, ".", "-") + ".ec2.internal"
	}
	for _, key := range i.tagKeys() {
		value, _ := i.tag(key)
		item.Tags = append(item.Tags, tagItem{key, value})
	}
	return item
}

// list reads the values of a list parameter, which come as "KEY.1", "KEY.2" and
// so on.
func list(form url.Values, key string) (values []string) {
	for n := 1; ; n++ {
		v, ok := form[fmt.Sprintf("%s.%d", key, n)]
		if !ok {
			return values
		}
		values = append(values, v...)
	}
}

func readPaging(form url.Values) (paging, error) {
	p := paging{NextToken: form.Get("NextToken")}
	if text := form.Get("MaxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return p, badRequest("InvalidParameterValue", "Value (%s) for parameter maxResults is invalid.", text)
		}
		p.MaxResults = &n
	}
	return p, nil
}

// ec2Filter is a filter of DescribeInstances: an instance must match one of the
// patterns.
type ec2Filter struct {
	name     string
	patterns []*regexp.Regexp
}

// ec2Filters must all be passed.
type ec2Filters []ec2Filter

func readFilters(form url.Values) (ec2Filters, error) {
	var filters ec2Filters
	for n := 1; ; n++ {
		prefix := fmt.Sprintf("Filter.%d.", n)
		name := form.Get(prefix + "Name")
		if name == "" {
			return filters, nil
		}
		if tag, ok := strings.CutPrefix(name, "tag:"); !slices.Contains(ec2FilterNames, name) && (!ok || tag == "") {
			return nil, badRequest("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		values := list(form, prefix+"Value")
		if len(values) == 0 {
			return nil, badRequest("InvalidParameterValue", "The filter '%s' has no values", name)
		}
		filter := ec2Filter{name: name}
		for _, v := range values {
			filter.patterns = append(filter.patterns, wildcard(v))
		}
		filters = append(filters, filter)
	}
}

var ec2FilterNames = []string{"instance-id", "instance-state-name", "instance-state-code", "instance-type", "private-ip-address", "tag-key"}

// wildcard reads a filter's value, where * stands for any text and ? for any one
// character, unless there is a backslash before it.
func wildcard(value string) *regexp.Regexp {
	var b strings.Builder
	escaped := false
	for _, r := range value {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			b.WriteString(".*")
		case r == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	// Only what was quoted or written above is in it, so that it compiles.
	return regexp.MustCompile(`(?s)^` + b.String() + `$`)
}

func (f ec2Filters) match(i *Instance) bool {
	for _, filter := range f {
		if !slices.ContainsFunc(i.filterValues(filter.name), func(value string) bool {
			return slices.ContainsFunc(filter.patterns, func(p *regexp.Regexp) bool { return p.MatchString(value) })
		}) {
			return false
		}
	}
	return true
}

// filterValues are the values that a filter looks at.
func (i *Instance) filterValues(name string) []string {
	switch name {
	case "instance-id":
		return []string{i.ID}
	case "instance-state-name":
		return []string{i.State}
	case "instance-state-code":
		return []string{itoa(instanceStates[i.State])}
	case "instance-type":
		return []string{i.Type}
	case "private-ip-address":
		return []string{i.PrivateIP}
	case "tag-key":
		return i.tagKeys()
	}
	if value, ok := i.tag(strings.TrimPrefix(name, "tag:")); ok {
		return []string{value}
	}
	return nil
}
