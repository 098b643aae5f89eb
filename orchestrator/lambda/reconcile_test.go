package lambda

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
)

// account is an account with some commands in its history, of one host each.
type account struct {
	commands  []ssmtypes.Command
	ended     map[string]time.Time // of the host, by command
	cancelled []string
	published []string // "FLEET TIME" of the requests
	points    []cwtypes.MetricDatum
	kept      []string
	fail      string // an operation that fails
}

// sent adds a command that was sent some time ago, and whose host ended some time
// ago.
func (a *account) sent(number int, comment, status string, ago, endedAgo time.Duration) string {
	id := fmt.Sprintf("00000000-0000-0000-0000-%012d", number)
	a.commands = append(a.commands, ssmtypes.Command{
		CommandId: &id, Comment: &comment, DocumentName: sdk.String("AideFleet-Check"), Status: ssmtypes.CommandStatus(status),
		RequestedDateTime: sdk.Time(now.Add(-ago)), ExpiresAfter: sdk.Time(now.Add(-ago).Add(4 * time.Hour)),
		TargetCount: 1, CompletedCount: 1, Targets: []ssmtypes.Target{{Key: sdk.String("tag:env"), Values: []string{"prod"}}},
	})
	if a.ended == nil {
		a.ended = map[string]time.Time{}
	}
	a.ended[id] = now.Add(-endedAgo)
	return id
}

func (a *account) refuses(operation string) error {
	if a.fail == operation {
		return errors.New(operation + " is refused")
	}
	return nil
}

func (a *account) function() *function {
	region := sweep.Region{
		Name: "eu-central-1",
		Fleet: fleet.API{
			DescribeInstances: func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
				return &ec2.DescribeInstancesOutput{}, a.refuses("DescribeInstances")
			},
			DescribeInstanceInformation: func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
				return &ssm.DescribeInstanceInformationOutput{}, nil
			},
		},
		Commands: runcommand.API{
			ListCommands: func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
				out := &ssm.ListCommandsOutput{}
				for _, c := range a.commands {
					if in.CommandId == nil || *in.CommandId == *c.CommandId {
						out.Commands = append(out.Commands, c)
					}
				}
				return out, a.refuses("ListCommands")
			},
			ListCommandInvocations: func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
				return &ssm.ListCommandInvocationsOutput{CommandInvocations: []ssmtypes.CommandInvocation{{
					InstanceId: sdk.String("i-" + (*in.CommandId)[28:]), Status: "Success", StatusDetails: sdk.String("Success"),
					CommandPlugins: []ssmtypes.CommandPlugin{{
						Output:                 sdk.String(`{"v":1,"status":"clean","added":0,"removed":0,"changed":0,"total":40}`),
						ResponseFinishDateTime: sdk.Time(a.ended[*in.CommandId]),
					}},
				}}}, a.refuses("ListCommandInvocations")
			},
			CancelCommand: func(_ context.Context, in *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error) {
				a.cancelled = append(a.cancelled, *in.CommandId)
				for i := range a.commands {
					if *a.commands[i].CommandId == *in.CommandId {
						a.commands[i].Status = ssmtypes.CommandStatusCancelled
					}
				}
				return &ssm.CancelCommandOutput{}, nil
			},
		},
		Metrics: metrics.API{
			PutMetricData: func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
				if err := a.refuses("PutMetricData"); err != nil {
					return nil, err
				}
				a.points = append(a.points, in.MetricData...)
				for _, d := range in.MetricData {
					if *d.MetricName == "SweepCompleted" {
						a.published = append(a.published, *d.Dimensions[0].Value+" "+d.Timestamp.Format(time.TimeOnly))
					}
				}
				return &cloudwatch.PutMetricDataOutput{}, nil
			},
			GetMetricStatistics: func(_ context.Context, in *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
				out := &cloudwatch.GetMetricStatisticsOutput{}
				for _, d := range a.points {
					if *d.MetricName != *in.MetricName || *d.Dimensions[0].Value != *in.Dimensions[0].Value ||
						d.Timestamp.Before(*in.StartTime) || !d.Timestamp.Before(*in.EndTime) {
						continue
					}
					// What is old when it is written is read hours later (PutMetricData).
					if now.Sub(*d.Timestamp) < 3*time.Hour {
						out.Datapoints = append(out.Datapoints, cwtypes.Datapoint{Minimum: d.Value, Maximum: d.Value})
					}
				}
				return out, a.refuses("GetMetricStatistics")
			},
		},
	}
	return &function{
		collecting: region, namespace: "AIDE", log: slog.New(slog.DiscardHandler),
		now: func() time.Time { return now }, published: map[string]bool{}, stamped: map[string]time.Time{},
		pace:   runcommand.Pace{First: time.Millisecond, Max: time.Millisecond, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		ledger: &ledger.Ledger{Store: &memory{account: a, objects: map[string][]byte{}}},
	}
}

// TestReconcile: what nobody has published is, the oldest first; what somebody
// else publishes, or wants private, is left alone; what hangs is ended.
func TestReconcile(t *testing.T) {
	a := &account{}
	a.sent(9, "aidefleet start 20261124T045000Z fleet=fresh", "Success", 10*time.Minute, 5*time.Minute)
	a.sent(8, "aidefleet sweep r8 fleet=operator", "Success", 30*time.Minute, 5*time.Minute) // its sender may be publishing
	a.sent(7, "aidefleet sweep r7 fleet=forgotten", "Failed", 2*time.Hour, time.Hour)
	a.sent(6, "aidefleet unpublished r6", "Success", 3*time.Hour, 2*time.Hour)
	a.sent(11, "aidefleet sweep r11 fleet=stopped", "Cancelled", 3*time.Hour, 2*time.Hour) // by Ctrl-C
	a.sent(5, "aidefleet sweep r5 1/2 fleet=half", "Success", 50*time.Minute, 40*time.Minute)
	a.sent(10, "aidefleet sweep r10 1/2 fleet=torn", "Success", 130*time.Minute, 2*time.Hour) // the other was never sent
	silent := a.sent(12, "aidefleet sweep r12 fleet=silent", "TimedOut", 6*time.Hour, 0)
	delete(a.ended, silent)
	a.sent(4, "aidefleet sweep r4 2/2 fleet=whole", "Success", 200*time.Minute, 2*time.Hour)
	a.sent(3, "aidefleet sweep r4 1/2 fleet=whole", "Success", 201*time.Minute, 2*time.Hour)
	hangs := a.sent(2, "aidefleet start r2 fleet=hangs", "InProgress", 5*time.Hour, 0)
	a.sent(1, "", "TimedOut", 6*time.Hour, 5*time.Hour) // the console's
	a.sent(0, "aidefleet start r0 fleet=works", "InProgress", 4*time.Hour, 0)
	f := a.function()
	o, err := f.reconcile(t.Context(), reconcile{back: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"env=prod 23:00:10", "silent 23:00:10", "hangs 00:00:10", "whole 01:39:10", "torn 02:50:10", "forgotten 03:00:10", "fresh 04:50:10"}
	if !slices.Equal(a.published, want) {
		t.Errorf("published %q, want %q; %q", a.published, want, o.Sweeps)
	}
	if !slices.Equal(a.cancelled, []string{hangs}) {
		t.Errorf("cancelled %q, want the one that hangs", a.cancelled)
	}
	require.Len(t, a.kept, 7*3) // the report, its page and the fleet's
	assert.Equal(t, "sweeps/fleet=whole/date=2026-11-24/20261124T013910Z-unknown-eu-central-1-r4.json.gz", a.kept[3*3], "kept %q", a.kept)

	// Once more, and by a process that remembers nothing: nothing is published twice.
	for _, again := range []*function{f, a.function()} {
		_, err := again.reconcile(t.Context(), reconcile{back: 24 * time.Hour})
		require.NoError(t, err, "again: %q", a.published)
		assert.Len(t, a.published, 7, "again: %q", a.published)
	}
}

// TestReconcileGoesOn: one sweep that cannot be collected is an error, and keeps
// no other from being collected.
func TestReconcileGoesOn(t *testing.T) {
	a := &account{}
	a.sent(1, "aidefleet start r1 fleet=bad", "Success", 2*time.Hour, time.Hour)
	a.sent(0, "aidefleet start r0 fleet=good", "Success", time.Hour, time.Hour)
	f := a.function()
	f.ledger = &ledger.Ledger{Store: &memory{account: a, objects: map[string][]byte{}, refused: "fleet=bad"}}
	_, err := f.reconcile(t.Context(), reconcile{back: 24 * time.Hour})
	assert.ErrorContains(t, err, "memory/hosts/fleet=bad/")
	assert.Equal(t, []string{"bad 03:00:10", "good 04:00:10"}, a.published, "what is not in the ledger is published nevertheless")
}

// memory is a ledger's store that forgets.
type memory struct {
	*account
	objects map[string][]byte
	refused string // part of the keys that it does not write
}

func (m *memory) String() string { return "memory" }

func (m *memory) Read(_ context.Context, key string) ([]byte, string, error) {
	data, ok := m.objects[key]
	if !ok {
		return nil, "", ledger.ErrNotFound
	}
	return data, fmt.Sprintf("%x", sha256.Sum256(data)), nil
}

func (m *memory) Write(_ context.Context, key string, data []byte) error {
	if m.refused != "" && strings.Contains(key, m.refused) {
		return errors.New("no such bucket: memory/" + key)
	}
	if _, again := m.objects[key]; !again && strings.HasPrefix(key, "sweeps/") {
		m.kept = append(m.kept, key)
	}
	m.objects[key] = data
	return m.refuses("PutObject")
}

func (m *memory) WriteIf(ctx context.Context, key string, data []byte, version string) error {
	if _, now, _ := m.Read(ctx, key); now != version { // none has no version
		return ledger.ErrChanged
	}
	return m.Write(ctx, key, data)
}

func (m *memory) List(_ context.Context, prefix string) (keys []string, err error) {
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// TestCollectFails: if anything but the ledger fails, nothing is published and the error
// says what.
func TestCollectFails(t *testing.T) {
	for _, operation := range []string{"ListCommands", "GetMetricStatistics", "DescribeInstances", "ListCommandInvocations", "PutMetricData"} {
		a := &account{fail: operation}
		id := a.sent(1, "aidefleet start r1 fleet=prod", "Success", time.Hour, time.Hour)
		f := a.function()
		o, err := f.collectEnded(t.Context(), id)
		assert.ErrorContains(t, err, operation, "%s: %+v", operation, o)
		assert.Empty(t, f.published, operation)
	}
}

// TestCollectOutOfTime: where the time of the function ends, the command is left
// alone.
func TestCollectOutOfTime(t *testing.T) {
	a := &account{}
	id := a.sent(1, "aidefleet start r1 fleet=prod", "Success", time.Hour, time.Hour)
	ctx, stop := context.WithCancel(t.Context())
	f := a.function()
	f.collecting.Fleet.DescribeInstances = func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
		stop()
		return nil, ctx.Err()
	}
	o, err := f.collectEnded(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, "nothing", o.Did, "%+v, cancelled %q, published %q: want it left to the next reconcile", o, a.cancelled, a.published)
	assert.Empty(t, a.cancelled)
	assert.Empty(t, a.published)
}

// TestReconcileUnread: a sweep whose results cannot be read, or not all, is neither
// kept nor published, and is when they can.
func TestReconcileUnread(t *testing.T) {
	for _, tc := range []struct {
		name           string
		refuse, mended func(*account)
	}{
		{"refused", func(a *account) { a.fail = "ListCommandInvocations" }, func(a *account) { a.fail = "" }},
		{"fewer than were sent it", func(a *account) { a.commands[0].TargetCount = 2 }, func(a *account) { a.commands[0].TargetCount = 1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &account{}
			id := a.sent(1, "aidefleet sweep r1 fleet=prod", "Success", 2*time.Hour, time.Hour)
			f := a.function()
			tc.refuse(a)
			_, err := f.reconcile(t.Context(), reconcile{back: 24 * time.Hour})
			if err == nil {
				t.Fatal("no error")
			}
			if want := "orchestrator collect --region eu-central-1 --command-id " + id; !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
			if len(a.points) > 0 {
				t.Errorf("published %d points", len(a.points))
			}
			if len(a.kept) > 0 {
				t.Errorf("kept %q", a.kept)
			}
			tc.mended(a)
			if _, err := f.reconcile(t.Context(), reconcile{back: 24 * time.Hour}); err != nil {
				t.Error(err)
			}
			if want := []string{"prod 03:00:10"}; !slices.Equal(a.published, want) {
				t.Errorf("published %q, want %q", a.published, want)
			}
		})
	}
}
