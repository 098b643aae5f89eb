// Package notify tells EventBridge of suspect hosts. The stack sends what it tells to a
// topic, and so to mail or a chat.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"aidefleet/orchestrator/aws/awscall"
)

// What rules match.
const (
	Source     = "aidefleet"
	DetailType = "Suspect hosts"
)

const (
	// maxDetail bounds an event's detail, in bytes: an entry of PutEvents with all its
	// fields has at most 256 KB (EventBridge API reference, PutEvents).
	maxDetail = 250_000
	// maxText bounds the text for people, in bytes.
	maxText = 20_000
)

// API is what this package calls of AWS.
type API struct {
	PutEvents func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
}

// Notice is what one sweep of an account and region found.
type Notice struct {
	V        int       `json:"v"`
	Fleet    string    `json:"fleet"`
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Started  time.Time `json:"started"`
	Text     string    `json:"text"` // for people: a line a host and finding
	Suspects []Suspect `json:"suspects"`
	More     int       `json:"more,omitempty"` // suspects that Suspects has no room for
}

// Suspect is a host, what is wrong with it, and its first changed paths.
type Suspect struct {
	Instance string    `json:"instance"`
	Name     string    `json:"name,omitempty"`
	Findings []Finding `json:"findings"`
	Paths    []string  `json:"paths,omitempty"`
}

// Finding is why a host is suspect.
type Finding struct {
	Finding string `json:"finding"`
	Message string `json:"message"`
}

// Send tells of the suspects. It leaves out paths, and then hosts, that an event has no
// room for. A caller who may not tell them tells nobody, which is no error.
func Send(ctx context.Context, api API, n Notice) error {
	detail, err := n.encode()
	if err != nil {
		return fmt.Errorf("tell of %d suspect hosts: %w", len(n.Suspects), err)
	}
	out, err := api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String(Source), DetailType: aws.String(DetailType), Detail: aws.String(detail), Time: aws.Time(n.Started),
	}}})
	if awscall.Denied(err) || awscall.Unknown(err) {
		return nil // an operator need not be able to: the report and the metrics tell of them
	}
	if err != nil {
		return fmt.Errorf("tell EventBridge of %d suspect hosts: %w", len(n.Suspects), err)
	}
	if out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		return fmt.Errorf("tell EventBridge of %d suspect hosts: %s: %s", len(n.Suspects), aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return nil
}

// encode is the notice as JSON that fits into an event.
func (n Notice) encode() (string, error) {
	n.V, n.Text = 1, n.text()
	all := n.Suspects
	n.Suspects = make([]Suspect, 0, len(all))
	head, err := json.Marshal(n)
	if err != nil {
		return "", err
	}
	room := maxDetail - len(head) - len(`,"more":1000000`)
	for i, s := range all {
		one, err := json.Marshal(s)
		if err != nil {
			return "", err
		}
		if len(one)+1 > room {
			s.Paths = nil
			if one, err = json.Marshal(s); err != nil {
				return "", err
			}
		}
		if len(one)+1 > room {
			n.More = len(all) - i
			break
		}
		room -= len(one) + 1
		n.Suspects = append(n.Suspects, s)
	}
	detail, err := json.Marshal(n)
	return string(detail), err
}

// text is what people read in a mail: a line for each finding, as far as there is room.
func (n Notice) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d suspect hosts in fleet %s, account %s, region %s, sweep of %s:\n", len(n.Suspects), n.Fleet, n.Account, n.Region, n.Started.UTC().Format(time.RFC3339))
	for i, s := range n.Suspects {
		for _, f := range s.Findings {
			fmt.Fprintf(&b, "%s %s: %s: %s\n", s.Instance, s.Name, f.Finding, f.Message)
		}
		if b.Len() > maxText && i+1 < len(n.Suspects) {
			fmt.Fprintf(&b, "and %d more hosts\n", len(n.Suspects)-i-1)
			break
		}
	}
	b.WriteString("See what they changed: orchestrator show INSTANCE. If it is well: orchestrator trust --instance INSTANCE --why TEXT")
	return b.String()
}
