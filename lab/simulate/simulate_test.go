package simulate

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/lab/cloud"
	"aidefleet/lab/sigv4"
	"aidefleet/node/result"
	documents "aidefleet/ssm-documents"
)

// mixed has hosts of every kind.
var mixed = Shares{
	Stopped: 0.02, Unmanaged: 0.02, LoseAgent: 0.02, Undeliverable: 0.02, TimeOut: 0.02,
	Garbage: 0.1, Fail: 0.1, Drift: 0.2, LongOutput: 0.05,
}

func fleet(t *testing.T, o Options) []cloud.Instance {
	t.Helper()
	instances, err := New(o, time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return instances
}

func TestFleetFollowsTheSeed(t *testing.T) {
	o := Options{Hosts: 1000, Seed: 7, Speed: 60, Shares: mixed}
	one, again := fleet(t, o), fleet(t, o)
	if !reflect.DeepEqual(one, again) {
		t.Error("the same seed makes other hosts")
	}
	o.Seed = 8
	if other := fleet(t, o); one[0].ID == other[0].ID {
		t.Error("another seed makes the same hosts")
	}
	count := make(map[string]int)
	ids := make(map[string]bool)
	began := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	for n, i := range one {
		ids[i.ID] = true
		h := i.Host.(*host)
		count[fmt.Sprint(h.kind)]++
		count[i.Tags["env"]]++
		count[fmt.Sprint(h.long)]++
		a, b := i.Host.Answer(documents.Check, began, time.Second), again[n].Host.Answer(documents.Check, began, time.Second)
		assert.Equal(t, b, a, "%s does not do the same again", i.Name)
		assert.Equal(t, again[n].Host.Run(documents.Check, time.Hour), i.Host.Run(documents.Check, time.Hour), i.Name)
	}
	assert.Equal(t, "host-000001", one[0].Name, "first host %+v, %d ids", one[0], len(ids))
	assert.Len(t, one[0].ID, len("i-0123456789abcdef0"))
	assert.Len(t, ids, 1000)
	assert.Equal(t, 20, count["1"], "kinds %v: shares are exact", count)
	assert.Equal(t, 20, count["2"])
	assert.Equal(t, 10, count["3"])
	assert.Equal(t, 10, count["4"])
	assert.Equal(t, 100, count["8"])
	assert.Equal(t, 200, count["9"])
	assert.Equal(t, 50, count["true"])
	assert.GreaterOrEqual(t, count["prod"], 850)
	assert.LessOrEqual(t, count["prod"], 950)
}

func TestOptionsCheck(t *testing.T) {
	for _, o := range []Options{
		{Hosts: 0, Speed: 1}, {Hosts: MaxHosts + 1, Speed: 1}, {Hosts: 1}, {Hosts: 1, Speed: -1},
		{Hosts: 1, Speed: 1, Shares: Shares{Drift: -0.1}},
		{Hosts: 1, Speed: 1, Shares: Shares{LongOutput: 1.1}},
		{Hosts: 1, Speed: 1, Shares: Shares{Drift: 0.6, Fail: 0.6}},
	} {
		if o.Check() == nil {
			t.Errorf("taken: %+v", o)
		}
	}
	if err := (Options{Hosts: 1, Speed: 1, Shares: Shares{Drift: 1, LongOutput: 1}}).Check(); err != nil {
		t.Error(err)
	}
}

// What a host prints says what is true of it, in the eyes of whoever reads lines.
func TestAnswersSayTheTruth(t *testing.T) {
	fingerprints := make(map[string]int)
	for _, i := range fleet(t, Options{Hosts: 3000, Seed: 1, Speed: 60, Shares: Shares{Garbage: 0.2, Fail: 0.2, Drift: 0.3, LongOutput: 0.1}}) {
		a, f := i.Host.Answer(documents.Check, i.Launched, time.Second), i.Host.Finding()
		if got := i.Host.Run(documents.Check, time.Hour).End == cloud.Fails; got != (a.Code != 0) {
			t.Errorf("%s fails: %t, with exit status %d", i.Name, got, a.Code)
		}
		if h := i.Host.(*host); h.long && h.kind != printsTrash && len(a.Stdout) != longOutput {
			t.Errorf("%s prints %d bytes", i.Name, len(a.Stdout))
		}
		l, err := result.Parse([]byte(a.Stdout))
		readable := err == nil && (a.Code != 0) == (l.Status == result.Failed)
		switch {
		case f.Reason == "bad_output":
			if readable {
				t.Errorf("%s: garbage is read: %q", i.Name, a.Stdout[:min(len(a.Stdout), 200)])
			}
		case !readable:
			t.Errorf("%s: %v, exit status %d: %q", i.Name, err, a.Code, a.Stdout[:min(len(a.Stdout), 200)])
		case string(l.Status) != f.Status || string(l.Reason) != f.Reason:
			t.Errorf("%s says %s %s, it is %+v", i.Name, l.Status, l.Reason, f)
		case l.Counts != nil && (l.Added != f.Added || l.Removed != f.Removed || l.Changed != f.Changed):
			t.Errorf("%s says %+v, it is %+v", i.Name, *l.Counts, f)
		case l.Status == result.Drift:
			fingerprints[l.Fingerprint]++
		}
	}
	most := slices.Max(slices.Collect(maps.Values(fingerprints)))
	assert.GreaterOrEqual(t, most, 150, "%d fingerprints, the largest cohort %d: want deploys and changes of a host's own", len(fingerprints), most)
	assert.GreaterOrEqual(t, len(fingerprints), 150)
}

// Documents other than the check succeed.
func TestOtherDocuments(t *testing.T) {
	for _, i := range fleet(t, Options{Hosts: 100, Speed: 1, Shares: Shares{Fail: 0.5, Drift: 0.5}}) {
		l, err := result.Parse([]byte(i.Host.Answer(documents.Init, i.Launched, time.Second).Stdout))
		require.NoError(t, err, "%+v", l)
		require.Equal(t, result.Clean, l.Status, "%+v", l)
		require.Equal(t, cloud.Succeeds, i.Host.Run(documents.Init, time.Hour).End, "%+v", l)
	}
}

// At speed 60 everything that ends has ended after 5 s and the delivery.
func TestTimes(t *testing.T) {
	var took []time.Duration
	for _, i := range fleet(t, Options{Hosts: 10000, Seed: 1, Speed: 60, Shares: Shares{TimeOut: 0.01}}) {
		c := i.Host.Run(documents.Check, 4*time.Hour)
		took = append(took, c.Delivery+c.Duration)
	}
	slices.Sort(took)
	if most := took[len(took)-1]; most > 5050*time.Millisecond {
		t.Errorf("the last one ends after %s", most)
	}
	m := took[len(took)/2]
	assert.GreaterOrEqual(t, m, 900*time.Millisecond)
	assert.LessOrEqual(t, m, 1200*time.Millisecond)
}

var (
	key  = sigv4.Key{ID: "AKIDEXAMPLE", Secret: "secret", Account: "123456789012"}
	keys = sigv4.New(key)
)

// What the pages say is what the stats say, for every host.
func TestPagesSayTheTruth(t *testing.T) {
	const hosts = 5000
	account := cloud.New(cloud.Config{
		Region: "us-east-1", Account: "123456789012", Keys: keys, Consistency: -1, Check: documents.Check,
		AgentSilence: time.Nanosecond, Faults: cloud.Faults{RepeatPages: 0.05},
	}, fleet(t, Options{Hosts: hosts, Seed: 3, Speed: 1e6, Shares: mixed})...)
	for _, d := range documents.All() {
		if err := account.Publish(d.Name, d.Content); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(account)
	defer server.Close()
	api := ssm.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
	sent, err := api.SendCommand(t.Context(), &ssm.SendCommandInput{
		DocumentName: aws.String(documents.Check), MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("100%"),
		Targets: []types.Target{{Key: aws.String("tag:env"), Values: []string{"prod", "dev"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Those without an agent never end: 1 % are silent, 1 % fall silent.
	const ended = hosts - 200 - 100
	for look, completed := 0, int32(0); completed != ended; look++ {
		out, err := api.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: sent.Command.CommandId})
		if err != nil {
			t.Fatal(err)
		}
		if completed = out.Commands[0].CompletedCount; look == 1000 {
			t.Fatalf("%d hosts have ended, want %d", completed, ended)
		}
	}
	pages := make(map[string]types.CommandInvocation)
	in := &ssm.ListCommandInvocationsInput{CommandId: sent.Command.CommandId, Details: true}
	for asked := ""; ; asked = aws.ToString(in.NextToken) {
		out, err := api.ListCommandInvocations(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.CommandInvocations {
			pages[aws.ToString(i.InstanceId)] = i
		}
		if in.NextToken = out.NextToken; out.NextToken == nil || *out.NextToken == asked {
			break
		}
	}
	var stats struct {
		Calls, Faults, Commands map[string]int
		Truth                   map[string]cloud.Finding
	}
	resp, err := http.Get(server.URL + "/lab/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	assert.Len(t, stats.Truth, hosts, "%d hosts in the truth, %d on the pages, commands %v", len(stats.Truth), len(pages), stats.Commands)
	assert.Len(t, pages, hosts-200)
	assert.Equal(t, 1, stats.Commands[documents.Check])
	assert.Equal(t, 1, stats.Calls["SendCommand"])
	assert.NotZero(t, stats.Faults["repeats"], "faults %v, calls %v: no page came twice", stats.Faults, stats.Calls)
	assert.GreaterOrEqual(t, stats.Calls["ListCommandInvocations"], 97)
	reasons := make(map[string]int)
	for id, want := range stats.Truth {
		reasons[want.Status+" "+want.Reason]++
		i, listed := pages[id]
		got := seen(i, listed)
		assert.Equal(t, want.Status, got.Status, "%s: the pages say %+v, the truth is %+v", id, got, want)
		if want.Reason != "agent_lost" && want.Reason != "stopped" && want.Reason != "unmanaged" {
			assert.Equal(t, want, got, id)
		}
	}
	for reason, count := range map[string]int{
		"missing stopped": 100, "missing unmanaged": 100, "missing agent_lost": 100, "missing undeliverable": 100,
		"missing execution_timeout": 100, "failed bad_output": 500, "drift ": 1000,
	} {
		if reasons[reason] != count {
			t.Errorf("%s: %d hosts, want %d", reason, reasons[reason], count)
		}
	}
}

// seen is what an invocation says of its host.
func seen(i types.CommandInvocation, listed bool) cloud.Finding {
	switch detail := aws.ToString(i.StatusDetails); {
	case !listed || detail == "Pending" || detail == "InProgress":
		return cloud.Finding{Status: "missing"}
	case detail == "Undeliverable":
		return cloud.Finding{Status: "missing", Reason: "undeliverable"}
	case detail == "Execution Timed Out":
		return cloud.Finding{Status: "missing", Reason: "execution_timeout"}
	}
	p := i.CommandPlugins[0]
	l, err := result.Parse([]byte(aws.ToString(p.Output)))
	if err != nil || (p.ResponseCode != 0) != (l.Status == result.Failed) {
		return cloud.Finding{Status: "failed", Reason: "bad_output"}
	}
	f := cloud.Finding{Status: string(l.Status), Reason: string(l.Reason)}
	if l.Counts != nil {
		f.Added, f.Removed, f.Changed = l.Added, l.Removed, l.Changed
	}
	return f
}

// A host costs about a kilobyte, with a command on it.
func TestMemory(t *testing.T) {
	const hosts = 50000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	account := cloud.New(cloud.Config{Region: "us-east-1", Account: "123456789012", Keys: keys, Consistency: -1, Check: documents.Check},
		fleet(t, Options{Hosts: hosts, Seed: 1, Speed: 1, Shares: Default.Shares})...)
	d := check(t)
	if err := account.Publish(d.Name, d.Content); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(account)
	defer server.Close()
	api := ssm.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
	})
	if _, err := api.SendCommand(t.Context(), &ssm.SendCommandInput{
		DocumentName: aws.String(documents.Check), MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("100%"),
		Targets: []types.Target{{Key: aws.String("tag:env"), Values: []string{"prod", "dev"}}},
	}); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / hosts
	t.Logf("%d bytes a host", each)
	if each > 1400 {
		t.Errorf("%d bytes a host", each)
	}
	runtime.KeepAlive(account)
}

// check is the document that hosts are checked by.
func check(t *testing.T) documents.Document {
	t.Helper()
	for _, d := range documents.All() {
		if d.Name == documents.Check {
			return d
		}
	}
	t.Fatalf("there is no document %s", documents.Check)
	return documents.Document{}
}
