// Package runcommand runs one document on many hosts through SSM Run Command:
// send it once, watch it at one cheap call a poll, page through the results,
// cancel it. It knows nothing of what the document does.
package runcommand

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// API is what this package calls of AWS. SendCommand must not be retried by the
// client: it has no idempotency token, and a second one is a second run.
type API struct {
	SendCommand            func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error)
	ListCommands           func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error)
	ListCommandInvocations func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error)
	GetCommandInvocation   func(context.Context, *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error)
	CancelCommand          func(context.Context, *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error)
}

// Target is a tag ("tag:env") or "InstanceIds" and the values it may have.
type Target struct {
	Key    string
	Values []string
}

// Request is a command to be sent.
type Request struct {
	Document   string
	Parameters map[string]string
	Targets    []Target
	Comment    string // names the run, ≤ 100 characters

	// DocumentVersion is a number, $LATEST or, empty, the default. DocumentHash is
	// a SHA-256 in hex: a document with another one is not run.
	DocumentVersion, DocumentHash string

	// DeliveryTimeout is how long the service tries to reach a host, from 30 s
	// to 30 days. MaxConcurrency and MaxErrors are numbers or percentages.
	DeliveryTimeout           time.Duration
	MaxConcurrency, MaxErrors string
}

// Command is what the service knows of a command as a whole.
type Command struct {
	ID       string
	Document string
	Comment  string
	Targets  []Target
	// Parameters are those of the document, by name, each with its first value.
	Parameters map[string]string
	Requested  time.Time
	Expires    time.Time // when the service gives up waiting for hosts
	Status     string    // Pending, InProgress, Success, Failed, …
	Detail     string    // StatusDetails without spaces, lower case

	// Numbers of hosts. Right after a send all of them are 0.
	Targeted, Completed int
}

// Done says that the command is over on every host it was sent to.
func (c Command) Done() bool {
	switch types.CommandStatus(c.Status) {
	case types.CommandStatusSuccess, types.CommandStatusFailed, types.CommandStatusCancelled, types.CommandStatusTimedOut:
		return true
	}
	return false
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// IsID says that a text is the id of a command, as far as its form tells.
func IsID(text string) bool { return idPattern.MatchString(text) }

// ErrNotFound is returned for a command that the service does not know.
var ErrNotFound = errors.New("no such command")

// Get asks for the state of one command. Shortly after a send, and after the 30
// days for which the service remembers commands, that is ErrNotFound.
func Get(ctx context.Context, api API, id string) (Command, error) {
	out, err := api.ListCommands(ctx, &ssm.ListCommandsInput{CommandId: aws.String(id)})
	var invalid *types.InvalidCommandId
	if errors.As(err, &invalid) {
		return Command{}, fmt.Errorf("command %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Command{}, fmt.Errorf("look up command %s: %w", id, err)
	}
	for _, c := range out.Commands {
		if aws.ToString(c.CommandId) == id {
			return fromSDK(c), nil
		}
	}
	return Command{}, fmt.Errorf("command %s: %w", id, ErrNotFound)
}

// Cancel asks the service to end the command on every host on which it has not ended. A
// host's agent kills what runs there.
func Cancel(ctx context.Context, api API, id string) error {
	if _, err := api.CancelCommand(ctx, &ssm.CancelCommandInput{CommandId: aws.String(id)}); err != nil {
		return fmt.Errorf("cancel command %s: %w", id, err)
	}
	return nil
}

func fromSDK(c types.Command) Command {
	command := Command{
		ID:        aws.ToString(c.CommandId),
		Document:  aws.ToString(c.DocumentName),
		Comment:   aws.ToString(c.Comment),
		Requested: aws.ToTime(c.RequestedDateTime),
		Expires:   aws.ToTime(c.ExpiresAfter),
		Status:    string(c.Status),
		Detail:    fold(aws.ToString(c.StatusDetails)),
		Targeted:  int(c.TargetCount),
		Completed: int(c.CompletedCount),
	}
	if len(c.Parameters) > 0 {
		command.Parameters = make(map[string]string, len(c.Parameters))
	}
	for name, values := range c.Parameters {
		if len(values) > 0 {
			command.Parameters[name] = values[0]
		}
	}
	for _, t := range c.Targets {
		command.Targets = append(command.Targets, Target{Key: aws.ToString(t.Key), Values: t.Values})
	}
	if len(c.InstanceIds) > 0 {
		command.Targets = append(command.Targets, Target{Key: "InstanceIds", Values: c.InstanceIds})
	}
	return command
}

// fold makes a status detail comparable: the service spells "Delivery Timed
// Out" and "DeliveryTimedOut" for the same thing.
func fold(detail string) string {
	return strings.ToLower(strings.ReplaceAll(detail, " ", ""))
}
