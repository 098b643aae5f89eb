package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

// event is what the function is told to do: exactly one of these is there.
type event struct {
	start     *start
	ended     *ended
	reconcile *reconcile
	findings  *notify.Received
	widget    *widget
}

// start sends a sweep.
type start struct {
	selector  fleet.Selector
	fleet     string
	request   runcommand.Request
	scheduled time.Time // names the run: the same in every delivery
}

// ended is a command that is over.
type ended struct {
	command string
	action  bool // it changed baselines or programs; otherwise it checked
}

// reconcile looks for commands that nobody has collected.
type reconcile struct{ back time.Duration }

// How far from now a start may be scheduled. A sweep of yesterday is not sent: the next one
// is due soon.
const (
	maxLate  = 24 * time.Hour
	maxEarly = time.Hour
)

// maxBack bounds how far back reconcile looks. CloudWatch takes no points that are older
// than two weeks (API reference, PutMetricData).
const maxBack = 13 * 24 * time.Hour

// wanted is the end of every refusal.
const wanted = `want {"sweep": {…}, "scheduled": "…"}, {"reconcile": {…}}, a call of a dashboard, or a Run Command event or findings of EventBridge; docs/deploy.md has examples`

// parse reads an event. It refuses everything that is not exactly one of those.
func parse(raw []byte, now time.Time) (event, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return event{}, fmt.Errorf("event is no JSON object: %w; %s", err, wanted)
	}
	_, bySweep := keys["sweep"]
	_, byReconcile := keys["reconcile"]
	_, byBus := keys["detail-type"]
	_, byDashboard := keys["widgetContext"]
	_, described := keys["describe"]
	var e event
	var err error
	switch {
	case (byDashboard || described) && !bySweep && !byReconcile && !byBus:
		e.widget, err = parseWidget(raw)
	case bySweep && !byReconcile && !byBus:
		e.start, err = parseStart(raw, now)
	case byReconcile && !bySweep && !byBus:
		e.reconcile, err = parseReconcile(raw)
	case byBus && !bySweep && !byReconcile && isFindings(raw):
		e.findings, err = parseFindings(raw)
	case byBus && !bySweep && !byReconcile:
		e.ended, err = parseEnded(raw)
	default:
		err = fmt.Errorf("unknown event with the keys %.200q", slices.Sorted(maps.Keys(keys)))
	}
	if err != nil {
		return event{}, fmt.Errorf("%w; %s", err, wanted)
	}
	return e, nil
}

// strictly reads JSON that has no fields but those of v.
func strictly(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value")
	}
	return nil
}

// startEvent is the event of a start, as it comes.
type startEvent struct {
	Sweep struct {
		Tags             map[string][]string `json:"tags"`
		Fleet            string              `json:"fleet"`
		ExecutionTimeout string              `json:"execution_timeout"`
		DeliveryTimeout  string              `json:"delivery_timeout"`
		MaxConcurrency   string              `json:"max_concurrency"`
		MaxErrors        string              `json:"max_errors"`
		Config           string              `json:"config"`
		DocumentVersion  string              `json:"document_version"`
		DocumentHash     string              `json:"document_hash"`
	} `json:"sweep"`
	Scheduled string `json:"scheduled"`
}

func parseStart(raw []byte, now time.Time) (*start, error) {
	var in startEvent
	in.Sweep.ExecutionTimeout, in.Sweep.DeliveryTimeout = "4h", "10m"
	in.Sweep.MaxConcurrency, in.Sweep.MaxErrors = "100%", "100%"
	if err := strictly(raw, &in); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	s := &start{fleet: in.Sweep.Fleet}
	var err error
	if s.selector, err = in.selector(); err != nil {
		return nil, err
	}
	if s.fleet == "" {
		s.fleet = s.selector.String()
	}
	if err := validateFleet(s.fleet); err != nil {
		return nil, err
	}
	if s.request, err = in.request(); err != nil {
		return nil, err
	}
	if s.scheduled, err = in.scheduled(now); err != nil {
		return nil, err
	}
	return s, nil
}

// selector are the hosts to which the command is sent.
func (in startEvent) selector() (s fleet.Selector, err error) {
	for _, key := range slices.Sorted(maps.Keys(in.Sweep.Tags)) {
		s.Tags = append(s.Tags, fleet.Tag{Key: key, Values: in.Sweep.Tags[key]})
	}
	if len(s.Tags) == 0 {
		return s, errors.New(`sweep.tags: there are none; want {"env": ["prod"]}`)
	}
	if err := s.Validate(); err != nil {
		return s, fmt.Errorf("sweep.tags: %w", err)
	}
	return s, nil
}

// request is the command, without its name.
func (in startEvent) request() (r runcommand.Request, err error) {
	r = runcommand.Request{
		Document: documents.Check, DocumentVersion: in.Sweep.DocumentVersion, DocumentHash: in.Sweep.DocumentHash,
		MaxConcurrency: in.Sweep.MaxConcurrency, MaxErrors: in.Sweep.MaxErrors,
	}
	execution, err := time.ParseDuration(in.Sweep.ExecutionTimeout)
	if err != nil {
		return r, fmt.Errorf("sweep.execution_timeout %.40q: want a duration such as 4h", in.Sweep.ExecutionTimeout)
	}
	if r.DeliveryTimeout, err = time.ParseDuration(in.Sweep.DeliveryTimeout); err != nil {
		return r, fmt.Errorf("sweep.delivery_timeout %.40q: want a duration such as 10m", in.Sweep.DeliveryTimeout)
	}
	seconds, executionErr := documents.ExecutionTimeout(execution)
	for _, check := range []struct {
		name, value string
		err         error
	}{
		{"execution_timeout", in.Sweep.ExecutionTimeout, executionErr},
		{"delivery_timeout", in.Sweep.DeliveryTimeout, runcommand.ValidateDelivery(r.DeliveryTimeout)},
		{"max_concurrency", r.MaxConcurrency, runcommand.ValidateConcurrency(r.MaxConcurrency)},
		{"max_errors", r.MaxErrors, runcommand.ValidateErrors(r.MaxErrors)},
		{"config", in.Sweep.Config, documents.ValidateConfig(in.Sweep.Config)},
		{"document_version", r.DocumentVersion, runcommand.ValidateDocumentVersion(r.DocumentVersion)},
		{"document_hash", r.DocumentHash, runcommand.ValidateDocumentHash(r.DocumentHash)},
	} {
		if check.err != nil {
			return r, fmt.Errorf("sweep.%s %.80q: %w", check.name, check.value, check.err)
		}
	}
	r.Parameters = map[string]string{"executionTimeout": seconds}
	if in.Sweep.Config != "" {
		r.Parameters["config"] = in.Sweep.Config
	}
	return r, nil
}

// scheduled is the time that the sweep is of, which has to be near now.
func (in startEvent) scheduled(now time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, in.Scheduled)
	if err != nil {
		return at, fmt.Errorf("scheduled %.60q: want the time that the sweep is of, such as 2026-11-24T05:00:00Z; EventBridge Scheduler puts it in the place of <aws.scheduler.scheduled-time>", in.Scheduled)
	}
	if late := now.Sub(at); late > maxLate || late < -maxEarly {
		return at, fmt.Errorf("scheduled %s: want a time from a day ago to in an hour; it is %s now", in.Scheduled, now.UTC().Format(time.RFC3339))
	}
	return at, nil
}

func validateFleet(name string) error {
	if len(name) > sweep.MaxFleet {
		return fmt.Errorf("sweep.fleet %.60q is longer than %d characters: name it", name, sweep.MaxFleet)
	}
	if err := metrics.ValidateDimension(name); err != nil {
		return fmt.Errorf("sweep.fleet %q cannot be a CloudWatch dimension: %w", name, err)
	}
	return nil
}

func parseReconcile(raw []byte) (*reconcile, error) {
	var in struct {
		Reconcile struct {
			Hours int `json:"hours"`
		} `json:"reconcile"`
		Scheduled string `json:"scheduled"` // for people who read the log
	}
	in.Reconcile.Hours = 72 // a check may take 48 hours
	if err := strictly(raw, &in); err != nil {
		return nil, fmt.Errorf("reconcile: %w", err)
	}
	back := time.Duration(in.Reconcile.Hours) * time.Hour
	if in.Reconcile.Hours < 1 || back > maxBack {
		return nil, fmt.Errorf("reconcile.hours %d: want 1 to %d", in.Reconcile.Hours, int(maxBack.Hours()))
	}
	return &reconcile{back: back}, nil
}

// What EventBridge calls the end of a command (Systems Manager user guide,
// "Monitoring Run Command status changes using Amazon EventBridge").
const (
	source     = "aws.ssm"
	detailType = "EC2 Command Status-change Notification"
)

// terminal are the statuses of a command that is over, without spaces and case:
// the service spells them with and without.
var terminal = []string{"success", "failed", "timedout", "cancelled"}

// parseEnded reads an event of EventBridge, to which AWS may add fields. Only its command
// id is used, and that is looked up.
func parseEnded(raw []byte) (*ended, error) {
	var in struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
		Detail     struct {
			Command  string `json:"command-id"`
			Document string `json:"document-name"`
			Status   string `json:"status"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("EventBridge event: %w", err)
	}
	switch status := strings.ToLower(strings.ReplaceAll(in.Detail.Status, " ", "")); {
	case in.Source != source || in.DetailType != detailType:
		return nil, fmt.Errorf("EventBridge event %.80q of %.40q: want %q of %q", in.DetailType, in.Source, detailType, source)
	case !runcommand.IsID(in.Detail.Command):
		return nil, fmt.Errorf("EventBridge event: command-id %.60q is none", in.Detail.Command)
	case in.Detail.Document != documents.Check && !sweep.IsAction(in.Detail.Document):
		return nil, fmt.Errorf("EventBridge event: command %s ran %.80q, which is no document of ours", in.Detail.Command, in.Detail.Document)
	case !slices.Contains(terminal, status):
		return nil, fmt.Errorf("EventBridge event: command %s is %.40q, which is no end", in.Detail.Command, in.Detail.Status)
	}
	return &ended{command: in.Detail.Command, action: sweep.IsAction(in.Detail.Document)}, nil
}
