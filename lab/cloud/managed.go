package cloud

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Instance is an EC2 instance or, with an id that begins with "mi-", a hybrid
// node, which EC2 does not know.
type Instance struct {
	ID        string // "i-0123456789abcdef0"
	Name      string
	Tags      map[string]string // without Name
	Type      string            // "t3.micro"
	State     string            // "running" or "stopped"
	PrivateIP string
	Launched  time.Time

	// LastPing is when an agent that has registered before was heard of; zero if
	// none ever was.
	LastPing time.Time

	// Host plays the instance, which has no agent then; nil if it has one. Online
	// says that the simulated agent is there.
	Host   Host
	Online bool
}

// running is the State of an instance whose agent is listened to.
const running = "running"

// hybrid says that the instance is not one of EC2.
func (i Instance) hybrid() bool { return strings.HasPrefix(i.ID, "mi-") }

// tag returns the value of a tag, Name among them.
func (i Instance) tag(key string) (string, bool) {
	if key == "Name" {
		return i.Name, i.Name != ""
	}
	v, ok := i.Tags[key]
	return v, ok
}

// tagKeys are the keys of all tags, sorted.
func (i Instance) tagKeys() []string {
	var keys []string
	if i.Name != "" {
		keys = append(keys, "Name")
	}
	for key := range i.Tags {
		if key != "Name" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// node is an instance, and what SSM knows of it.
type node struct {
	Instance
	agent      *agentInformation // nil until an agent has registered
	registered time.Time
	lastSeen   time.Time // not of a simulated agent that is there
	alive      bool      // a simulated agent is there

	messages []*message
	wake     chan struct{} // holds a token when a poll should look at messages
}

// agentInformation is what an agent says of itself.
type agentInformation struct {
	InstanceID      string `json:"InstanceId"`
	AgentVersion    string
	AgentStatus     string
	PlatformType    string
	PlatformName    string
	PlatformVersion string
	ComputerName    string
	IPAddress       string
}

// newNode makes what SSM knows of an instance before its agent calls.
func newNode(i Instance) *node {
	n := &node{Instance: i}
	if i.Host == nil {
		n.wake = make(chan struct{}, 1)
	}
	if !i.LastPing.IsZero() {
		n.agent = &agentInformation{InstanceID: i.ID, AgentStatus: "Inactive", PlatformType: "Linux", ComputerName: i.Name}
		n.registered, n.lastSeen = i.LastPing, i.LastPing
	}
	if i.Online {
		n.alive, n.registered = true, i.Launched
		n.agent = &agentInformation{
			InstanceID: i.ID, AgentVersion: simulatedAgent, AgentStatus: "Active", ComputerName: i.Name,
			PlatformType: "Linux", PlatformName: "Amazon Linux", PlatformVersion: "2023",
		}
	}
	return n
}

// Online says whether an agent of the instance is there and was heard of lately.
func (c *Cloud) Online(instance string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.nodes[instance]
	return ok && n.managed() && c.pingStatus(n) == "Online"
}

// managed says that SSM can be asked to run something there.
func (n *node) managed() bool { return n.agent != nil && n.State == running }

func (c *Cloud) pingStatus(n *node) string {
	if c.now().Sub(n.seen(c.now())) >= c.config.AgentSilence {
		return "ConnectionLost"
	}
	return "Online"
}

// named are those nodes of these ids that there are, in the order of their ids.
func (c *Cloud) named(ids []string) []*node {
	var nodes []*node
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if n, ok := c.nodes[id]; ok {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// updateInstanceInformation registers an agent, or says that it still lives.
func (c *Cloud) updateInstanceInformation(in agentInformation) (empty, error) {
	n, err := c.speaker(in.InstanceID)
	if err != nil {
		return empty{}, err
	}
	if n.agent == nil {
		n.registered = c.now()
		c.config.Logger.Info("agent registered", "instance", n.ID, "name", n.Name)
	}
	n.agent = &in
	n.lastSeen = c.now()
	return empty{}, nil
}

// speaker is the node that calls. The host of an instance that is stopped
// cannot.
func (c *Cloud) speaker(instance string) (*node, error) {
	n, ok := c.nodes[instance]
	if !ok {
		return nil, badRequest("InvalidInstanceId", "There is no instance %q in account %s.", instance, c.config.Account)
	}
	if n.State != running {
		return nil, badRequest("InvalidInstanceId", "Instance %s is %s.", instance, n.State)
	}
	return n, nil
}

// instanceInformation is what SSM knows of a node.
type instanceInformation struct {
	InstanceID       string `json:"InstanceId"`
	PingStatus       string
	LastPingDateTime epoch
	AgentVersion     string
	IsLatestVersion  bool
	PlatformType     string
	PlatformName     string
	PlatformVersion  string
	ResourceType     string
	IPAddress        string
	ComputerName     string
	Name             string `json:",omitempty"` // of hybrid nodes only
	RegistrationDate *epoch `json:",omitempty"` // of hybrid nodes only
	SourceID         string `json:"SourceId"`
	SourceType       string
}

type describeInstanceInformationInput struct {
	paging
	Filters                       []instanceFilter
	InstanceInformationFilterList []oldInstanceFilter
}

// instanceFilter is a filter of DescribeInstanceInformation.
type instanceFilter struct {
	Key    string
	Values []string
}

// oldInstanceFilter is the same in the spelling of the older filter list.
type oldInstanceFilter struct {
	Key    string   `json:"key"`
	Values []string `json:"valueSet"`
}

type describeInstanceInformationOutput struct {
	InstanceInformationList []instanceInformation
	NextToken               string `json:",omitempty"`
}

func (c *Cloud) describeInstanceInformation(in describeInstanceInformationInput) (describeInstanceInformationOutput, error) {
	var out describeInstanceInformationOutput
	filters := in.Filters
	if len(in.InstanceInformationFilterList) > 0 {
		if len(filters) > 0 {
			return out, badRequest("ValidationException", "Filters and InstanceInformationFilterList cannot be used together.")
		}
		for _, f := range in.InstanceInformationFilterList {
			filters = append(filters, instanceFilter(f))
		}
	}
	if err := checkInstanceFilters(filters); err != nil {
		return out, err
	}
	candidates := c.sorted
	for _, f := range filters {
		if f.Key == "InstanceIds" {
			candidates = c.named(f.Values)
		}
	}
	found, next, err := scan(candidates, func(n *node) bool { return n.managed() && c.passes(n, filters) }, in.paging, 5, 50, 10)
	out.InstanceInformationList, out.NextToken = make([]instanceInformation, len(found)), next
	for at, n := range found {
		out.InstanceInformationList[at] = c.information(n)
	}
	return out, err
}

// checkInstanceFilters knows the keys that the lab's nodes have a value for.
func checkInstanceFilters(filters []instanceFilter) error {
	tags := 0
	for _, f := range filters {
		switch f.Key {
		case "InstanceIds", "PingStatus", "PlatformTypes", "AgentVersion", "ResourceType":
		default:
			if !strings.HasPrefix(f.Key, "tag:") && f.Key != "tag-key" {
				return badRequest("InvalidFilterKey", "The lab has no filter %q.", f.Key)
			}
			tags++
		}
		if len(f.Values) == 0 {
			return badRequest("InvalidInstanceInformationFilterValue", "Filter %s has no value.", f.Key)
		}
	}
	if tags > 0 && tags < len(filters) {
		return badRequest("ValidationException", "Tag filters cannot be combined with other filters.")
	}
	return nil
}

// passes says that a node has one of the values of each filter.
func (c *Cloud) passes(n *node, filters []instanceFilter) bool {
	for _, f := range filters {
		var ok bool
		switch f.Key {
		case "InstanceIds":
			ok = slices.Contains(f.Values, n.ID)
		case "PingStatus":
			ok = slices.Contains(f.Values, c.pingStatus(n))
		case "PlatformTypes":
			ok = slices.Contains(f.Values, n.agent.PlatformType)
		case "AgentVersion":
			ok = slices.Contains(f.Values, n.agent.AgentVersion)
		case "ResourceType":
			ok = slices.Contains(f.Values, n.resourceType())
		default:
			ok = n.tagged(f.Key, f.Values)
		}
		if !ok {
			return false
		}
	}
	return true
}

// tagged answers for the keys "tag:KEY" and "tag-key". There are no wildcards.
func (i Instance) tagged(key string, values []string) bool {
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		value, has := i.tag(name)
		return has && slices.Contains(values, value)
	}
	for _, name := range values {
		if _, has := i.tag(name); has {
			return true
		}
	}
	return false
}

func (i Instance) resourceType() string {
	if i.hybrid() {
		return "ManagedInstance"
	}
	return "EC2Instance"
}

func (c *Cloud) information(n *node) instanceInformation {
	info := instanceInformation{
		InstanceID:       n.ID,
		PingStatus:       c.pingStatus(n),
		LastPingDateTime: epoch{n.seen(c.now())},
		AgentVersion:     n.agent.AgentVersion,
		IsLatestVersion:  true,
		PlatformType:     n.agent.PlatformType,
		PlatformName:     n.agent.PlatformName,
		PlatformVersion:  n.agent.PlatformVersion,
		ResourceType:     n.resourceType(),
		IPAddress:        cmp.Or(n.PrivateIP, n.agent.IPAddress),
		ComputerName:     n.agent.ComputerName,
		SourceID:         n.ID,
		SourceType:       "AWS::EC2::Instance",
	}
	if n.hybrid() {
		info.Name, info.RegistrationDate = n.Name, &epoch{n.registered}
		info.SourceType = "AWS::SSM::ManagedInstance"
	}
	return info
}
