package lambda

import (
	"context"

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
