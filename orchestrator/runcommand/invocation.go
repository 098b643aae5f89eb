package runcommand

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"aidefleet/orchestrator/aws/awscall"
)

// Invocation is a command on one host.
type Invocation struct {
	Instance string
	Name     string // the computer's name as its agent gave it, unchecked
	Status   Status
	Code     int       // exit status of the script that answered, or -1
	Finished time.Time // when the script ended; zero if it has not

	// Output is the head of stdout and stderr together, at most maxOutput bytes,
	// as the host sent it: untrusted.
	Output string
}

// maxOutput bounds how much of a host's output is kept, in bytes. The service keeps 2,500;
// for a fleet of 50,000 hosts that is too much memory.
const maxOutput = 1300

// Status is what became of an invocation.
type Status string

// Unfinished and Answered say how far the script got. Every other Status says why it gave
// no answer.
const (
	Unfinished       Status = "unfinished"
	Answered         Status = "answered" // the script ran to its end, with whatever exit status
	Undeliverable    Status = "undeliverable"
	DeliveryTimeout  Status = "delivery_timeout"
	ExecutionTimeout Status = "execution_timeout"
	Cancelled        Status = "cancelled"
	Terminated       Status = "terminated" // not sent: too many errors on other hosts
	InvalidPlatform  Status = "invalid_platform"
	AccessDenied     Status = "access_denied"
	RateExceeded     Status = "rate_exceeded"
	Incomplete       Status = "incomplete"
	AgentFailed      Status = "agent_failed" // the agent's worker died, and what it knew of the script with it
)

// statusOf reads the two statuses of an invocation. If the detail is unknown, the status
// decides. Source: Systems Manager user guide, "Understanding command statuses".
func statusOf(status types.CommandInvocationStatus, detail string) Status {
	switch fold(detail) {
	case "undeliverable":
		return Undeliverable
	case "deliverytimedout":
		return DeliveryTimeout
	case "executiontimedout":
		return ExecutionTimeout
	case "terminated":
		return Terminated
	case "invalidplatform":
		return InvalidPlatform
	case "accessdenied":
		return AccessDenied
	case "rateexceeded":
		return RateExceeded
	case "incomplete":
		return Incomplete
	}
	switch status {
	case types.CommandInvocationStatusSuccess, types.CommandInvocationStatusFailed:
		return Answered
	case types.CommandInvocationStatusCancelled:
		return Cancelled
	case types.CommandInvocationStatusTimedOut:
		return ExecutionTimeout
	}
	return Unfinished
}

// PageSize is how many hosts a page of results has at most (Systems Manager API
// reference, ListCommandInvocations).
const PageSize = 50

// Invocations lists the command on every host that it was sent to so far, and hands each
// to visit; a host may come twice. Right after a send there are none. What was read before
// an error has been visited.
func Invocations(ctx context.Context, api API, id string, visit func(Invocation)) error {
	in := &ssm.ListCommandInvocationsInput{CommandId: aws.String(id), Details: true, MaxResults: aws.Int32(PageSize)}
	return awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.ListCommandInvocations(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("list results of command %s: %w", id, err)
		}
		for _, i := range out.CommandInvocations {
			visit(invocationFromSDK(i))
		}
		return out.NextToken, nil
	})
}

// InvocationOn is the command on one host. ErrNotFound says that the service
// lists none.
func InvocationOn(ctx context.Context, api API, id, instance string) (Invocation, error) {
	out, err := api.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{
		CommandId: aws.String(id), InstanceId: aws.String(instance), Details: true,
	})
	if err != nil {
		return Invocation{}, fmt.Errorf("read the result of command %s on %s: %w", id, instance, err)
	}
	for _, i := range out.CommandInvocations {
		if aws.ToString(i.InstanceId) == instance {
			return invocationFromSDK(i), nil
		}
	}
	return Invocation{}, fmt.Errorf("command %s on %s: %w", id, instance, ErrNotFound)
}

// Complete asks for Invocations until the list is complete: as long as the command counts
// more hosts, or is over while listed hosts are not. After listLateness it gives up.
// AllListed says whether the hosts that were visited are all.
func Complete(ctx context.Context, api API, c Command, pace Pace, visit func(Invocation)) error {
	ended := map[string]bool{} // by instance
	note := func(i Invocation) {
		ended[i.Instance] = i.Status != Unfinished
		visit(i)
	}
	for waited, wait := time.Duration(0), max(pace.First, shortestWait); ; wait = min(2*wait, 5*time.Second) {
		err := Invocations(ctx, api, c.ID, note)
		if err != nil || waited >= listLateness || len(ended) >= c.Targeted && (!c.Done() || all(ended)) {
			return err
		}
		if err := pace.Wait(ctx, wait); err != nil {
			return err
		}
		waited += wait
	}
}

func all(ended map[string]bool) bool {
	for _, yes := range ended {
		if !yes {
			return false
		}
	}
	return true
}

const (
	// listLateness is how long to wait for a list of results that is behind the command's
	// own counts.
	listLateness = 30 * time.Second
	// shortestWait is the least first wait. With none, the waits would never add up to
	// listLateness.
	shortestWait = 50 * time.Millisecond
)

// AllListed says that a list of so many results has every host that the command was sent
// to. Right after a send that is not known.
func (c Command) AllListed(found int) bool {
	if c.Targeted == 0 {
		return c.Done()
	}
	return found >= c.Targeted || c.nowhere()
}

// nowhere says that the service counts hosts, but sent the command to none of them (Systems
// Manager user guide, "Understanding command statuses", Rate Exceeded).
func (c Command) nowhere() bool { return c.Done() && c.Detail == "rateexceeded" && c.Completed == 0 }

func invocationFromSDK(i types.CommandInvocation) Invocation {
	v := Invocation{
		Instance: aws.ToString(i.InstanceId),
		Name:     aws.ToString(i.InstanceName),
		Status:   statusOf(i.Status, aws.ToString(i.StatusDetails)),
		Code:     -1,
	}
	for _, p := range i.CommandPlugins {
		// The answer is that of the last step with output: a download before it prints its
		// own.
		if output := head(aws.ToString(p.Output)); output != "" || v.Output == "" {
			v.Output, v.Code, v.Finished = output, int(p.ResponseCode), aws.ToTime(p.ResponseFinishDateTime)
		}
	}
	if i.Status == types.CommandInvocationStatusFailed && strings.HasPrefix(v.Output, workerDied) {
		v.Status = AgentFailed
	}
	return v
}

// workerDied is the beginning of the agent's message if the process died that was to run
// the script (amazon-ssm-agent 3.x, agent/framework/processor/executer/outofproc).
const workerDied = "document process failed unexpectedly: "

// head is a copy of the beginning of a text, so that the rest can be freed.
func head(text string) string { return strings.Clone(text[:min(len(text), maxOutput)]) }
