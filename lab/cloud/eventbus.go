package cloud

import (
	"encoding/json"
	"fmt"
)

// Limits of PutEvents (EventBridge API reference, PutEvents).
const (
	maxEntries    = 10
	maxEntryBytes = 256 << 10
)

// busEvent is an event that somebody put on the default bus.
type busEvent struct {
	Source, DetailType string
	Detail             json.RawMessage
}

type putEventsInput struct {
	Entries []struct {
		Source, DetailType, Detail, EventBusName string
	}
}

type putEventsResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

func (c *Cloud) putEvents(in putEventsInput) (out putEventsOutput, err error) {
	if len(in.Entries) > maxEntries || len(in.Entries) == 0 {
		return out, invalid("entries", fmt.Sprint(len(in.Entries)), fmt.Sprintf("Member must have length less than or equal to %d", maxEntries))
	}
	size := 0
	for _, e := range in.Entries {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail)
	}
	if size > maxEntryBytes {
		return out, badRequest("ValidationException", "Total size of the entries in the request is over the limit.")
	}
	for _, e := range in.Entries {
		switch {
		case e.Source == "" || e.DetailType == "":
			out.FailedEntryCount++
			out.Entries = append(out.Entries, putEventsResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter Source or DetailType is not valid."})
		case !json.Valid([]byte(e.Detail)):
			out.FailedEntryCount++
			out.Entries = append(out.Entries, putEventsResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."})
		default:
			c.bus = append(c.bus, busEvent{e.Source, e.DetailType, json.RawMessage(e.Detail)})
			out.Entries = append(out.Entries, putEventsResult{EventID: newUUID()})
		}
	}
	return out, nil
}
