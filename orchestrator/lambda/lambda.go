// Package lambda is the orchestrator on AWS Lambda: the same pipeline, cut in two because
// AIDE may take longer than a function may run.
//
//	start      EventBridge Scheduler says when: the command is sent to the hosts
//	collect    EventBridge says that a command is over: gather, compare, record, publish;
//	           of one that changed baselines or programs, record who did what
//	reconcile  a second schedule, since those events are best effort: collect
//	           what nobody has collected, end what hangs; and tell of the hosts that have
//	           answered, if others still have not
//	post       EventBridge has a digest of what is new: send it to people
//	draw       a dashboard wants to show what the ledger knows
//
// An event may be delivered twice. A second start finds, by its name, the command that the
// first one sent. A published sweep has its mark in CloudWatch. Both only help if no two
// deliveries are at work at once: the functions have a reserved concurrency of one.
package lambda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	"aidefleet/orchestrator/trail"
)

// The function's settings in its environment.
const (
	envNamespace = "ORCHESTRATOR_NAMESPACE" // of the metrics
	envLedger    = "ORCHESTRATOR_LEDGER"    // s3://BUCKET/PREFIX; empty remembers nothing
	envLedgerKey = "ORCHESTRATOR_LEDGER_KMS_KEY"
	envTopic     = "ORCHESTRATOR_TOPIC"  // ARN of the topic that people read; empty tells nobody
	envDigest    = "ORCHESTRATOR_DIGEST" // what they are told of, see digestNew
	envFleet     = "ORCHESTRATOR_FLEET"  // that is swept by schedule
	envTarget    = "ORCHESTRATOR_TARGET" // its hosts, such as env=prod,test
)

// Here says that this process is a Lambda function.
func Here() bool { return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// Main serves events until the process ends. It returns an exit code if it cannot
// begin.
func Main() int {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	operations, err := aws.Load(context.Background(), "")
	if err != nil {
		log.Error("cannot begin", "error", aws.Explain(err))
		return 1
	}
	memory, err := openLedger(os.Getenv(envLedger), os.Getenv(envLedgerKey), operations)
	if err != nil {
		log.Error("cannot begin", "error", fmt.Sprintf("%s: %v", envLedger, err))
		return 1
	}
	f := &function{
		starting: starting(operations), collecting: collecting(operations),
		namespace: cmp.Or(os.Getenv(envNamespace), metrics.DefaultNamespace), ledger: memory,
		fleet: os.Getenv(envFleet), target: os.Getenv(envTarget),
		topic: posting(os.Getenv(envTopic), operations), digest: cmp.Or(os.Getenv(envDigest), digestNew),
		log: log, now: time.Now, pace: runcommand.DefaultPace, published: map[string]bool{}, stamped: map[string]time.Time{},
	}
	runtime.Start(f.serve)
	return 0
}

// starting and collecting are a region with the operations of a start, and with those of
// the other events. The roles of the functions allow no others.
func starting(o aws.Operations) sweep.Region {
	return sweep.Region{
		Name:     o.Region,
		Fleet:    fleet.API{DescribeInstances: o.DescribeInstances, DescribeInstanceInformation: o.DescribeInstanceInformation},
		Commands: runcommand.API{SendCommand: o.SendCommand, ListCommands: o.ListCommands},
		Metrics:  metrics.API{PutMetricData: o.PutMetricData, GetMetricStatistics: o.GetMetricStatistics},
	}
}

func collecting(o aws.Operations) sweep.Region {
	return sweep.Region{
		Name:  o.Region,
		Fleet: fleet.API{DescribeInstances: o.DescribeInstances, DescribeInstanceInformation: o.DescribeInstanceInformation},
		Commands: runcommand.API{
			ListCommands: o.ListCommands, ListCommandInvocations: o.ListCommandInvocations,
			GetCommandInvocation: o.GetCommandInvocation, CancelCommand: o.CancelCommand,
		},
		Metrics: metrics.API{PutMetricData: o.PutMetricData, GetMetricStatistics: o.GetMetricStatistics},
		Events:  notify.API{PutEvents: o.PutEvents},
		Trail:   trail.API{LookupEvents: o.LookupEvents},
	}
}

// posting is the topic of digests.
func posting(topic string, o aws.Operations) notify.Topic {
	return notify.Topic{ARN: topic, Publish: o.Publish}
}

// openLedger opens the ledger that the environment names; nil if it names none. It is in
// S3: a function has no folder that lasts.
func openLedger(location, key string, o aws.Operations) (*ledger.Ledger, error) {
	switch {
	case location == "":
		return nil, nil
	case !strings.HasPrefix(location, ledger.Scheme):
		return nil, fmt.Errorf("%.200q: want s3://BUCKET/PREFIX", location)
	}
	return ledger.Open(location, key, ledgerAPI(o))
}

func ledgerAPI(o aws.Operations) ledger.S3API {
	return ledger.S3API{GetObject: o.GetObject, PutObject: o.PutObject, ListObjectsV2: o.ListObjectsV2}
}

// function is one execution environment: it serves one event at a time.
type function struct {
	starting, collecting sweep.Region
	namespace            string
	ledger               *ledger.Ledger // nil remembers nothing
	fleet, target        string         // what is swept by schedule; empty if that is not said
	topic                notify.Topic
	digest               string // which digests are posted
	log                  *slog.Logger
	now                  func() time.Time
	pace                 runcommand.Pace

	// published are the runs that this process has published: their points can only be read
	// some minutes later. stamped are the times of the newest marks, by fleet.
	published map[string]bool
	stamped   map[string]time.Time
}

// outcome is the answer of the function to an event, for people who invoke it by hand.
type outcome struct {
	Did     string   `json:"did"` // "started", "nothing", "published", "recorded", "reconciled", "posted"
	Why     string   `json:"why,omitempty"`
	Fleet   string   `json:"fleet,omitempty"`
	Command string   `json:"command,omitempty"`
	Report  string   `json:"report,omitempty"`  // s3://BUCKET/KEY
	Actions int      `json:"actions,omitempty"` // recorded in the ledger
	Sweeps  []string `json:"sweeps,omitempty"`  // of a reconcile: the outcome of each run
}

// serve serves one event. Its error is what the dead-letter queue says.
func (f *function) serve(ctx context.Context, raw json.RawMessage) (any, error) {
	e, err := parse(raw, f.now())
	if err == nil {
		ctx, stop := inTime(ctx)
		defer stop()
		var o any
		switch {
		case e.widget != nil:
			o, err = f.draw(ctx, *e.widget)
		case e.start != nil:
			o, err = f.start(ctx, *e.start)
		case e.findings != nil:
			o, err = f.post(ctx, *e.findings)
		case e.ended != nil && e.ended.action:
			o, err = f.recordEnded(ctx, e.ended.command)
		case e.ended != nil:
			o, err = f.collectEnded(ctx, e.ended.command)
		default:
			o, err = f.reconcile(ctx, *e.reconcile)
		}
		if err == nil {
			return o, nil
		}
	}
	text := aws.Explain(err)
	f.log.Error("event failed", "error", text)
	return nil, fmt.Errorf("%s", text)
}

// margin is how long before Lambda does the function ends at the latest: to log, and to
// answer.
const margin = 20 * time.Second

// inTime ends the context before Lambda ends the process.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(margin, time.Until(deadline)/10)))
}

// publication says into which namespace the metrics of a fleet go.
func (f *function) publication(fleet string) sweep.Publication {
	return sweep.Publication{Namespace: f.namespace, Fleet: fleet}
}
