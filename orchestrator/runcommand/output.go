package runcommand

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Output is what one host printed, as the host sent it: untrusted.
type Output struct {
	Status Status
	Code   int    // exit status of the script, or -1
	Stdout string // its first 24,000 bytes (Systems Manager API reference, GetCommandInvocation)
	Stderr string // its first 8,000 bytes
}

// Await waits until a command has ended on one host and returns the whole of
// what the service keeps of its output. That is a call a look for this one host:
// a fleet is watched by Watch and read by Invocations.
func Await(ctx context.Context, api API, c Command, instance string, pace Pace) (Output, error) {
	in := &ssm.GetCommandInvocationInput{CommandId: aws.String(c.ID), InstanceId: aws.String(instance)}
	for waited := time.Duration(0); ; {
		out, err := api.GetCommandInvocation(ctx, in)
		// Right after a send the service does not know of it yet.
		var early *types.InvocationDoesNotExist
		switch {
		case errors.As(err, &early) && waited < lateness:
		case err != nil:
			return Output{}, fmt.Errorf("read the output of command %s on %s: %w", c.ID, instance, err)
		default:
			status := statusOf(out.Status, aws.ToString(out.StatusDetails))
			if status != Unfinished {
				return Output{
					Status: status, Code: int(out.ResponseCode),
					Stdout: aws.ToString(out.StandardOutputContent), Stderr: aws.ToString(out.StandardErrorContent),
				}, nil
			}
		}
		d := pace.next(c, waited)
		if err := pace.Wait(ctx, d); err != nil {
			return Output{}, err
		}
		waited += d
	}
}

// lateness is how long after a send a command may be unknown on its host.
const lateness = 30 * time.Second
