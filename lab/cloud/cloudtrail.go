package cloud

import (
	"encoding/json"
	"slices"
)

type lookupEventsInput struct {
	LookupAttributes []struct{ AttributeKey, AttributeValue string }
	StartTime        float64 // seconds since 1970
	EndTime          float64
	paging
}

type trailEvent struct {
	CloudTrailEvent string
	EventID         string `json:"EventId"`
	EventName       string
	EventSource     string
	EventTime       epoch
	Username        string
}

type lookupEventsOutput struct {
	Events    []trailEvent
	NextToken string `json:",omitempty"`
}

// lookupEvents knows who sent commands, the newest first, and no other events.
func (c *Cloud) lookupEvents(in lookupEventsInput) (out lookupEventsOutput, err error) {
	for _, a := range in.LookupAttributes {
		if a.AttributeKey != "EventName" || a.AttributeValue != "SendCommand" {
			return out, badRequest("InvalidLookupAttributesException", "The lab's trail knows events named SendCommand.")
		}
	}
	commands := slices.Clone(c.history)
	slices.Reverse(commands)
	passes := func(cmd *command) bool {
		at := float64(cmd.requested.UnixMilli()) / 1000
		return (in.StartTime == 0 || at >= in.StartTime) && (in.EndTime == 0 || at <= in.EndTime)
	}
	found, next, err := scan(commands, passes, in.paging, 1, 50, 50)
	if err != nil {
		return out, err
	}
	out.Events, out.NextToken = []trailEvent{}, next
	for _, cmd := range found {
		out.Events = append(out.Events, c.trailEvent(cmd))
	}
	return out, nil
}

func (c *Cloud) trailEvent(cmd *command) trailEvent {
	record, err := json.Marshal(map[string]any{
		"eventVersion": "1.08", "eventSource": "ssm.amazonaws.com", "eventName": "SendCommand", "eventTime": isoDate(cmd.requested),
		"userIdentity":     map[string]string{"type": "IAMUser", "arn": c.user(), "accountId": c.config.Account},
		"responseElements": map[string]any{"command": map[string]string{"commandId": cmd.id, "documentName": cmd.DocumentName}},
	})
	if err != nil {
		panic(err) // plain values
	}
	return trailEvent{
		CloudTrailEvent: string(record), EventID: newUUID(), EventName: "SendCommand", EventSource: "ssm.amazonaws.com",
		EventTime: epoch{cmd.requested}, Username: "lab",
	}
}
