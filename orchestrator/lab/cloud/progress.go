package cloud

import "time"

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
	i.state, i.changed = s, now
	if s.ended() {
		i.node.withdraw(i.messageID())
	}
}

// advance does what time does: it ends what has timed out, stops commands with
// too many errors, and sends to nodes whose turn it is. Every request calls it
// before it looks at a command, so that no clock has to run.
func (c *Cloud) advance() {
	now := c.now()
	open := c.active[:0]
	for _, command := range c.active {
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
	failures := command.count().errors()
	busy := 0
	for _, i := range command.invocations {
		if i.sent && !i.state.ended() {
			busy++
		}
	}
	for _, i := range command.invocations {
		switch {
		case i.sent || i.state.ended():
		case failures > command.errors:
			i.set(terminated, now)
		case busy < command.concurrency:
			i.sent = true
			busy++
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
	succeeded, failed, executionTimedOut, deliveryTimedOut, undeliverable int
}

// errors are those that MaxErrors is about.
func (n counts) errors() int { return n.failed + n.executionTimedOut }

func (c *command) count() counts {
	n := counts{targets: len(c.invocations)}
	for _, i := range c.invocations {
		if i.state.ended() {
			n.completed++
		}
		if i.delivered || i.state.ended() {
			n.begun++
		}
		switch i.state {
		case succeeded:
			n.succeeded++
		case failed:
			n.failed++
		case executionTimedOut:
			n.executionTimedOut++
		case deliveryTimedOut:
			n.deliveryTimedOut++
		case undeliverable:
			n.undeliverable++
		}
	}
	return n
}

// state is that of the command as a whole. Source: Systems Manager user guide,
// "Understanding command statuses"; it does not say which status the details
// Incomplete go with.
func (c *command) state() state {
	n := c.count()
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
	for _, i := range c.invocations {
		if i.node.ID == instance {
			return i
		}
	}
	return nil
}
