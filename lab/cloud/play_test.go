package cloud

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// actor is a host that takes 10 s and then ends as it is told to.
type actor End

func (a actor) Run(string, time.Duration) Course {
	return Course{Delivery: time.Second, Duration: 10 * time.Second, Cancel: 2 * time.Second, End: End(a)}
}

func (a actor) Answer(string, time.Time, time.Duration) Answer {
	if End(a) == Fails {
		return Answer{Stdout: "out", Stderr: "err", Code: 7}
	}
	return Answer{Stdout: "out"}
}

func (a actor) Finding() Finding {
	if End(a) == Fails {
		return Finding{Status: "failed", Reason: "busy"}
	}
	return Finding{Status: "clean"}
}

// played is a lab of simulated hosts that end like this, in the order of their ids.
func played(t *testing.T, hosts ...End) *lab {
	t.Helper()
	var instances []Instance
	for n, end := range hosts {
		instances = append(instances, Instance{
			ID: "i-0000000000000000" + string(rune('a'+n)), Tags: map[string]string{"env": "prod"},
			State: running, Launched: launched, Host: actor(end), Online: true,
		})
	}
	l := newLab(t, Config{Check: "Doc"}, instances...)
	if err := l.Publish("Doc", sample); err != nil {
		t.Fatal(err)
	}
	return l
}

// atMost limits a command.
func atMost(concurrency, failures string) func(*ssm.SendCommandInput) {
	return func(in *ssm.SendCommandInput) {
		in.MaxConcurrency, in.MaxErrors = aws.String(concurrency), aws.String(failures)
	}
}

func TestPlay(t *testing.T) {
	l := played(t, Succeeds, Fails, TimesOut, Undeliverable, FallsSilent)
	id := l.send(atMost("100%", "100%"))
	for _, tc := range []struct {
		after time.Duration
		want  string
	}{
		{0, "Pending/Pending 5/0/0/0: Pending/Pending Pending/Pending Pending/Pending Pending/Pending Pending/Pending"},
		{time.Second, "InProgress/InProgress 5/1/0/0: InProgress/InProgress InProgress/InProgress InProgress/InProgress Failed/Undeliverable InProgress/InProgress"},
		{10 * time.Second, "InProgress/InProgress 5/4/2/0: Success/Success Failed/Failed TimedOut/Execution Timed Out Failed/Undeliverable InProgress/InProgress"},
	} {
		l.pass(tc.after)
		if got := l.summary(id); got != tc.want {
			t.Errorf("%s later: %s\nwant %s", tc.after, got, tc.want)
		}
	}
	out, err := l.ssm.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String("i-0000000000000000b")})
	require.NoError(t, err)
	assert.Equal(t, "out", *out.StandardOutputContent, "the answer %+v", out)
	assert.Equal(t, "err", *out.StandardErrorContent)
	assert.Equal(t, int32(7), out.ResponseCode)
	assert.Equal(t, "PT10S", *out.ExecutionElapsedTime)
	l.pass(defaultAgentSilence)
	got := l.truth()
	assert.Equal(t, "missing agent_lost", got["e"], "truth %v", got)
	assert.Equal(t, "clean ", got["a"])
	assert.Equal(t, "failed busy", got["b"])
	assert.Equal(t, "missing execution_timeout", got["c"])
	assert.Equal(t, "missing undeliverable", got["d"])
}

// A host that ends makes room for the next one, also while nobody looks.
func TestPlayOneByOne(t *testing.T) {
	l := played(t, Succeeds, Fails, Succeeds, Succeeds)
	id := l.send(atMost("1", "0"))
	l.pass(25 * time.Second)
	if got, want := l.summary(id), "Failed/Failed 4/4/1/0: Success/Success Failed/Failed Cancelled/Terminated Cancelled/Terminated"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := l.truth(); got["c"] != "missing terminated" {
		t.Errorf("truth %v", got)
	}
}

func TestPlayCancel(t *testing.T) {
	l := played(t, Succeeds, FallsSilent)
	id := l.send(atMost("1", "100%"))
	l.pass(5 * time.Second)
	if _, err := l.ssm.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &id}); err != nil {
		t.Fatal(err)
	}
	if got, want := l.summary(id), "Cancelling/Cancelling 2/1/0/0: Cancelling/Cancelling Cancelled/Cancelled"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	l.pass(2 * time.Second)
	if got, want := l.summary(id), "Cancelled/Cancelled 2/2/0/0: Cancelled/Cancelled Cancelled/Cancelled"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// truth is what the stats say of each host, by the last letter of its id.
func (l *lab) truth() map[string]string {
	l.t.Helper()
	resp, err := http.Get(l.url + "/lab/stats")
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var stats struct{ Truth map[string]Finding }
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		l.t.Fatal(err)
	}
	out := make(map[string]string)
	for id, f := range stats.Truth {
		out[id[len(id)-1:]] = f.Status + " " + f.Reason
	}
	return out
}
