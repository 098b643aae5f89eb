package lambda

import (
	"context"
	"encoding/json"
	"fmt"

	"aidefleet/orchestrator/notify"
)

// Which digests are posted.
const (
	digestNew      = "new"      // all: a digest has something new
	digestSuspects = "suspects" // those with suspects
)

// post sends a digest to people.
func (f *function) post(ctx context.Context, r notify.Received) (*outcome, error) {
	switch {
	case f.topic.ARN == "":
		return &outcome{Did: "nothing", Why: "there is no topic"}, nil
	case f.digest == digestSuspects && len(r.Suspects) == 0:
		return &outcome{Did: "nothing", Why: "it has no suspects, and nothing else is told"}, nil
	}
	if err := f.topic.Post(ctx, r); err != nil {
		return nil, err
	}
	f.log.Info("digest posted", "subject", r.Subject)
	return &outcome{Did: "posted"}, nil
}

// isFindings says that an event of EventBridge is a digest of ours.
func isFindings(raw []byte) bool {
	var in struct {
		Source string `json:"source"`
	}
	return json.Unmarshal(raw, &in) == nil && in.Source == notify.Source
}

// parseFindings reads a digest, for people.
func parseFindings(raw []byte) (*notify.Received, error) {
	var in struct {
		DetailType string          `json:"detail-type"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("EventBridge event: %w", err)
	}
	if in.DetailType != notify.DetailType {
		return nil, fmt.Errorf("EventBridge event %.80q of %s: want %q", in.DetailType, notify.Source, notify.DetailType)
	}
	r, err := notify.ReadEvent(in.Detail)
	if err != nil {
		return nil, fmt.Errorf("EventBridge event %q: %w", notify.DetailType, err)
	}
	return &r, nil
}
