package runcommand

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"aidefleet/orchestrator/aws/awscall"
)

const (
	// maxSends is how often a command is sent if the service surely does not know it.
	maxSends = 3
	// clockSkew is how far this machine's clock may be ahead of the service's.
	clockSkew = 15 * time.Minute
)

// lookUpWaits are the waits between looks for a command that may have been sent: 15 s in
// all, since Run Command shows a command only some seconds after the send. They do not
// depend on a Pace, which may be much shorter.
var lookUpWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// ErrMaybeSent is in the error of Send if nobody knows whether the command was sent.
var ErrMaybeSent = errors.New("it may have been sent")

// Send sends the command, once. The service has no idempotency token. If an answer was
// lost, or the service failed, nobody knows whether the command was sent. Then Send looks
// for it by its Comment, which has to name the run, and sends it again only if it is not
// there.
func Send(ctx context.Context, api API, r Request, pace Pace) (Command, error) {
	in := r.input()
	for try := 1; ; try++ {
		began := time.Now()
		out, err := api.SendCommand(ctx, in)
		switch {
		case err == nil && out.Command != nil:
			return fromSDK(*out.Command), nil
		case err == nil:
			err = errors.New("the answer names no command")
		case !ambiguous(err):
			return Command{}, fmt.Errorf("send %s: %w", r.name(), err)
		}
		c, found, lookUpErr := lookUp(ctx, api, r, began.Add(-clockSkew), pace)
		switch {
		case found:
			return c, nil
		case lookUpErr != nil:
			return Command{}, fmt.Errorf("send %s: %w, look for the comment %q: %w", r.Document, ErrMaybeSent, r.Comment, errors.Join(err, lookUpErr))
		case try == maxSends:
			return Command{}, fmt.Errorf("send %s: %w", r.Document, err)
		}
	}
}

// name is the document, with its version and its digest if they are given.
func (r Request) name() string {
	name := r.Document
	if r.DocumentVersion != "" {
		name += " version " + r.DocumentVersion
	}
	if r.DocumentHash != "" {
		name += " with SHA-256 " + r.DocumentHash
	}
	return name
}

func (r Request) input() *ssm.SendCommandInput {
	in := &ssm.SendCommandInput{
		DocumentName:   aws.String(r.Document),
		Comment:        aws.String(r.Comment),
		TimeoutSeconds: aws.Int32(int32(r.DeliveryTimeout / time.Second)),
		MaxConcurrency: aws.String(r.MaxConcurrency),
		MaxErrors:      aws.String(r.MaxErrors),
		Parameters:     map[string][]string{},
	}
	if r.DocumentVersion != "" {
		in.DocumentVersion = aws.String(r.DocumentVersion)
	}
	if r.DocumentHash != "" {
		in.DocumentHash, in.DocumentHashType = aws.String(r.DocumentHash), types.DocumentHashTypeSha256
	}
	for k, v := range r.Parameters {
		in.Parameters[k] = []string{v}
	}
	for _, t := range r.Targets {
		in.Targets = append(in.Targets, types.Target{Key: aws.String(t.Key), Values: t.Values})
	}
	return in
}

// ambiguous says that a call may have succeeded in spite of its error: the service failed,
// or its answer is missing or unreadable. A refusal, 4xx, is not ambiguous.
func ambiguous(err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil {
		var refused interface{ ErrorCode() string }
		var request *smithyhttp.RequestSendError
		return errors.As(err, &request) || !errors.As(err, &refused)
	}
	return answer.HTTPStatusCode()/100 != http.StatusBadRequest/100
}

// lookUp looks for a command by its comment among those sent since, until it finds it or
// lookUpWaits are over.
func lookUp(ctx context.Context, api API, r Request, since time.Time, pace Pace) (Command, bool, error) {
	for _, wait := range lookUpWaits {
		if c, found, err := Named(ctx, api, r.Document, r.Comment, since); found || err != nil {
			return c, found, err
		}
		if err := pace.Wait(ctx, wait); err != nil {
			return Command{}, false, err
		}
	}
	return Named(ctx, api, r.Document, r.Comment, since)
}

// Named looks for a command of a document by its comment, among those sent since.
func Named(ctx context.Context, api API, document, comment string, since time.Time) (Command, bool, error) {
	in := &ssm.ListCommandsInput{MaxResults: aws.Int32(50), Filters: []types.CommandFilter{invokedAfter(since)}}
	var ours *types.Command
	err := awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.ListCommands(ctx, in)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(out.Commands, func(c types.Command) bool {
			return aws.ToString(c.Comment) == comment && aws.ToString(c.DocumentName) == document
		})
		if at >= 0 {
			ours = &out.Commands[at]
			return nil, nil
		}
		return out.NextToken, nil
	})
	switch {
	case err != nil:
		return Command{}, false, fmt.Errorf("look up the command: %w", err)
	case ours == nil:
		return Command{}, false, nil
	}
	return fromSDK(*ours), true, nil
}
