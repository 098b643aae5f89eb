package cloud

import (
	"slices"
	"strings"
	"time"
)

// cancelGrace is how long an agent that has been told to cancel may go on before
// the invocation counts as cancelled.
const cancelGrace = 10 * time.Second

// state is a status with its details. The details are spelled as the service
// spells them, which is not as its reference does.
type state struct{ status, details string }

// The states of an invocation and of a command.
var (
	pending           = state{"Pending", "Pending"}
	inProgress        = state{"InProgress", "InProgress"}
	succeeded         = state{"Success", "Success"}
	failed            = state{"Failed", "Failed"}
	undeliverable     = state{"Failed", "Undeliverable"}
	deliveryTimedOut  = state{"TimedOut", "Delivery Timed Out"}
	executionTimedOut = state{"TimedOut", "Execution Timed Out"}
	cancelling        = state{"Cancelling", "Cancelling"}
	cancelled         = state{"Cancelled", "Cancelled"}
	terminated        = state{"Cancelled", "Terminated"}
	incomplete        = state{"Success", "Incomplete"}
	noInstances       = state{"Success", "NoInstancesInTag"}
)

// ended says that nothing will change any more.
func (s state) ended() bool { return s != pending && s != inProgress && s != cancelling }

// invocation is a command on one node.
type invocation struct {
	command *command
	node    *node

	state     state
	changed   time.Time // into this state
	sent      bool      // a message waits for the agent, or it has one
	delivered bool      // the agent has acknowledged or answered
	trace     string
	steps     []*stepReport
}

func (i *invocation) set(s state, now time.Time) {
	i.command.tally(i, -1)
	i.state, i.changed = s, now
	i.command.tally(i, +1)
	if s.ended() && len(i.node.messages) > 0 {
		i.node.withdraw(i.messageID())
	}
}

// deliver notes that the agent has the command.
func (i *invocation) deliver(now time.Time) {
	i.command.tally(i, -1)
	i.delivered = true
	i.command.tally(i, +1)
	if i.state == pending {
		i.set(inProgress, now)
	}
}

// advance does what time does: it ends what has timed out, stops commands with
// too many errors, and sends to nodes whose turn it is. Every request calls it
// before it looks at a command, so that no clock has to run.
func (c *Cloud) advance() {
	now := c.now()
	open := c.active[:0]
	for _, command := range c.active {
		c.play(command, now)
		command.expire(now)
		c.send(command, now)
		if !command.state().ended() {
			open = append(open, command)
		}
	}
	clear(c.active[len(open):])
	c.active = open
}

// expire ends the invocations whose time is over.
func (c *command) expire(now time.Time) {
	delivery := c.requested.Add(c.timeout)
	execution := delivery.Add(c.execution)
	if now.Before(delivery) && c.counts.cancelling == 0 {
		return
	}
	for _, i := range c.invocations {
		switch {
		case i.state.ended():
		case i.state == cancelling && !now.Before(i.changed.Add(cancelGrace)):
			i.set(cancelled, now)
		case !i.delivered && !now.Before(delivery):
			i.set(deliveryTimedOut, now)
		case i.delivered && !now.Before(execution):
			i.set(executionTimedOut, now)
		}
	}
}

// send dispatches the command to as many nodes as may run it at once. Once more
// nodes have failed than may, the rest is not tried.
func (c *Cloud) send(command *command, now time.Time) {
	for ; command.tried < len(command.invocations); command.tried++ {
		i := command.invocations[command.tried]
		switch {
		case i.state.ended():
		case command.counts.errors() > command.errors:
			i.set(terminated, now)
		case command.counts.busy >= command.concurrency:
			return
		default:
			i.sent = true
			command.counts.busy++
			if i.node.Host != nil {
				i.begin(now)
				continue
			}
			i.node.post(&message{
				id: i.messageID(), topic: "aws.ssm.sendCommand." + c.config.Region + "." + newUUID(),
				payload: command.payload, created: now,
			})
		}
	}
}

// counts are numbers of a command's invocations.
type counts struct {
	targets, completed, begun                                             int
	busy, cancelling                                                      int // sent and not ended; told to end
	succeeded, failed, executionTimedOut, deliveryTimedOut, undeliverable int
}

// errors are those that MaxErrors is about.
func (n counts) errors() int { return n.failed + n.executionTimedOut }

// tally adds an invocation to the counts, or with by = -1 takes it out: counting
// 50,000 at every request would take longer than the request.
func (c *command) tally(i *invocation, by int) {
	n := &c.counts
	n.targets += by
	if i.state.ended() {
		n.completed += by
	} else if i.sent {
		n.busy += by
	}
	if i.delivered || i.state.ended() {
		n.begun += by
	}
	switch i.state {
	case succeeded:
		n.succeeded += by
	case failed:
		n.failed += by
	case executionTimedOut:
		n.executionTimedOut += by
	case deliveryTimedOut:
		n.deliveryTimedOut += by
	case undeliverable:
		n.undeliverable += by
	case cancelling:
		n.cancelling += by
	}
}

// state is that of the command as a whole. Source: Systems Manager user guide,
// "Understanding command statuses"; it does not say which status the details
// Incomplete go with.
func (c *command) state() state {
	n := c.counts
	switch done := n.completed == n.targets; {
	case n.targets == 0:
		return noInstances
	case !done && c.cancelled:
		return cancelling
	case !done && n.begun > 0:
		return inProgress
	case !done:
		return pending
	case c.cancelled:
		return cancelled
	case n.failed > 0 && n.errors() > c.errors:
		return failed
	case n.errors() > c.errors:
		return executionTimedOut
	case n.deliveryTimedOut > c.errors:
		return deliveryTimedOut
	case n.succeeded+n.undeliverable == n.targets:
		return succeeded
	}
	return incomplete
}

type cancelCommandInput struct {
	CommandID   string   `json:"CommandId"`
	InstanceIDs []string `json:"InstanceIds"`
}

// cancelCommand cancels a command everywhere, or on the nodes that are named. An
// agent that has the command already is told, and has a moment to answer.
func (c *Cloud) cancelCommand(in cancelCommandInput) (empty, error) {
	command, err := c.command(in.CommandID)
	if err != nil {
		return empty{}, err
	}
	chosen := command.invocations
	if len(in.InstanceIDs) > 0 {
		chosen = nil
		for _, id := range in.InstanceIDs {
			i := command.on(id)
			if i == nil {
				return empty{}, badRequest("InvalidInstanceId", "Command %s was not sent to %s.", command.id, id)
			}
			chosen = append(chosen, i)
		}
	} else if !command.state().ended() {
		command.cancelled = true
	}
	now := c.now()
	for _, i := range chosen {
		switch {
		case i.state.ended() || i.state == cancelling:
		case !i.delivered:
			i.set(cancelled, now)
		default:
			i.set(cancelling, now)
			if i.node.Host != nil {
				i.stop(now)
				continue
			}
			i.node.post(&message{
				id:    "aws.ssm." + newUUID() + "." + i.node.ID,
				topic: "aws.ssm.cancelCommand." + c.config.Region + "." + newUUID(),
				// A UUID and an id need no escaping.
				payload: `{"CancelMessageId":"` + i.messageID() + `"}`, created: now,
			})
		}
	}
	return empty{}, nil
}

// command finds a command by its id.
func (c *Cloud) command(id string) (*command, error) {
	if len(id) != len("12345678-90ab-cdef-1234-567890abcdef") {
		return nil, invalid("commandId", id, "Member must have length greater than or equal to 36")
	}
	command, ok := c.commands[id]
	if !ok {
		return nil, badRequest("InvalidCommandId", "")
	}
	return command, nil
}

// on is the command's invocation on a node, or nil.
func (c *command) on(instance string) *invocation {
	n, ok := slices.BinarySearchFunc(c.invocations, instance, func(i *invocation, id string) int { return strings.Compare(i.node.ID, id) })
	if !ok {
		return nil
	}
	return c.invocations[n]
}
