package cloud

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"time"
)

const (
	// maxMessages is how many messages one poll gets.
	maxMessages = 10
	// defaultVisibility is how long a message that was received and not acknowledged is
	// kept back.
	defaultVisibility = 10 * time.Second
)

// message waits for a node's agent until it is acknowledged.
type message struct {
	id      string
	topic   string
	payload string
	created time.Time
	visible time.Time // not received before
}

// messageID is the form of a message's id: "aws.ssm.<command id>.<instance id>".
var messageID = regexp.MustCompile(`^aws\.ssm\.([a-zA-Z0-9-]{1,64})\.(m?i-[a-zA-Z0-9-]+)$`)

func (i *invocation) messageID() string { return "aws.ssm." + i.command.id + "." + i.node.ID }

// post hands a message over to the node's poll, now or when there is one.
func (n *node) post(m *message) {
	n.messages = append(n.messages, m)
	select {
	case n.wake <- struct{}{}:
	default: // it is awake
	}
}

// withdraw takes a message back, if it still waits.
func (n *node) withdraw(id string) {
	n.messages = slices.DeleteFunc(n.messages, func(m *message) bool { return m.id == id })
}

// receive returns the messages that are visible at a time and keeps them back
// for a while. Where there are none it returns when to look again, which is zero
// if nothing waits.
func (n *node) receive(now time.Time, visibility time.Duration) (found []*message, next time.Time) {
	for _, m := range n.messages {
		if len(found) == maxMessages {
			break
		}
		if m.visible.After(now) {
			if next.IsZero() || m.visible.Before(next) {
				next = m.visible
			}
			continue
		}
		m.visible = now.Add(visibility)
		found = append(found, m)
	}
	return found, next
}

type getMessagesInput struct {
	Destination                string
	MessagesRequestID          string `json:"MessagesRequestId"`
	VisibilityTimeoutInSeconds int
}

type messageView struct {
	MessageID   string `json:"MessageId"`
	Destination string
	CreatedDate string
	Topic       string
	Payload     string
}

type getMessagesOutput struct {
	Destination       string
	Messages          []messageView
	MessagesRequestID string `json:"MessagesRequestId"`
}

// getMessages answers as soon as there is a message, and with none when it has
// waited for long enough. It is a sign of life at its start and at its end.
func getMessages(ctx context.Context, c *Cloud, body []byte) (any, error) {
	in, err := decode[getMessagesInput](body)
	if err != nil {
		return nil, err
	}
	visibility := time.Duration(in.VisibilityTimeoutInSeconds) * time.Second
	if visibility <= 0 {
		visibility = defaultVisibility
	}
	out := getMessagesOutput{Destination: in.Destination, Messages: []messageView{}, MessagesRequestID: in.MessagesRequestID}
	over := time.NewTimer(c.longPoll)
	defer over.Stop()
	for last := false; ; {
		found, wake, wait, err := c.look(in.Destination, visibility)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			out.Messages = append(out.Messages, messageView{m.id, in.Destination, isoDate(m.created), m.topic, m.payload})
		}
		if last || len(found) > 0 {
			return out, nil
		}
		var again <-chan time.Time // nil blocks for ever
		if wait > 0 {
			again = time.After(wait)
		}
		select {
		case <-wake:
		case <-again:
		case <-over.C:
			last = true
		case <-ctx.Done():
			return out, nil // nobody listens: a message received now would be lost for a while
		case <-c.closed.Done():
			return out, nil
		}
	}
}

// look returns the messages for a node or, if there are none, what to wait for.
func (c *Cloud) look(instance string, visibility time.Duration) (found []*message, wake <-chan struct{}, wait time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.speaker(instance)
	if err != nil {
		return nil, nil, 0, err
	}
	now := c.now()
	n.lastSeen = now
	c.advance()
	found, next := n.receive(now, visibility)
	if !next.IsZero() {
		wait = next.Sub(now)
	}
	return found, n.wake, wait, nil
}

type messageInput struct {
	MessageID   string `json:"MessageId"`
	Payload     string
	FailureType string
}

// sender is the node that a message was for, and the invocation it is about,
// which is nil for a message that cancels one.
func (c *Cloud) sender(id string) (*node, *invocation, error) {
	m := messageID.FindStringSubmatch(id)
	if m == nil {
		return nil, nil, invalid("messageId", id, "Member must satisfy regular expression pattern: "+messageID.String())
	}
	n, err := c.speaker(m[2])
	if err != nil {
		return nil, nil, err
	}
	n.lastSeen = c.now()
	command, ok := c.commands[m[1]]
	if !ok {
		return n, nil, nil
	}
	return n, command.on(n.ID), nil
}

func (c *Cloud) acknowledgeMessage(in messageInput) (empty, error) {
	n, i, err := c.sender(in.MessageID)
	if err != nil {
		return empty{}, err
	}
	n.withdraw(in.MessageID)
	if i != nil && !i.state.ended() {
		i.deliver(c.now())
	}
	return empty{}, nil
}

func (c *Cloud) deleteMessage(in messageInput) (empty, error) {
	n, _, err := c.sender(in.MessageID)
	if err != nil {
		return empty{}, err
	}
	n.withdraw(in.MessageID)
	return empty{}, nil
}

// failMessage is how an agent says that it cannot do anything with a message.
func (c *Cloud) failMessage(in messageInput) (empty, error) {
	n, i, err := c.sender(in.MessageID)
	if err != nil {
		return empty{}, err
	}
	n.withdraw(in.MessageID)
	if i != nil && !i.state.ended() {
		i.trace = in.FailureType
		i.set(undeliverable, c.now())
	}
	return empty{}, nil
}

// reply is the payload of SendReply (agent/runcommand/contracts).
type reply struct {
	DocumentStatus      string                 `json:"documentStatus"`
	DocumentTraceOutput string                 `json:"documentTraceOutput"`
	RuntimeStatus       map[string]*stepReport `json:"runtimeStatus"`
}

// sendReply takes in how far an agent has got. What it says of a command that
// has ended is too late.
func (c *Cloud) sendReply(in messageInput) (empty, error) {
	_, i, err := c.sender(in.MessageID)
	if err != nil {
		return empty{}, err
	}
	var r reply
	if err := json.Unmarshal([]byte(in.Payload), &r); err != nil {
		return empty{}, badRequest("ValidationException", "The reply to message %s is not readable: %v", in.MessageID, err)
	}
	if i == nil || i.state.ended() {
		return empty{}, nil
	}
	now := c.now()
	i.deliver(now)
	i.report(r)
	switch r.DocumentStatus {
	case "Success":
		i.set(succeeded, now)
	case "Failed":
		i.set(failed, now)
	case "TimedOut":
		i.set(executionTimedOut, now)
	case "Cancelled":
		i.set(cancelled, now)
	case "InProgress", "SuccessAndReboot": // it goes on, after a reboot
	default:
		c.config.Logger.Warn("reply with an unknown status", "message", in.MessageID, "status", r.DocumentStatus)
	}
	return empty{}, nil
}
