// Package notify tells people what a sweep found that they have not been told of: a digest.
// It goes to EventBridge as an event. The stack sends its texts to a topic, and so to mail
// and to a chat.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"aidefleet/orchestrator/aws/awscall"
)

// What rules match.
const (
	Source     = "aidefleet"
	DetailType = "Findings"
)

// maxDetail bounds an event's detail, in bytes: an entry of PutEvents with all its fields
// has at most 256 KB (EventBridge API reference, PutEvents).
const maxDetail = 250_000

// API is what this package calls of AWS.
type API struct {
	PutEvents func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
}

// Digest is what is new in one sweep of an account and region. What hosts say in it is
// escaped for the eye.
type Digest struct {
	V       int       `json:"v"`
	Fleet   string    `json:"fleet"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Started time.Time `json:"started"`
	// First says that nobody was told of anything before.
	First bool `json:"first,omitempty"`
	// Early says that the sweep goes on: these are the hosts that have answered.
	Early bool `json:"early,omitempty"`

	Message
	Suspects []Suspect `json:"suspects,omitempty"`
	Groups   []Group   `json:"groups,omitempty"`
	Failures []Failure `json:"failures,omitempty"`
	// Explained counts the new changes that packages explain, which are not in Groups.
	Explained int `json:"explained,omitempty"`
	// History is the command that shows all of it.
	History string `json:"history"`
	More    int    `json:"more,omitempty"` // suspects, groups and failures that the event has no room for
}

// Message is a digest for people.
type Message struct {
	Subject string `json:"subject"` // ASCII, see maxSubject
	Text    string `json:"text"`    // of a mail
}

// Suspect is a host with new findings, and its first changed paths.
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

// Hosts are some hosts by name, and how many there are.
type Hosts struct {
	Count int      `json:"hosts"`
	Names []string `json:"names"`
}

// Group is a group of changes that is new on hosts, and that no package explains.
type Group struct {
	Group       string   `json:"group"`
	Fingerprint string   `json:"fingerprint"`
	Changes     int      `json:"changes"`
	Paths       []string `json:"paths,omitempty"`
	Next        string   `json:"next,omitempty"` // command
	Hosts
}

// Failure is hosts that failed or are missing for a reason, which they did not before.
type Failure struct {
	Status string `json:"status"`
	Reason string `json:"reason"`
	Next   string `json:"next,omitempty"` // what to do
	Hosts
}

// Empty says that there is nothing to tell.
func (d Digest) Empty() bool { return len(d.Suspects)+len(d.Groups)+len(d.Failures) == 0 }

// Send tells of a digest. What an event has no room for is left out. It is false if the
// caller may not tell anybody, which is no error: an operator has the report and the
// metrics.
func Send(ctx context.Context, api API, d Digest) (told bool, err error) {
	detail, err := d.encode()
	if err != nil {
		return false, fmt.Errorf("tell of %s: %w", d.sum(), err)
	}
	out, err := api.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String(Source), DetailType: aws.String(DetailType), Detail: aws.String(detail), Time: aws.Time(d.Started),
	}}})
	if awscall.Denied(err) || awscall.Unknown(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("tell EventBridge of %s: %w", d.sum(), err)
	}
	if out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		return false, fmt.Errorf("tell EventBridge of %s: %s: %s", d.sum(), aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return true, nil
}

// encode is the digest as JSON that fits into an event.
func (d Digest) encode() (string, error) {
	d.V, d.Message = 1, d.message()
	for {
		detail, err := json.Marshal(d)
		if err != nil || len(detail) <= maxDetail {
			return string(detail), err
		}
		d.halve()
	}
}

// halve leaves out paths, and then the last of what is told most of.
func (d *Digest) halve() {
	paths := 0
	suspects := make([]Suspect, len(d.Suspects))
	for i, s := range d.Suspects {
		paths += len(s.Paths)
		s.Paths = nil
		suspects[i] = s
	}
	d.Suspects = suspects
	if paths > 0 {
		return
	}
	drop := func(n int) int {
		d.More += n - n/2
		return n / 2
	}
	switch most := max(len(d.Suspects), len(d.Groups), len(d.Failures)); most {
	case len(d.Suspects):
		d.Suspects = d.Suspects[:drop(most)]
	case len(d.Groups):
		d.Groups = d.Groups[:drop(most)]
	default:
		d.Failures = d.Failures[:drop(most)]
	}
}
