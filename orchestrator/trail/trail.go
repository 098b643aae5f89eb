// Package trail asks CloudTrail who sent a command.
package trail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"aidefleet/orchestrator/aws/awscall"
)

// API is what this package calls of AWS.
type API struct {
	LookupEvents func(context.Context, *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error)
}

// around is how far from a command's request its event may be dated.
const around = 10 * time.Minute

// event is what is read of a SendCommand event (CloudTrail user guide, record contents).
type event struct {
	UserIdentity struct {
		ARN string `json:"arn"`
	} `json:"userIdentity"`
	ResponseElements struct {
		Command struct {
			ID string `json:"commandId"`
		} `json:"command"`
	} `json:"responseElements"`
}

// Sender is the ARN of who sent a command that was requested at a time; empty if the trail
// does not have it yet, which takes up to 15 minutes, or no longer: it has 90 days.
func Sender(ctx context.Context, api API, command string, requested time.Time) (string, error) {
	in := &cloudtrail.LookupEventsInput{
		LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("SendCommand")}},
		StartTime:        aws.Time(requested.Add(-around)), EndTime: aws.Time(requested.Add(around)),
	}
	sender := ""
	err := awscall.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := api.LookupEvents(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("look up who sent command %s: %w", command, err)
		}
		for _, e := range out.Events {
			var known event
			if json.Unmarshal([]byte(aws.ToString(e.CloudTrailEvent)), &known) == nil && known.ResponseElements.Command.ID == command {
				sender = known.UserIdentity.ARN
				return nil, nil
			}
		}
		return out.NextToken, nil
	})
	return sender, err
}
