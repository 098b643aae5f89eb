package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

const (
	commandID = "12345678-90ab-cdef-1234-567890abcdef"
	cleanLine = `{"v":1,"status":"clean","added":0,"removed":0,"changed":0,"total":40}`
	driftLine = `{"v":1,"status":"drift","added":2,"removed":0,"changed":1,"fingerprint":"9f86d081884c7d659a2feaa0c55ad015","paths":["+/srv/a"],"more":2}`
	failLine  = `{"v":1,"status":"failed","reason":"baseline_missing","message":"there is none"}`
)

var requested = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

// account is an AWS account as far as a sweep can see it. Each look at the
// command advances it by one step.
type account struct {
	instances   []ec2types.Instance
	nodes       []ssmtypes.InstanceInformation
	invocations []ssmtypes.CommandInvocation

	looks    int       // at the command
	doneAt   int       // look at which the command is done; 0 is never
	onLook   func(int) // called at each
	lostAt   int       // look from which every node that has not answered is lost
	document string
	whole    map[string]string // the output of hosts of which a page holds only the beginning

	mu      sync.Mutex // guards what follows where calls are made side by side
	calls   []string
	metrics []string
}

func (a *account) host(id, name, ping, status, detail, output string, code int) {
	a.instances = append(a.instances, ec2types.Instance{
		InstanceId: aws.String(id), State: &ec2types.InstanceState{Name: ec2types.InstanceStateNameRunning},
		Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String(name)}},
	})
	if ping == "" {
		return
	}
	a.nodes = append(a.nodes, ssmtypes.InstanceInformation{
		InstanceId: aws.String(id), PingStatus: ssmtypes.PingStatus(ping), PlatformType: ssmtypes.PlatformTypeLinux,
	})
	if status == "" {
		return
	}
	a.invocations = append(a.invocations, ssmtypes.CommandInvocation{
		InstanceId: aws.String(id), InstanceName: aws.String(name + ".local"),
		Status: ssmtypes.CommandInvocationStatus(status), StatusDetails: aws.String(detail),
		CommandPlugins: []ssmtypes.CommandPlugin{{
			Output: aws.String(output), ResponseCode: int32(code), ResponseFinishDateTime: aws.Time(requested.Add(12 * time.Second)),
		}},
	})
}

func (a *account) region() Region {
	count := func(name string) { a.calls = append(a.calls, name) }
	return Region{
		Name: "eu-central-1",
		Fleet: fleet.API{
			DescribeInstances: func(_ context.Context, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
				found := slices.Clone(a.instances)
				for _, f := range in.Filters {
					if aws.ToString(f.Name) == "instance-id" {
						found = slices.DeleteFunc(found, func(i ec2types.Instance) bool { return !slices.Contains(f.Values, aws.ToString(i.InstanceId)) })
					}
				}
				return &ec2.DescribeInstancesOutput{Reservations: []ec2types.Reservation{{OwnerId: aws.String("111122223333"), Instances: found}}}, nil
			},
			DescribeInstanceInformation: func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
				if a.lostAt > 0 && a.looks >= a.lostAt {
					for i := range a.nodes {
						if !a.answered(aws.ToString(a.nodes[i].InstanceId)) {
							a.nodes[i].PingStatus = ssmtypes.PingStatusConnectionLost
						}
					}
				}
				return &ssm.DescribeInstanceInformationOutput{InstanceInformationList: slices.Clone(a.nodes)}, nil
			},
		},
		Commands: runcommand.API{
			SendCommand: func(_ context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
				count("SendCommand")
				a.document = aws.ToString(in.DocumentName)
				return &ssm.SendCommandOutput{Command: &ssmtypes.Command{
					CommandId: aws.String(commandID), Status: "Pending", DocumentName: in.DocumentName, Targets: in.Targets, RequestedDateTime: &requested,
				}}, nil
			},
			ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
				a.looks++
				if a.onLook != nil {
					a.onLook(a.looks)
				}
				if a.looks == 1 {
					return &ssm.ListCommandsOutput{}, nil // not visible yet
				}
				c := ssmtypes.Command{
					CommandId: aws.String(commandID), Status: "InProgress", DocumentName: aws.String(a.document), RequestedDateTime: &requested,
					TargetCount: int32(a.hosts()), Targets: []ssmtypes.Target{{Key: aws.String("tag:env"), Values: []string{"prod"}}},
				}
				for _, i := range a.invocations[:c.TargetCount] {
					if a.answered(aws.ToString(i.InstanceId)) {
						c.CompletedCount++
					}
				}
				if a.doneAt > 0 && a.looks >= a.doneAt {
					c.Status = "Failed"
				}
				return &ssm.ListCommandsOutput{Commands: []ssmtypes.Command{c}}, nil
			},
			ListCommandInvocations: func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
				if id := aws.ToString(in.InstanceId); id != "" {
					a.mu.Lock()
					defer a.mu.Unlock()
					count("ListCommandInvocations " + id)
					at := slices.IndexFunc(a.invocations, func(i ssmtypes.CommandInvocation) bool { return aws.ToString(i.InstanceId) == id })
					return &ssm.ListCommandInvocationsOutput{CommandInvocations: a.invocations[at : at+1]}, nil
				}
				count("ListCommandInvocations")
				return &ssm.ListCommandInvocationsOutput{CommandInvocations: slices.Clone(a.invocations)}, nil
			},
			GetCommandInvocation: func(_ context.Context, in *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
				a.mu.Lock()
				defer a.mu.Unlock()
				id := aws.ToString(in.InstanceId)
				count("GetCommandInvocation " + id)
				if a.whole[id] == "" {
					return nil, errors.New("no output of " + id)
				}
				return &ssm.GetCommandInvocationOutput{Status: "Success", StandardOutputContent: aws.String(a.whole[id])}, nil
			},
			CancelCommand: func(context.Context, *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error) {
				count("CancelCommand")
				for i := range a.invocations {
					if !a.answered(aws.ToString(a.invocations[i].InstanceId)) {
						a.invocations[i].Status = "Cancelled"
						a.invocations[i].StatusDetails = aws.String("Cancelled")
					}
				}
				a.doneAt = 1
				return &ssm.CancelCommandOutput{}, nil
			},
		},
		Metrics: metrics.API{PutMetricData: func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			count("PutMetricData")
			for _, d := range in.MetricData {
				a.metrics = append(a.metrics, aws.ToString(d.Dimensions[0].Value)+" "+aws.ToString(d.MetricName))
			}
			return &cloudwatch.PutMetricDataOutput{}, nil
		}},
	}
}

func (a *account) answered(id string) bool {
	for _, i := range a.invocations {
		if aws.ToString(i.InstanceId) == id {
			return i.Status != "InProgress" && i.Status != "Pending"
		}
	}
	return false
}

// hosts is how many the command was sent to, whatever is listed twice.
func (a *account) hosts() int {
	ids := map[string]bool{}
	for _, i := range a.invocations {
		ids[aws.ToString(i.InstanceId)] = true
	}
	return len(ids)
}

func (a *account) called(name string) (n int) {
	for _, c := range a.calls {
		if c == name {
			n++
		}
	}
	return n
}

func options() Options {
	return Options{
		Selector: fleet.Selector{Tags: []fleet.Tag{{Key: "env", Values: []string{"prod"}}}},
		Request:  runcommand.Request{Document: "AideFleet-Check", DeliveryTimeout: time.Minute}, Metrics: Publication{Namespace: "AIDE"}, Clock: clock(),
	}
}

func verdicts(r report.Report) (list []string) {
	for _, h := range r.Hosts {
		text := strings.TrimSpace(fmt.Sprintf("%s %s %s", h.Name, h.Status, h.Reason))
		if h.Counts != nil {
			text += fmt.Sprintf(" +%d -%d ~%d", h.Added, h.Removed, h.Changed)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// TestRun: every way in which a host can answer or be silent, in one fleet.
func TestRun(t *testing.T) {
	a := &account{doneAt: 4}
	a.host("i-01", "drift", "Online", "Success", "Success", driftLine+"\nfor people\n", 0)
	a.host("i-02", "clean", "Online", "Success", "Success", strings.Replace(cleanLine, `"clean"`, `"clean","message":"the configuration was changed"`, 1), 0)
	a.host("i-03", "failed", "Online", "Failed", "Failed", failLine+"\n----------ERROR-------\nwhy", 1)
	a.host("i-04", "garbage", "Online", "Success", "Success", "\x1b[31mhello", 0)
	a.host("i-05", "nothing", "Online", "Failed", "Failed", "", 127)
	a.host("i-06", "liar", "Online", "Failed", "Failed", cleanLine, 137)
	a.host("i-17", "pretender", "Online", "Failed", "Failed", strings.Replace(failLine, "baseline_missing", "agent_lost", 1), 1)
	a.host("i-07", "cut", "Online", "Success", "Success", driftLine[:60], 0)
	a.host("i-08", "lost", "ConnectionLost", "Pending", "Pending", "", -1)
	a.host("i-09", "late", "Online", "TimedOut", "Delivery Timed Out", "", -1)
	a.host("i-10", "slow", "Online", "TimedOut", "ExecutionTimedOut", driftLine, 137)
	a.host("i-11", "stray", "Online", "Failed", "Undeliverable", "", -1)
	a.host("i-12", "spared", "Online", "Failed", "Terminated", "", -1)
	a.host("i-13", "newcomer", "Online", "", "", "", 0)
	a.host("i-14", "bare", "", "", "", "", 0)
	a.host("i-16", "mended", "Online", "Success", "Success", driftLine[:60], 0)
	a.whole = map[string]string{"i-16": driftLine + "\nfor people\n"}
	a.host("i-15", "stuck", "Online", "InProgress", "InProgress", "", -1)
	a.invocations = append(a.invocations, ssmtypes.CommandInvocation{ // not in EC2 any more
		InstanceId: aws.String("i-99"), InstanceName: aws.String("gone"), Status: "Success",
		CommandPlugins: []ssmtypes.CommandPlugin{{Output: aws.String(cleanLine)}},
	})
	// The service lists a host twice now and then.
	a.invocations = append(a.invocations, a.invocations[0])

	r, err := Run(t.Context(), []Region{a.region()}, options())
	if !errors.Is(err, ErrUnfinished) {
		t.Fatalf("error %v, want that a host is unfinished although the command is done", err)
	}
	want := []string{
		"bare missing unmanaged",
		"clean clean +0 -0 ~0",
		"cut failed bad_output",
		"drift drift +2 -0 ~1",
		"failed failed baseline_missing",
		"garbage failed bad_output",
		"gone clean +0 -0 ~0",
		"late missing delivery_timeout",
		"liar failed bad_output",
		"lost missing agent_lost",
		"mended drift +2 -0 ~1",
		"newcomer missing not_targeted",
		"nothing failed bad_output",
		"pretender failed bad_output",
		"slow missing execution_timeout",
		"spared missing terminated",
		"stray missing undeliverable",
		"stuck missing unfinished",
	}
	if got := verdicts(r); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	assert.Equal(t, 1, a.called("SendCommand"), "calls %v: want one send, and nothing published while a host is unfinished", a.calls)
	assert.Equal(t, 0, a.called("PutMetricData"))
	s := r.Summary
	assert.Equal(t, 18, s.Targeted, "summary %+v", s)
	assert.Equal(t, 4, s.Reported)
	assert.Equal(t, 6, s.Failed)
	assert.Equal(t, 8, s.Missing)
	assert.Equal(t, 1, a.called("GetCommandInvocation i-07"), "calls %v: want the whole output of the two hosts whose line is cut, and of no other", a.calls)
	assert.Equal(t, 1, a.called("GetCommandInvocation i-16"))
	assert.False(t, slices.ContainsFunc(a.calls, func(c string) bool {
		return strings.HasPrefix(c, "Get") && !strings.HasSuffix(c, "i-07") && !strings.HasSuffix(c, "i-16")
	}), "calls %v: want the whole output of the two hosts whose line is cut, and of no other", a.calls)
	for _, h := range r.Hosts {
		if h.Status == report.Failed || h.Status == report.Missing {
			if h.Next == "" {
				t.Errorf("%s (%s): nothing is said about what to do", h.Name, h.Reason)
			}
		}
		if h.Name == "garbage" && h.Message != `exit status 0, the host printed: \x1b[31mhello` {
			t.Errorf("message %q: want what the host printed, escaped", h.Message)
		}
		if h.Name == "clean" {
			assert.Equal(t, "the configuration was changed", h.Message, "want what the host said beside its counts")
			assert.Empty(t, h.Next, h.Name)
		}
	}
}

func TestRunPublishes(t *testing.T) {
	a := &account{}
	a.host("i-01", "drift", "Online", "Success", "Success", driftLine, 0)
	a.host("i-02", "failed", "Online", "Failed", "Failed", failLine, 1)
	a.host("i-03", "lost", "ConnectionLost", "Pending", "Pending", "", -1)
	r, err := Run(t.Context(), []Region{a.region()}, options())
	if err != nil {
		t.Fatal(err)
	}
	assert.True(t, r.Started.Equal(requested), "from %s to %s: want from the request to the last host's end", r.Started, r.Finished)
	assert.Equal(t, 12*time.Second, r.Finished.Sub(r.Started))
	require.Len(t, r.Commands, 1)
	assert.Equal(t, report.Command{ID: commandID, Region: "eu-central-1", Account: "111122223333"}, r.Commands[0], "commands %v", r.Commands)
	for _, m := range a.metrics {
		assert.False(t, strings.HasPrefix(m, "failed "), "%s is published: a failed check is never a zero", m)
		assert.False(t, strings.HasPrefix(m, "lost "), "%s is published: a failed check is never a zero", m)
	}
	assert.Contains(t, a.metrics, "drift changed")
	assert.Equal(t, "env=prod SweepCompleted", a.metrics[len(a.metrics)-1], "published %q", a.metrics)
}

// TestRunLosesAgent: an agent that dies in the middle of a check is not waited
// for until the command expires.
func TestRunLosesAgent(t *testing.T) {
	a := &account{lostAt: 5}
	a.host("i-01", "well", "Online", "Success", "Success", cleanLine, 0)
	a.host("i-02", "dies", "Online", "InProgress", "InProgress", "", -1)
	r, err := Run(t.Context(), []Region{a.region()}, options())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := verdicts(r), []string{"dies missing agent_lost", "well clean +0 -0 ~0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if a.called("ListCommandInvocations") != 1 {
		t.Errorf("the results were listed %d times", a.called("ListCommandInvocations"))
	}
}

// TestRunReadsAhead: what 998 of 1,000 hosts said is read while the last two are at
// work, and only those are asked for then.
func TestRunReadsAhead(t *testing.T) {
	a := &account{}
	for n := range 998 {
		a.host(fmt.Sprintf("i-%04d", n), fmt.Sprintf("quick-%d", n), "Online", "Success", "Success", cleanLine, 0)
	}
	a.host("i-1000", "slow", "Online", "InProgress", "InProgress", "", -1)
	a.host("i-1001", "slower", "Online", "InProgress", "InProgress", "", -1)
	a.onLook = func(n int) {
		if n != 6 {
			return
		}
		if got := a.called("ListCommandInvocations"); got != 1 {
			t.Errorf("the others were read %d times until the last hosts ended, want once", got)
		}
		for i := 998; i < 1000; i++ {
			a.invocations[i].Status, a.invocations[i].StatusDetails = "Success", aws.String("Success")
			a.invocations[i].CommandPlugins[0].Output, a.invocations[i].CommandPlugins[0].ResponseCode = aws.String(driftLine), 0
		}
		a.doneAt = 6
	}
	r, err := Run(t.Context(), []Region{a.region()}, options())
	assert.NoError(t, err)
	assert.Equal(t, 1000, r.Summary.Targeted, "%+v", r.Summary)
	assert.Equal(t, 998, r.Summary.Clean)
	assert.Equal(t, 2, r.Summary.Changed)
	assert.Equal(t, 1, a.called("ListCommandInvocations"), "calls %v: want one page of all, and one of each late host", a.calls)
	assert.Equal(t, 1, a.called("ListCommandInvocations i-1000"))
	assert.Equal(t, 1, a.called("ListCommandInvocations i-1001"))
}

func TestRunNobodyReachable(t *testing.T) {
	a := &account{}
	a.host("i-01", "lost", "ConnectionLost", "", "", "", 0)
	a.host("i-02", "bare", "", "", "", "", 0)
	r, err := Run(t.Context(), []Region{a.region()}, options())
	if err != nil {
		t.Fatal(err)
	}
	assert.Equal(t, 0, a.called("SendCommand"), "calls %v, summary %+v: silence is a finding, and costs no command", a.calls, r.Summary)
	assert.Equal(t, 2, r.Summary.Missing)
	assert.Contains(t, a.metrics, "env=prod HostsMissing")
}

func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := &account{onLook: func(n int) {
		if n == 3 {
			cancel()
		}
	}}
	a.host("i-01", "quick", "Online", "Success", "Success", driftLine, 0)
	a.host("i-02", "slow", "Online", "InProgress", "InProgress", "", -1)
	r, err := Run(ctx, []Region{a.region()}, options())
	var interrupted *InterruptedError
	require.ErrorAs(t, err, &interrupted)
	require.Equal(t, commandID, interrupted.CommandID)
	require.NoError(t, interrupted.Cancel)
	if got, want := verdicts(r), []string{"quick drift +2 -0 ~1", "slow missing cancelled"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	assert.Equal(t, 1, a.called("CancelCommand"), "calls %v", a.calls)
	assert.Equal(t, 0, a.called("PutMetricData"))
}

func TestRunInterruptedBeforeSend(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := &account{}
	a.host("i-01", "web", "Online", "Success", "Success", cleanLine, 0)
	_, err := Run(ctx, []Region{a.region()}, options())
	assert.ErrorIs(t, err, context.Canceled, "calls %v", a.calls)
	assert.Equal(t, 0, a.called("SendCommand"))
}

func TestRunWait(t *testing.T) {
	a := &account{}
	a.host("i-01", "quick", "Online", "Success", "Success", cleanLine, 0)
	a.host("i-02", "slow", "Online", "InProgress", "InProgress", "", -1)
	o := options()
	o.Wait, o.Clock.Pace.Sleep = time.Nanosecond, func(ctx context.Context, _ time.Duration) error { <-ctx.Done(); return ctx.Err() }
	a.looks = 1
	r, err := Run(t.Context(), []Region{a.region()}, o)
	if !errors.Is(err, ErrUnfinished) {
		t.Fatalf("error %v", err)
	}
	if got, want := verdicts(r), []string{"quick clean +0 -0 ~0", "slow missing unfinished"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	assert.Equal(t, 0, a.called("CancelCommand"), "calls %v: the command goes on, and is collected later", a.calls)
	assert.Equal(t, 0, a.called("PutMetricData"))
}

func TestCollect(t *testing.T) {
	a := &account{looks: 1, document: "AideFleet-Check"}
	a.host("i-01", "drift", "Online", "Success", "Success", driftLine, 0)
	a.host("i-02", "since", "Online", "", "", "", 0)
	a.instances[1].LaunchTime = aws.Time(requested.Add(time.Hour))
	got, err := Collect(t.Context(), a.region(), []string{commandID}, collectOptions())
	if err != nil {
		t.Fatal(err)
	}
	if a.called("PutMetricData") != 0 {
		t.Error("collecting publishes")
	}
	if err := got.Publish(t.Context()); err != nil {
		t.Error(err)
	}
	r := got.Report
	if got, want := verdicts(r), []string{"drift drift +2 -0 ~1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: a host that was launched later was not meant", got, want)
	}
	assert.Equal(t, "env=prod", r.Fleet, "fleet %q, calls %v", r.Fleet, a.calls)
	assert.Equal(t, 0, a.called("SendCommand"))
	assert.Equal(t, 2, a.called("PutMetricData"))
}

func TestCollectRefuses(t *testing.T) {
	a := &account{looks: 1, document: "AWS-RunShellScript"}
	_, err := Collect(t.Context(), a.region(), []string{commandID}, collectOptions())
	assert.ErrorContains(t, err, "AWS-RunShellScript")
	if _, err := Collect(t.Context(), a.region(), []string{"00000000-90ab-cdef-1234-567890abcdef"}, collectOptions()); !errors.Is(err, runcommand.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestPublishingFails(t *testing.T) {
	a := &account{doneAt: 2}
	a.host("i-01", "drift", "Online", "Success", "Success", driftLine, 0)
	region := a.region()
	region.Metrics.PutMetricData = func(context.Context, *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
		return nil, errors.New("denied")
	}
	r, err := Run(t.Context(), []Region{region}, options())
	require.Error(t, err, "%d hosts, error the report must not be lost with the metrics", len(r.Hosts))
	assert.Len(t, r.Hosts, 1)
}

// clock is a minute after the request, and waits for nothing.
func clock() Clock {
	return Clock{
		Now:  func() time.Time { return requested.Add(time.Minute) },
		Pace: runcommand.Pace{First: time.Second, Max: 15 * time.Second, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}
}

func collectOptions() CollectOptions {
	return CollectOptions{Document: "AideFleet-Check", Metrics: Publication{Namespace: "AIDE"}, Clock: clock()}
}
