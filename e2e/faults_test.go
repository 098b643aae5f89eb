package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"golang.org/x/sync/errgroup"

	"aidefleet/lab/cloud"
	"aidefleet/lab/cloudwatch"
	"aidefleet/lab/sigv4"
	simulation "aidefleet/lab/simulate"
	"aidefleet/orchestrator/cli"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

// Exit codes of docs/operations.md.
const (
	exitError      = 1
	exitIncomplete = 4
)

const walkAccount = "123456789012"

var (
	walkKey  = sigv4.Key{ID: "lab", Secret: "of the walks", Account: walkAccount}
	walkKeys = sigv4.New(walkKey)
)

// walk is a sweep in an account of its own, in which something fails.
type walk struct {
	name     string
	failures []cloud.Failure
	faults   cloud.Faults
	hosts    int    // 70 if 0
	role     bool   // take one
	fails    bool   // the sweep must end with exit 1
	stays    bool   // it must not
	during   string // a failure while it is collected, which must end with exit 1

	region  string
	cloud   *cloud.Cloud
	metrics *cw.Client
	mu      sync.Mutex
	time    time.Time
}

func (w *walk) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *walk) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// build makes the account. It has a clock of its own, which goes on while a sweep waits.
func (w *walk) build(t *testing.T, region string) {
	t.Helper()
	w.region, w.time = region, time.Now()
	metrics := cloudwatch.New(region, walkAccount)
	server := httptest.NewServer(metrics)
	t.Cleanup(server.Close)
	w.metrics = cw.New(cw.Options{Region: region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", "")})
	if w.hosts == 0 {
		w.hosts = 70
	}
	instances, err := simulation.New(simulation.Options{Hosts: w.hosts, Seed: 3, Speed: 1, Shares: simulation.Shares{
		Stopped: 0.03, Unmanaged: 0.03, Undeliverable: 0.03, TimeOut: 0.03, KillWorker: 0.03, Garbage: 0.1, Fail: 0.1, Drift: 0.1, Hybrid: 0.1,
	}}, w.time)
	if err != nil {
		t.Fatal(err)
	}
	w.cloud = cloud.New(cloud.Config{
		Region: region, Account: walkAccount, Keys: walkKeys, Metrics: metrics, Check: documents.Check, Now: w.now,
		AgentSilence: 5 * time.Minute, Faults: w.faults, Failures: w.failures,
	}, instances...)
	t.Cleanup(w.cloud.Close)
	check := documentOf(documents.Check)
	if err := w.cloud.Publish(check.Name, check.Content); err != nil {
		t.Fatal(err)
	}
}

// reading is held while a command line is read: urfave/cli has a flag for help that
// all of them write to.
var reading sync.Mutex

// run runs the orchestrator by the account's clock.
func (w *walk) run(t *testing.T, args ...string) (code int, r report.Report, said string) {
	t.Helper()
	reading.Lock()
	read := sync.OnceFunc(reading.Unlock)
	defer read()
	ctx := cli.WithClock(t.Context(), func() sweep.Clock {
		read()
		return sweep.Clock{Now: w.now, Pace: runcommand.Pace{
			First: 2 * time.Second, Max: 30 * time.Second, Share: 0.3,
			Sleep: func(ctx context.Context, d time.Duration) error { w.pass(d); return ctx.Err() },
		}}
	})
	var stdout, stderr bytes.Buffer
	code = cli.Main(ctx, append(append([]string{"orchestrator"}, args...), "--output", "json"), &stdout, &stderr)
	if stdout.Len() > 0 {
		if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
			t.Errorf("%v in %.200s", err, stdout.String())
		}
	}
	return code, r, stderr.String()
}

// stats are what the lab counted, and the truth.
func (w *walk) stats(t *testing.T) (got struct {
	Commands map[string]int
	Faults   map[string]int
	Truth    map[string]report.Host
}) {
	t.Helper()
	answer := httptest.NewRecorder()
	w.cloud.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/lab/stats", nil))
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// point is a fleet's metric, or -1 if there is none or more than one value.
func (w *walk) point(t *testing.T, metric string) float64 {
	t.Helper()
	out, err := w.metrics.GetMetricStatistics(t.Context(), &cw.GetMetricStatisticsInput{
		Namespace: sdk.String("AIDE"), MetricName: sdk.String(metric), Period: sdk.Int32(60),
		Dimensions: []cwtypes.Dimension{{Name: sdk.String("Fleet"), Value: sdk.String("walk")}},
		StartTime:  sdk.Time(w.now().Add(-20 * time.Hour)), EndTime: sdk.Time(w.now().Add(time.Hour)),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticMinimum, cwtypes.StatisticMaximum},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Datapoints) != 1 || *out.Datapoints[0].Minimum != *out.Datapoints[0].Maximum {
		return -1
	}
	return *out.Datapoints[0].Maximum
}

// holds compares what was published with the truth, if anything was of the fleet.
func (w *walk) holds(t *testing.T, when string, truth map[string]report.Host) (published bool) {
	t.Helper()
	want := map[string]int{}
	for _, h := range truth {
		want["HostsTargeted"]++
		switch h.Status {
		case report.Clean:
			want["HostsClean"]++
		case report.Drift:
			want["HostsChanged"]++
		case report.Failed:
			want["HostsFailed"]++
		case report.Missing:
			want["HostsMissing"]++
		}
	}
	published = w.point(t, "SweepCompleted") == 1
	for metric, n := range want {
		got := w.point(t, metric)
		if published && got != float64(n) {
			t.Errorf("%s, %s is published as %g, want %d", when, metric, got, n)
		}
		if !published && got != -1 {
			t.Errorf("%s, %s is published as %g without SweepCompleted", when, metric, got)
		}
	}
	return published
}

// agrees holds a report against the truth. If it is not whole, hosts may be unfinished.
func agrees(t *testing.T, when string, r report.Report, truth map[string]report.Host, whole bool) {
	t.Helper()
	for _, h := range r.Hosts {
		want := truth[h.Instance]
		if !whole && h.Reason == "unfinished" {
			continue
		}
		assert.Equal(t, want.Status, h.Status, "%s, %s is %s %s", when, h.Instance, h.Status, h.Reason)
		assert.Equal(t, want.Reason, h.Reason, when)
	}
	if whole && len(r.Hosts) != len(truth) {
		t.Errorf("%s, %d hosts are reported, want %d", when, len(r.Hosts), len(truth))
	}
}

var (
	collectLine = regexp.MustCompile(`orchestrator (collect (?:--[a-z-]+ [^ ]+ ?)+)`)
	lastCommand = regexp.MustCompile(`"CommandId":"([0-9a-f-]{36})"`)
)

// picksUp is the command line that the sweep printed or, if it never heard of the
// command, one with the id that the account has.
func (w *walk) picksUp(t *testing.T, said string) []string {
	t.Helper()
	if m := collectLine.FindStringSubmatch(said); m != nil {
		return strings.Fields(m[1])
	}
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	request.Header.Set("X-Amz-Target", "AmazonSSM.ListCommands")
	sum := sha256.Sum256([]byte("{}"))
	credentials := sdk.Credentials{AccessKeyID: walkKey.ID, SecretAccessKey: walkKey.Secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, request, hex.EncodeToString(sum[:]), "ssm", w.region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	w.cloud.ServeHTTP(answer, request)
	m := lastCommand.FindStringSubmatch(answer.Body.String())
	if m == nil {
		t.Fatalf("the account has no command: %s", answer.Body)
	}
	return []string{"collect", "--region", w.region, "--command-id", m[1]}
}

// test sweeps while it fails, and collects when nothing does any more.
func (w *walk) test(t *testing.T) {
	args := []string{"sweep", "--tag", "env=prod,dev", "--fleet", "walk", "--region", w.region}
	if w.role {
		args = append(args, "--role-arn", "arn:aws:iam::"+walkAccount+":role/aidefleet")
	}
	code, r, said := w.run(t, args...)
	stats := w.stats(t)
	sent := stats.Commands[documents.Check]
	if sent > 1 {
		t.Errorf("the command was sent %d times", sent)
	}
	if (w.fails || w.stays) && (code == exitError) != w.fails {
		t.Errorf("exit %d: %s", code, said)
	}
	if len(w.failures) > 0 && len(stats.Faults) == 0 {
		t.Error("nothing failed")
	}
	if sent == 0 {
		if code != exitError {
			t.Errorf("nothing was sent: exit %d", code)
		}
		return
	}
	agrees(t, "of the sweep", r, stats.Truth, code != exitError)
	published := w.holds(t, "by the sweep", stats.Truth)
	if code != exitError && !published {
		t.Errorf("exit %d, and nothing is published: %s", code, said)
	}
	if code == exitError && strings.Contains(said, "nothing was published of them") && !collectLine.MatchString(said) {
		t.Errorf("no command picks it up: %s", said)
	}

	if w.pass(time.Hour); w.during != "" {
		f, err := cloud.ParseFailure(w.during)
		if err != nil {
			t.Fatal(err)
		}
		w.cloud.Fail(f)
		code, r, again := w.run(t, w.picksUp(t, said)...)
		if code != exitError {
			t.Errorf("collect while %s: exit %d", w.during, code)
		}
		agrees(t, "of collect while it fails", r, stats.Truth, false)
		if w.holds(t, "by collect while it fails", w.stats(t).Truth) {
			t.Errorf("collect while %s publishes: %s", w.during, again)
		}
	}

	w.cloud.Fail()
	code, r, again := w.run(t, w.picksUp(t, said)...)
	truth := w.stats(t).Truth
	if code != exitIncomplete {
		t.Errorf("collect: exit %d: %s", code, again)
	}
	agrees(t, "of collect", r, truth, true)
	if !w.holds(t, "by collect", truth) {
		t.Errorf("collect published nothing: %s", again)
	}
	if got := w.stats(t).Commands[documents.Check]; got != 1 {
		t.Errorf("%d commands, want 1", got)
	}
}

// walks are all calls of a sweep, each failing in all ways from its first and from
// its second call on.
func walks() (list []*walk) {
	// Of these the sweep ends as if nothing had failed.
	harmless := func(operation string, kind cloud.FailureKind, from int) bool {
		done := kind == cloud.LateError || kind == cloud.CutOff || kind == cloud.Lost
		switch operation {
		case "GetCommandInvocation": // of garbage
			return true
		case "SendCommand": // sent, and found
			return done || from == 2
		case "DescribeInstances", "AssumeRole": // there is one page, and one role
			return from == 2
		}
		return false
	}
	for _, operation := range []string{
		"AssumeRole", "DescribeInstances", "DescribeInstanceInformation", "SendCommand", "ListCommands",
		"ListCommandInvocations", "GetCommandInvocation", "PutMetricData",
	} {
		for _, kind := range []cloud.FailureKind{cloud.Refused, cloud.Broken, cloud.Page, cloud.LateError, cloud.CutOff, cloud.Lost, cloud.Slow} {
			for from := 1; from <= 2; from++ {
				if from == 2 && (operation == "SendCommand" || operation == "AssumeRole" || operation == "GetCommandInvocation") {
					continue // there is one
				}
				stays := kind == cloud.Slow || harmless(operation, kind, from)
				list = append(list, &walk{
					name: fmt.Sprintf("%s %s from call %d", operation, kind, from), role: operation == "AssumeRole", stays: stays, fails: !stays,
					failures: []cloud.Failure{{Operation: operation, From: from, Kind: kind, Delay: 20 * time.Millisecond}},
				})
			}
		}
	}
	unread := []cloud.Failure{{Operation: "ListCommandInvocations", From: 2, Kind: cloud.Refused}}
	for _, during := range []string{
		"GetMetricStatistics=refused", "GetMetricStatistics=error", "GetMetricStatistics=cut", "GetMetricStatistics=html",
		"DescribeInstances=refused", "ListCommands=refused", "ListCommandInvocations=html",
	} {
		list = append(list, &walk{name: "collect with " + during, failures: unread, fails: true, during: during})
	}
	return append(list,
		&walk{name: "nothing fails", stays: true},
		&walk{name: "second page of DescribeInstances", hosts: 1200, fails: true, failures: []cloud.Failure{{Operation: "DescribeInstances", From: 2, Kind: cloud.Refused}}},
		&walk{name: "an answer once cut off", stays: true, failures: []cloud.Failure{{Operation: "ListCommandInvocations", From: 2, To: 2, Kind: cloud.CutOff}}},
		&walk{name: "sent, answered 500, seen late", stays: true, faults: cloud.Faults{HideCommand: 6 * time.Second}, failures: []cloud.Failure{{Operation: "SendCommand", From: 1, Kind: cloud.LateError}}},
		&walk{name: "the command is seen late", stays: true, faults: cloud.Faults{HideCommand: 10 * time.Second}},
		&walk{name: "the list is empty for some seconds", stays: true, faults: cloud.Faults{HideResults: 10 * time.Second}},
		&walk{name: "the list is empty after the end", fails: true, faults: cloud.Faults{HideResults: 30 * time.Minute}},
	)
}

// TestFaults: whatever fails of a sweep, its report is true, nothing is published
// that is not so, the command is sent once at most, and collect publishes the truth
// when nothing fails any more.
func TestFaults(t *testing.T) {
	list := walks()
	clouds := make([]*cloud.Cloud, len(list))
	for i, w := range list {
		w.build(t, fmt.Sprintf("us-walk%c-%d", 'a'+i/90, 1+i%90))
		clouds[i] = w.cloud
	}
	server := httptest.NewServer(cloud.NewOrganization(clouds...))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": walkKey.ID, "AWS_SECRET_ACCESS_KEY": walkKey.Secret, "AWS_MAX_ATTEMPTS": "2",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	// They wait for the SDK's retries mostly.
	var g errgroup.Group
	g.SetLimit(16)
	for _, w := range list {
		g.Go(func() error { t.Run(w.name, w.test); return nil })
	}
	_ = g.Wait()
}

// documentOf is the document of that name. It panics if there is none.
func documentOf(name string) documents.Document {
	at := slices.IndexFunc(documents.All(), func(d documents.Document) bool { return d.Name == name })
	return documents.All()[at]
}
