package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/report"
)

// function is a Lambda function: the real bootstrap, which asks a local Runtime API
// for its events (AWS Lambda developer guide, "Using the Lambda runtime API").
type function struct {
	tb     testing.TB
	cmd    *exec.Cmd
	log    string // path of what it says
	events chan delivery
	ended  chan struct{}
}

// delivery is an event on its way, and what came back.
type delivery struct {
	event  string
	budget time.Duration
	answer chan answer
}

type answer struct {
	Did, Why, Fleet, Command, Report string
	Sweeps                           []string

	ErrorMessage string `json:"errorMessage"`
}

// newFunction starts a function in the account of a lab, with more in its environment.
func newFunction(tb testing.TB, s simulated, environment ...string) *function {
	tb.Helper()
	f := &function{tb: tb, log: filepath.Join(tb.TempDir(), "log"), events: make(chan delivery), ended: make(chan struct{})}
	var mu sync.Mutex
	under := map[string]delivery{}
	const api = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api+"next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case d := <-f.events:
			mu.Lock()
			id := strconv.Itoa(len(under))
			under[id] = d
			mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(d.budget).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:aidefleet-collect")
			_, _ = io.WriteString(w, d.event)
		case <-r.Context().Done():
		}
	})
	done := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		d := under[r.PathValue("id")]
		mu.Unlock()
		var a answer
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			tb.Errorf("answer of the function: %v", err)
		}
		w.WriteHeader(http.StatusAccepted)
		d.answer <- a
	}
	mux.HandleFunc("POST "+api+"{id}/response", done)
	mux.HandleFunc("POST "+api+"{id}/error", done)
	server := httptest.NewServer(mux)
	bootstrap := filepath.Join(tb.TempDir(), "bootstrap")
	if err := os.Symlink(filepath.Join(bin, "orchestrator"), bootstrap); err != nil {
		tb.Fatal(err)
	}
	f.cmd = exec.Command(bootstrap)
	f.cmd.Env = append(s.environment(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=aidefleet-collect", "ORCHESTRATOR_LEDGER="+bucketLedger)
	f.cmd.Env = append(f.cmd.Env, environment...)
	log, err := os.Create(f.log)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	f.cmd.Stderr = log
	if err := f.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { _ = f.cmd.Wait(); close(f.ended) }()
	tb.Cleanup(func() {
		_ = f.cmd.Process.Kill()
		<-f.ended
		server.CloseClientConnections()
		server.Close()
	})
	return f
}

// said is what the function has logged so far.
func (f *function) said() string {
	text, err := os.ReadFile(f.log)
	if err != nil {
		f.tb.Error(err)
	}
	return string(text)
}

// deliver delivers an event and waits for what came of it; false is that the
// function died.
func (f *function) deliver(event string, budget time.Duration) (answer, bool) {
	f.tb.Helper()
	d := delivery{event, budget, make(chan answer, 1)}
	select {
	case f.events <- d:
	case <-f.ended:
		return answer{}, false
	}
	select {
	case a := <-d.answer:
		return a, true
	case <-f.ended:
		return answer{}, false
	case <-time.After(budget):
		f.tb.Fatalf("the function takes longer than the %s it was given:\n%s", budget, f.said())
		return answer{}, false
	}
}

// want delivers an event that must do something.
func (f *function) want(did, event string) answer {
	f.tb.Helper()
	a, alive := f.deliver(event, time.Minute)
	require.True(f.tb, alive, "%.80s…: %+v\n%s", event, a, f.said())
	require.Equal(f.tb, did, a.Did, "%.80s…\n%s", event, f.said())
	return a
}

// startEvent is what the scheduler sends, as the template has it.
func startEvent(fleet string, scheduled time.Time) string {
	return fmt.Sprintf(`{"sweep":{"tags":{"env":["prod"]},"fleet":%q},"scheduled":%q}`, fleet, scheduled.UTC().Format(time.RFC3339))
}

const reconcileEvent = `{"reconcile":{"hours":24},"scheduled":"2026-11-24T05:15:00Z"}`

// endEvent is what EventBridge sends (Systems Manager user guide, "Amazon
// EventBridge event examples for Systems Manager").
func endEvent(command, status string) string {
	return fmt.Sprintf(`{"version":"0","id":"51c0891d-0e34-45b1-83d6-95db273d1602","detail-type":"EC2 Command Status-change Notification",
		"source":"aws.ssm","account":"123456789012","time":"2026-11-24T05:10:32Z","region":"us-east-1",
		"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"],
		"detail":{"command-id":%q,"document-name":"AideFleet-Check","expire-after":"2026-11-24T09:10:30.049Z",
		"parameters":{"executionTimeout":["14400"]},"requested-date-time":"2026-11-24T05:10:30.049Z","status":%q}}`, command, status)
}

// await waits until a command is over.
func (s simulated) await(command string) {
	s.tb.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out, err := ssm.NewFromConfig(s.sdk()).ListCommands(s.tb.Context(), &ssm.ListCommandsInput{CommandId: aws.String(command)})
		if err != nil {
			s.tb.Fatal(err)
		}
		for _, c := range out.Commands {
			if c.Status != ssmtypes.CommandStatusPending && c.Status != ssmtypes.CommandStatusInProgress {
				return
			}
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("command %s does not end: %+v", command, out.Commands)
		}
	}
}

// samples is how often a metric of a fleet was written, and the sum.
func (s simulated) samples(metric, fleet string) (count, sum float64) {
	s.tb.Helper()
	out, err := cloudwatch.NewFromConfig(s.sdk()).GetMetricStatistics(s.tb.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AIDE"), MetricName: aws.String(metric),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("Fleet"), Value: aws.String(fleet)}},
		StartTime:  aws.Time(time.Now().Add(-2 * time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)), Period: aws.Int32(60),
		Statistics: []cwtypes.Statistic{cwtypes.StatisticSampleCount, cwtypes.StatisticSum},
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	for _, p := range out.Datapoints {
		count, sum = count+aws.ToFloat64(p.SampleCount), sum+aws.ToFloat64(p.Sum)
	}
	return count, sum
}

// publishedOnce fails unless the fleet was published once.
func (s simulated) publishedOnce(fleet string) {
	s.tb.Helper()
	if n, _ := s.samples("SweepCompleted", fleet); n != 1 {
		s.tb.Errorf("fleet %s was published %g times, want once", fleet, n)
	}
}

// bucketLedger is a ledger in the lab's S3, as the stack makes one.
const bucketLedger = "s3://" + lab.Bucket + "/ledger"

// kept reads a report out of the ledger in the bucket.
func (s simulated) kept(location string) (r report.Report) {
	s.tb.Helper()
	object, ok := strings.CutPrefix(location, "s3://")
	require.True(s.tb, ok, "the report is at %q", location)
	unzipped, err := gzip.NewReader(bytes.NewReader(s.s3(http.MethodGet, "/"+object, nil)))
	require.NoError(s.tb, err, location)
	require.NoError(s.tb, json.NewDecoder(unzipped).Decode(&r), location)
	return r
}

// TestLambda: from the schedule to the metrics and the report, with every event
// delivered twice, in the wrong order, or not at all.
func TestLambda(t *testing.T) {
	t.Parallel()
	s := simulate(t, 120, "--latency", "2ms", "--speed", "60", "--hybrid", "0.1", "--stopped", "0.05", "--fail", "0.05")
	start, collect := newFunction(t, s), newFunction(t, s)
	began := time.Now()

	started := start.want("started", startEvent("prod", began))
	if again := start.want("nothing", startEvent("prod", began)); again.Command != started.Command {
		t.Errorf("the second delivery found %q, want %q", again.Command, started.Command)
	}
	if again := newFunction(t, s).want("nothing", startEvent("prod", began)); again.Command != started.Command {
		t.Errorf("a new process found %q, want %q", again.Command, started.Command)
	}
	// Too early: the end of the command is announced before it can be seen.
	a, _ := collect.deliver(reconcileEvent, time.Minute)
	assert.Equal(t, "reconciled", a.Did, "a reconcile in the middle: %+v", a)
	require.Len(t, a.Sweeps, 1, "a reconcile in the middle")
	assert.Contains(t, a.Sweeps[0], "not over yet", "a reconcile in the middle")
	s.await(started.Command)
	published := collect.want("published", endEvent(started.Command, "Success"))
	truth := s.stats()
	compare(t, s.kept(published.Report), truth.Truth)
	collect.want("nothing", endEvent(started.Command, "Success"))
	newFunction(t, s).want("nothing", endEvent(started.Command, "Success")) // a process that remembers nothing
	a = collect.want("reconciled", reconcileEvent)
	require.Len(t, a.Sweeps, 1, "a reconcile afterwards: %+v", a)
	assert.Contains(t, a.Sweeps[0], "has been published", "a reconcile afterwards")
	s.publishedOnce("prod")
	if calls := s.stats().Calls["SendCommand"]; calls != 1 {
		t.Errorf("SendCommand was called %d times, want once", calls)
	}
	n, worst := s.samples("HostsTargeted", "prod")
	assert.Equal(t, 1.0, n, "HostsTargeted was written %g times, %g in all", n, worst)
	assert.Equal(t, len(truth.Truth), int(worst))

	// The event of the next sweep is lost, that of an operator's own is not, and the
	// console knows no name.
	lost := start.want("started", startEvent("prod-2", began.Add(time.Minute)))
	s.await(lost.Command)
	operator := s.sweep("sweep", "--tag", "env=dev", "--fleet", "dev")
	if a := collect.want("nothing", endEvent(operator.Commands[0].ID, "Failed")); !strings.Contains(a.Why, "its sender") {
		t.Errorf("an operator's own sweep: %+v", a)
	}
	s.sweep("sweep", "--tag", "env=dev", "--fleet", "quiet", "--no-publish")
	console, err := ssm.NewFromConfig(s.sdk()).SendCommand(t.Context(), &ssm.SendCommandInput{
		DocumentName: aws.String("AideFleet-Check"), MaxErrors: aws.String("100%"),
		Targets: []ssmtypes.Target{{Key: aws.String("tag:role"), Values: []string{"web"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.await(*console.Command.CommandId)
	collect.want("published", endEvent(*console.Command.CommandId, "Success"))
	a = collect.want("reconciled", reconcileEvent)
	for _, fleet := range []string{"prod", "prod-2", "dev", "role=web"} {
		s.publishedOnce(fleet)
	}
	n, _ = s.samples("SweepCompleted", "env=dev")
	assert.Equal(t, 0.0, n, "what was to be quiet was published %g times: %+v", n, a)
	assert.Len(t, a.Sweeps, 5)
	assert.Contains(t, strings.Join(a.Sweeps, "\n"), "wants no metrics")
}

// TestLambdaDies: a function that is killed between the metrics of the hosts and
// the mark has not published; the next one does, at the same times.
func TestLambdaDies(t *testing.T) {
	t.Parallel()
	s := simulate(t, 60, "--latency", "2ms", "--speed", "300", "--drift", "0.2")
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	var victim *function
	puts := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/PutMetricData") {
			if puts++; puts == 2 {
				_ = victim.cmd.Process.Kill()
				return
			}
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	started := newFunction(t, s).want("started", startEvent("prod", time.Now()))
	s.await(started.Command)
	victim = newFunction(t, simulated{t, s.dir, proxy.URL})
	if a, alive := victim.deliver(endEvent(started.Command, "Success"), time.Minute); alive {
		t.Fatalf("it was to die: %+v", a)
	}
	if n, _ := s.samples("SweepCompleted", "prod"); n != 0 {
		t.Fatal("half a sweep is marked as complete")
	}
	collect := newFunction(t, s)
	a := collect.want("reconciled", reconcileEvent)
	require.Len(t, a.Sweeps, 1, "%+v", a)
	assert.Contains(t, a.Sweeps[0], "published")
	s.publishedOnce("prod")
	collect.want("nothing", endEvent(started.Command, "Success"))
}

// TestLambdaBudget: a function that cannot gather a fleet in its time ends before
// it is ended, cancels nothing, and leaves it to one that has more.
func TestLambdaBudget(t *testing.T) {
	t.Parallel()
	s := simulate(t, 1000, "--latency", "250ms", "--speed", "600")
	started := newFunction(t, s).want("started", startEvent("prod", time.Now()))
	s.await(started.Command)
	collect := newFunction(t, s)
	a, alive := collect.deliver(endEvent(started.Command, "Success"), 4*time.Second)
	require.True(t, alive, "%+v, alive %t\n%s", a, alive, collect.said())
	require.Equal(t, "nothing", a.Did)
	require.Contains(t, a.Why, "time is over")
	n, _ := s.samples("SweepCompleted", "prod")
	assert.Equal(t, 0.0, n, "it published")
	assert.Equal(t, 0, s.stats().Calls["CancelCommand"], "it cancelled")
	collect.want("reconciled", reconcileEvent)
	s.publishedOnce("prod")
}

// TestLambdaNobody: where no host can be reached there is no command to collect,
// and the silence is published, once.
func TestLambdaNobody(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "2ms", "--stopped", "0.5", "--unmanaged", "0.5", "--drift", "0", "--fail", "0")
	now := time.Now()
	start := newFunction(t, s)
	a := start.want("published", startEvent("prod", now))
	r := s.kept(a.Report)
	assert.Equal(t, len(r.Hosts), r.Summary.Missing, "%+v", r.Summary)
	assert.NotEmpty(t, r.Hosts)
	start.want("nothing", startEvent("prod", now))
	newFunction(t, s).want("nothing", startEvent("prod", now))
	s.publishedOnce("prod")
	if s.stats().Calls["SendCommand"] != 0 {
		t.Error("a command was sent to nobody")
	}
}

// TestLambdaRefuses: an event that is none is refused, with what is wanted.
func TestLambdaRefuses(t *testing.T) {
	t.Parallel()
	s := simulate(t, 5)
	f := newFunction(t, s)
	for event, want := range map[string]string{
		`{"hello":"world"}`: `unknown event with the keys ["hello"]`,
		startEvent("prod", time.Now().Add(-48*time.Hour)):                                                    "want a time from a day ago",
		`{"sweep":{"tags":{"env":["nowhere"]}},"scheduled":"` + time.Now().UTC().Format(time.RFC3339) + `"}`: "no host matches env=nowhere",
		endEvent("12345678-90ab-cdef-1234-567890abcdef", "Success"):                                          "no such command",
	} {
		a, alive := f.deliver(event, time.Minute)
		assert.True(t, alive, "%s: %+v", event, a)
		assert.Contains(t, a.ErrorMessage, want, event)
	}
	if !strings.Contains(f.said(), `"level":"ERROR"`) {
		t.Errorf("the log says %s", f.said())
	}
}

// BenchmarkLambda is the function's cold start, from the start of its process to
// its first call of AWS, and its memory when it collects 10,000 hosts.
func BenchmarkLambda(b *testing.B) {
	s := simulate(b, 10_000, "--latency", "5ms")
	target, err := url.Parse(s.url)
	if err != nil {
		b.Fatal(err)
	}
	first := make(chan time.Time, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case first <- time.Now():
		default:
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	b.Cleanup(proxy.Close)
	const starts = 20
	for b.Loop() {
		var sum, worst time.Duration
		now := time.Now()
		var command string
		for n := range starts {
			select {
			case <-first:
			default:
			}
			began := time.Now()
			f := newFunction(b, simulated{b, s.dir, proxy.URL})
			a, _ := f.deliver(startEvent("prod", now), time.Minute)
			if command = a.Command; command == "" {
				b.Fatalf("start %d: %+v", n, a)
			}
			took := (<-first).Sub(began)
			sum, worst = sum+took, max(worst, took)
		}
		b.ReportMetric(float64(sum)/starts/1e6, "ms/start")
		b.ReportMetric(float64(worst)/1e6, "ms/worst-start")
		s.await(command)
		f := newFunction(b, s)
		f.want("published", endEvent(command, "Success"))
		b.ReportMetric(float64(peak(f.cmd.Process.Pid))/(1<<20), "MiB")
	}
}
