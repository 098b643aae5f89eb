package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"aidefleet/orchestrator/evidence"
	"aidefleet/orchestrator/page"
	"aidefleet/orchestrator/sweep"
)

// drawn is how far back a dashboard shows the newest sweeps.
const drawn = 90 * 24 * time.Hour

// documentation is what a dashboard's editor shows of the widget, in Markdown.
const documentation = "### Findings of a fleet\nWhat its newest sweeps found, by the ledger.\n\nparam | what\n---|---\nfleet | name of the fleet, such as env=prod\n"

// draw is the HTML that a custom widget shows; or its documentation.
func (f *function) draw(ctx context.Context, w widget) (any, error) {
	if w.describe {
		return map[string]string{"markdown": documentation}, nil
	}
	if f.ledger == nil {
		return nil, errors.New("there is no ledger to show: " + envLedger + " names none")
	}
	now := f.now()
	r, lacking, err := evidence.Newest(ctx, f.ledger, evidence.Query{Fleet: w.fleet, From: now.Add(-drawn), To: now}, nil)
	if err != nil {
		return nil, err
	}
	r.Fleet = w.fleet
	p := sweep.PageOf(ctx, f.ledger, &r, "", now)
	if len(r.Hosts) == 0 {
		lacking = strings.TrimSpace("No sweep of it is in the ledger. " + lacking)
	}
	p.Note = strings.TrimSpace(p.Note + " " + lacking)
	var html strings.Builder
	if err := page.WriteWidget(&html, p); err != nil {
		return nil, err
	}
	return html.String(), nil
}

// widget is a call of a dashboard, which shows what comes back.
type widget struct {
	fleet    string
	describe bool // it asks for documentation
}

// parseWidget reads a call of a custom widget of CloudWatch, whose parameters stand beside
// widgetContext (CloudWatch user guide, "Details about custom widgets").
func parseWidget(raw []byte) (*widget, error) {
	var in struct {
		Fleet    string `json:"fleet"`
		Describe bool   `json:"describe"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("widget: %w", err)
	}
	if in.Describe {
		return &widget{describe: true}, nil
	}
	if err := validateFleet(in.Fleet); err != nil {
		return nil, fmt.Errorf("widget: %w", err)
	}
	return &widget{fleet: in.Fleet}, nil
}
