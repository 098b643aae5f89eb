package lab

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"aidefleet/lab/cloud"
	"aidefleet/lab/host"
)

// member is one host of the lab's fleet.
type member struct {
	name, role, env string
	id              string
	layout          host.Layout
	tagged          bool // with its layout
	offline         bool // its agent was heard of an hour ago, and no more
}

// members are the fleet: three equal web servers, so that a deploy is seen as
// one, a host without a baseline, one whose agent is gone, and one of another
// environment.
var members = []member{
	{name: "web-1", role: "web", env: "prod", id: "i-0a1de0000000000a1", layout: host.AmazonLinux},
	{name: "web-2", role: "web", env: "prod", id: "i-0a1de0000000000a2", layout: host.AmazonLinux},
	{name: "web-3", role: "web", env: "prod", id: "i-0a1de0000000000a3", layout: host.AmazonLinux},
	{name: "db-1", role: "db", env: "prod", id: "i-0a1de0000000000b1", layout: host.Debian},
	{name: "cache-1", role: "cache", env: "prod", id: "i-0a1de0000000000c1", layout: host.Debian},
	{name: "api-1", role: "api", env: "prod", id: "i-0a1de0000000000d1", layout: host.AmazonLinux, offline: true},
	{name: "batch-1", role: "batch", env: "dev", id: "i-0a1de0000000000e1", layout: host.Debian},
}

// withAgent are the roles whose hosts can be reached: all but api.
const withAgent = "role=web,db,cache,batch"

// withBaseline are the roles whose hosts get a baseline: all but cache and api.
const withBaseline = "role=web,db,batch"

// hostsOf are a fleet with a host for each layout in place of that, for what AIDE makes
// of each: tags env=prod, role=web and layout. The second of a layout is called debian-2.
func hostsOf(layouts []host.Layout) (list []member) {
	count := map[host.Layout]int{}
	for i, l := range layouts {
		name := strings.ReplaceAll(string(l), ".", "-")
		if count[l]++; count[l] > 1 {
			name += "-" + strconv.Itoa(count[l])
		}
		list = append(list, member{name: name, role: "web", env: "prod", id: fmt.Sprintf("i-0a1de000000000%03x", 0xf00+i), layout: l, tagged: true})
	}
	return list
}

// instance is the member as EC2 knows it.
func (m member) instance(now time.Time) cloud.Instance {
	tags := map[string]string{"env": m.env, "role": m.role}
	if m.tagged {
		tags["layout"] = string(m.layout)
	}
	i := cloud.Instance{
		ID: m.id, Name: m.name, Tags: tags,
		Type: "t3.micro", State: "running", Launched: now.Add(-24 * time.Hour),
	}
	if m.offline {
		i.LastPing = now.Add(-time.Hour)
	}
	return i
}
