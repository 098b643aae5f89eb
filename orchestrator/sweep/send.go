package sweep

import (
	"context"
	"slices"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/runcommand"
)

// byName is how many hosts Run Command takes by name in one command (Systems
// Manager API reference, SendCommand and Target).
const byName = 50

// command is one Run Command of a run, and what became of it.
type command struct {
	runcommand.Command
	selector fleet.Selector
	hosts    []fleet.Host // that it targets

	answers map[string]answer // by instance, as they were read last; nil before that, and after judge
	listed  int               // after judge: how many answers there were

	refused      error  // why it was not sent
	lost         error  // why it is not known what became of it
	notCancelled error  // why it was not cancelled
	glance       glance // watch: what was shown while it went on
}

// send is a stage: it sends the commands one after the other, and stops
// at the first that is refused: so would be the others.
func (r *run) send(ctx context.Context) {
	r.divide()
	for i, c := range r.commands {
		part, parts := 0, 0
		if len(r.commands) > 1 {
			part, parts = i+1, len(r.commands)
		}
		if c.refused = ctx.Err(); c.refused != nil {
			continue
		}
		// An interrupt in the middle of the send would leave a command behind whose
		// id nobody knows.
		c.Command, c.refused = runcommand.Send(context.WithoutCancel(ctx), r.Commands, r.requestTo(c.selector, part, parts), r.pace)
		if c.refused != nil {
			r.errs = append(r.errs, c.refused)
			for _, later := range r.commands[i+1:] {
				later.refused = c.refused
			}
			return
		}
		r.observer.sent(c)
	}
}

// divide says with how many commands the hosts are reached: tags are one command
// for any number of hosts, names one for each fifty. Hosts are named only if SSM
// knows them and they are not of another platform: one such host fails the whole
// call.
func (r *run) divide() {
	if reachable(r.hosts) == 0 {
		r.unsent = r.hosts // a command would only wait for nobody; the silence is the finding
		return
	}
	if len(r.selector.Tags) > 0 {
		r.commands = []*command{{selector: r.selector, hosts: r.hosts}}
		return
	}
	var named []fleet.Host
	for _, h := range r.hosts {
		if h.Ping != "" && h.Unreachable() != fleet.InvalidPlatform {
			named = append(named, h)
		} else {
			r.unsent = append(r.unsent, h)
		}
	}
	for chunk := range slices.Chunk(named, byName) {
		c := &command{hosts: chunk}
		for _, h := range chunk {
			c.selector.Instances = append(c.selector.Instances, h.ID)
		}
		r.commands = append(r.commands, c)
	}
}

func reachable(hosts []fleet.Host) (n int) {
	for _, h := range hosts {
		if h.Unreachable() == "" {
			n++
		}
	}
	return n
}

// requestTo is the request of one of the run's commands. A command that may have
// been sent is looked up by its comment, so that each has its own.
func (r *run) requestTo(s fleet.Selector, part, parts int) runcommand.Request {
	n := r.name
	n.Part, n.Parts = part, parts
	if r.metrics.Namespace != "" {
		n.Fleet = r.metrics.Fleet
	}
	request := r.request
	request.Comment, request.Targets = n.String(), targetsOf(s)
	return request
}

// instanceIDs is the key of a target that names hosts.
const instanceIDs = "InstanceIds"

// targetsOf is a selector as Run Command has it; selectorOf is its inverse.
func targetsOf(s fleet.Selector) []runcommand.Target {
	if len(s.Instances) > 0 {
		return []runcommand.Target{{Key: instanceIDs, Values: s.Instances}}
	}
	list := make([]runcommand.Target, 0, len(s.Tags))
	for _, t := range s.Tags {
		list = append(list, runcommand.Target{Key: t.Filter(), Values: t.Values})
	}
	return list
}

// selectorOf turns the targets of a command back into a selector. It is empty for
// a command whose targets are neither tags nor ids, such as a resource group: of
// that only those are known to whom it was sent.
func selectorOf(targets []runcommand.Target) (s fleet.Selector) {
	for _, t := range targets {
		key, tag := fleet.TagOfFilter(t.Key)
		switch {
		case tag:
			s.Tags = append(s.Tags, fleet.Tag{Key: key, Values: t.Values})
		case t.Key == instanceIDs:
			s.Instances = append(s.Instances, t.Values...)
		default:
			return fleet.Selector{}
		}
	}
	return s
}

// sent are the commands that were.
func (r *run) sent() []*command {
	return slices.DeleteFunc(slices.Clone(r.commands), func(c *command) bool { return c.refused != nil })
}
