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

// Whole is what the service keeps of one host's output. It is a call for each host, so a
// fleet is read by Invocations, and by Whole only if that cuts too much.
func Whole(ctx context.Context, api API, id, instance string) (Output, error) {
	out, err := api.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: aws.String(id), InstanceId: aws.String(instance)})
	if err != nil {
		return Output{}, fmt.Errorf("read the output of command %s on %s: %w", id, instance, err)
	}
	return Output{
		Status: statusOf(out.Status, aws.ToString(out.StatusDetails)), Code: int(out.ResponseCode),
		Stdout: aws.ToString(out.StandardOutputContent), Stderr: aws.ToString(out.StandardErrorContent),
	}, nil
}

// Await waits until a command has ended on one host, and returns Whole. Each look is a call
// for this one host: a fleet is watched by Watch and read by Invocations.
func Await(ctx context.Context, api API, c Command, instance string, pace Pace) (Output, error) {
	for waited := time.Duration(0); ; {
		out, err := Whole(ctx, api, c.ID, instance)
		// Right after a send the service does not know of it yet.
		var early *types.InvocationDoesNotExist
		switch {
		case errors.As(err, &early) && waited < lateness:
		case err != nil:
			return Output{}, err
		case out.Status != Unfinished:
			return out, nil
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
