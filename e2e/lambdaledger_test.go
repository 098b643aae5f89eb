package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/lab"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/notify"
)

// digest is an event with what is new, as the lab's event bus got it.
type digest struct {
	Source, DetailType string
	Detail             json.RawMessage
	notify.Digest      `json:"-"`
}

// published is what the subscribers of a topic got.
type published struct{ Topic, Subject, Mail, HTTPS string }

// told is what was put on the event bus, and published to topics.
func (s simulated) told() (events []digest, list []published) {
	s.tb.Helper()
	resp, err := http.Get(s.url + "/lab/stats")
	require.NoError(s.tb, err)
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		Events    []digest
		Published []published
	}
	require.NoError(s.tb, json.NewDecoder(resp.Body).Decode(&got))
	for i := range got.Events {
		require.NoError(s.tb, json.Unmarshal(got.Events[i].Detail, &got.Events[i].Digest))
	}
	return got.Events, got.Published
}

// event is the digest as EventBridge delivers it.
func (d digest) event() string {
	return `{"version":"0","id":"51c0891d-0e34-45b1-83d6-95db273d1602","detail-type":"` + d.DetailType + `","source":"` + d.Source + `","detail":` + string(d.Detail) + `}`
}

// lastCommand is the id of the newest command of a document.
func (s simulated) lastCommand(document string) string {
	s.tb.Helper()
	out, err := ssm.NewFromConfig(s.sdk()).ListCommands(s.tb.Context(), &ssm.ListCommandsInput{})
	require.NoError(s.tb, err)
	for _, c := range out.Commands {
		if *c.DocumentName == document {
			return *c.CommandId
		}
	}
	s.tb.Fatalf("nobody has run %s", document)
	return ""
}

// TestLambdaLedger: the function remembers, records what the console did, and tells of a
// suspect host once, each event delivered twice.
func TestLambdaLedger(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	s := simulated{t, f.dir, f.url}
	function := newFunction(t, s, "ORCHESTRATOR_TOPIC=arn:aws:sns:us-east-1:123456789012:alarms")
	scheduled := time.Now()
	sweep := func() string {
		t.Helper()
		scheduled = scheduled.Add(time.Minute)
		started := function.want("started", `{"sweep":{"tags":{"role":["web"]},"fleet":"web"},"scheduled":"`+scheduled.UTC().Format(time.RFC3339)+`"}`)
		s.await(started.Command)
		published := function.want("published", endEvent(started.Command, "Success"))
		function.want("nothing", endEvent(started.Command, "Success"))
		return published.Report
	}
	for _, h := range s.kept(sweep()).Hosts {
		assert.True(t, h.FirstSeen, h.Name)
	}

	f.on("web-1", "sleep 1; echo 2.0 >/srv/app/VERSION")
	f.document("web-1", "AideFleet-Init", "force=true,yes=true")
	command := s.lastCommand("AideFleet-Init")
	ended := strings.Replace(endEvent(command, "Success"), "AideFleet-Check", "AideFleet-Init", 1)
	function.want("recorded", ended)
	function.want("nothing", ended)
	l, err := ledger.Open(bucketLedger, "", api(s.sdk()))
	require.NoError(t, err)
	var console []ledger.Action
	require.NoError(t, l.Actions(t.Context(), time.Now().Add(-time.Hour), time.Now(), func(a ledger.Action) {
		if a.Console {
			console = append(console, a)
		}
	}))
	require.Len(t, console, 1)
	assert.Equal(t, ledger.Init, console[0].Kind)
	assert.True(t, console[0].Force)
	assert.Equal(t, "arn:aws:iam::123456789012:user/lab", console[0].Who)
	assert.NotEmpty(t, console[0].Hosts[0].Before.Baseline)
	for _, h := range s.kept(sweep()).Hosts {
		assert.Empty(t, h.Suspect, h.Name)
	}
	before, _ := s.told()
	for _, d := range before {
		assert.Empty(t, d.Suspects, d.Text)
	}

	f.on("web-2", "echo 2.0 >/srv/app/VERSION; "+rewriteByAIDE)
	assert.Equal(t, 1, s.kept(sweep()).Summary.Suspect)
	events, _ := s.told()
	events = events[len(before):]
	require.Len(t, events, 1)
	assert.Equal(t, "aidefleet", events[0].Source)
	assert.Equal(t, "Findings", events[0].DetailType)
	assert.Equal(t, "web", events[0].Fleet)
	require.Len(t, events[0].Suspects, 1)
	assert.Equal(t, "web-2", events[0].Suspects[0].Name)
	assert.Contains(t, events[0].Text, "  baseline_unexpected: ")

	_, worst := s.samples("HostsSuspect", "web")
	assert.Equal(t, 1.0, worst)

	// It is mailed, and the next sweep tells nobody of it again.
	function.want("posted", events[0].event())
	_, mails := s.told()
	require.Len(t, mails, 1)
	assert.Equal(t, "aidefleet web: 1 suspect host", mails[0].Subject)
	assert.Contains(t, mails[0].Mail, "\n  if it is well: orchestrator trust --instance ")
	assert.Contains(t, mails[0].HTTPS, `"source":"custom"`)
	time.Sleep(time.Second) // sweeps of one second are one
	sweep()
	again, _ := s.told()
	assert.Len(t, again, len(before)+1, "%s", again[len(again)-1].Text)
}

// TestLambdaWithoutLedger: S3 answers 403, and metrics and alarms are there.
func TestLambdaWithoutLedger(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "2ms", "--speed", "600", "--drift", "0", "--fail", "0.1")
	target, err := url.Parse(s.url)
	require.NoError(t, err)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/"+lab.Bucket) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	function := newFunction(t, simulated{t, s.dir, proxy.URL})
	started := function.want("started", startEvent("prod", time.Now()))
	s.await(started.Command)
	a, alive := function.deliver(endEvent(started.Command, "Success"), time.Minute)
	require.True(t, alive)
	assert.Contains(t, a.ErrorMessage, "the sweep is not in the ledger")
	s.publishedOnce("prod")
	_, failed := s.samples("HostsFailedUnheld", "prod")
	assert.Greater(t, failed, 0.0)
}

// TestLambdaFleetHeld: the reconcile writes that all of the fleet is held, while it is.
func TestLambdaFleetHeld(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "2ms", "--speed", "600")
	function := newFunction(t, s, "ORCHESTRATOR_FLEET=shop", "ORCHESTRATOR_TARGET=env=prod")
	held := func() float64 {
		t.Helper()
		function.want("reconciled", reconcileEvent)
		n, _ := s.samples("FleetHeld", "shop")
		return n
	}
	hold := func(args ...string) string {
		t.Helper()
		out, err := s.program(append([]string{"hold"}, append(args, "--ledger", bucketLedger)...)...).Output()
		require.NoError(t, err, string(out))
		id, _, _ := strings.Cut(string(out), " ")
		return id
	}
	assert.Zero(t, held())
	hold("--tag", "role=web", "--for", "1h", "--why", "some of it")
	assert.Zero(t, held())
	id := hold("--tag", "env=prod,dev", "--for", "1h", "--why", "all of it")
	assert.Equal(t, 1.0, held())
	hold("end", id)
	assert.Equal(t, 1.0, held(), "no more than before")
}

// TestStackLedger: the orchestrator finds the ledger that the stack names.
func TestStackLedger(t *testing.T) {
	t.Parallel()
	s := simulate(t, 20, "--latency", "2ms", "--speed", "600")
	_, err := ssm.NewFromConfig(s.sdk()).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/aidefleet/ledger"), Value: aws.String(bucketLedger), Type: ssmtypes.ParameterTypeString,
	})
	require.NoError(t, err)
	run := func(args ...string) string {
		t.Helper()
		cmd := s.program(args...)
		cmd.Env = append(cmd.Env, "ORCHESTRATOR_LEDGER=")
		out, _ := cmd.Output() // drift is no failure here
		return string(out)
	}
	assert.Equal(t, bucketLedger+"\n", run("ledger", "where"))
	run("sweep", "--tag", "env=prod")
	l, err := ledger.Open(bucketLedger, "", api(s.sdk()))
	require.NoError(t, err)
	sweeps, err := l.Sweeps(t.Context(), "env=prod", time.Time{}, time.Now())
	require.NoError(t, err)
	assert.Len(t, sweeps, 1)
}
