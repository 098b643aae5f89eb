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
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

const otherAccount = "444455556666"

// elsewhere is a region of another account.
func (a *account) elsewhere(name string) Region {
	r := a.region()
	r.Name, r.Account, r.Role = name, otherAccount, "arn:aws:iam::"+otherAccount+":role/aidefleet"
	return r
}

// TestRunEverywhere: a region that fails and one without the document do not lose
// the others.
func TestRunEverywhere(t *testing.T) {
	well, denied, bare := &account{}, &account{}, &account{}
	well.host("i-01", "drift", "Online", "Success", "Success", driftLine, 0)
	bare.host("i-02", "web", "Online", "", "", "", 0)
	bare.host("i-03", "lost", "ConnectionLost", "", "", "", 0)
	bare.instances[0].LaunchTime = nil
	broken := denied.elsewhere("eu-west-1")
	broken.Fleet.DescribeInstances = func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
		return nil, errors.New("no such role")
	}
	missing := bare.elsewhere("us-east-1")
	missing.Commands.SendCommand = func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		return nil, &ssmtypes.InvalidDocument{Message: aws.String("not there")}
	}
	o := options()
	o.Explain = func(err error) string { return "explained: " + err.Error() }
	r, err := Run(t.Context(), []Region{well.region(), broken, missing}, o)
	var partial *PartialError
	require.ErrorAs(t, err, &partial)
	require.Equal(t, 2, partial.Failed)
	require.Equal(t, 3, partial.Regions)
	if got, want := verdicts(r), []string{"drift drift +2 -0 ~1", "lost missing agent_lost", "web missing document_missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, h := range r.Hosts {
		assert.NotEmpty(t, h.Region, "%s: region %q, account %q, next %q", h.Name, h.Region, h.Account, h.Next)
		assert.NotEmpty(t, h.Account, h.Name)
		if h.Status == report.Missing {
			assert.NotEmpty(t, h.Next, h.Name)
		}
	}
	require.Len(t, r.Errors, 2)
	assert.Equal(t, "eu-west-1", r.Errors[0].Region, "errors %+v", r.Errors)
	assert.Equal(t, otherAccount, r.Errors[0].Account)
	assert.True(t, strings.HasSuffix(r.Errors[0].Role, "/aidefleet"), "errors %+v", r.Errors)
	assert.True(t, strings.HasPrefix(r.Errors[0].Error, "explained: list instances"), "errors %+v", r.Errors)
	assert.Contains(t, r.Errors[1].Error, "InvalidDocument")
	assert.NotZero(t, well.called("PutMetricData"), "what was swept is published, and nothing else")
	assert.Zero(t, denied.called("PutMetricData")+bare.called("PutMetricData"), "what was swept is published, and nothing else")
	require.Len(t, r.Commands, 1, "commands %v, started %s", r.Commands, r.Started)
	assert.Equal(t, "eu-central-1", r.Commands[0].Region)
	assert.True(t, r.Started.Equal(requested), "commands %v, started %s", r.Commands, r.Started)
}

func TestRunNoMatch(t *testing.T) {
	none, some := &account{}, &account{}
	some.host("i-01", "web", "Online", "Success", "Success", cleanLine, 0)
	r, err := Run(t.Context(), []Region{none.region(), some.elsewhere("eu-west-1")}, options())
	assert.NoError(t, err)
	assert.Equal(t, 1, r.Summary.Clean, "%+v: a region without such hosts is none that failed", r.Summary)
	assert.Empty(t, r.Errors)
	if _, err := Run(t.Context(), []Region{none.region(), none.elsewhere("eu-west-1")}, options()); !errors.Is(err, fleet.ErrNoMatch) {
		t.Errorf("error %v, want that nothing matches anywhere", err)
	}
}

// TestRunNamedHosts: a named host is reported where it is, and once where it
// is nowhere.
func TestRunNamedHosts(t *testing.T) {
	one, two := &account{}, &account{}
	one.host("i-01", "here", "Online", "Success", "Success", cleanLine, 0)
	two.host("i-02", "there", "Online", "Success", "Success", cleanLine, 0)
	o := options()
	o.Selector = fleet.Selector{Instances: []string{"i-01", "i-02", "i-03"}}
	r, err := Run(t.Context(), []Region{one.region(), two.elsewhere("eu-west-1")}, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := verdicts(r), []string{"here clean +0 -0 ~0", "missing not_found", "there clean +0 -0 ~0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRunInterrupted: Ctrl-C cancels the commands of every region.
func TestRunInterruptedEverywhere(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var looks sync.WaitGroup
	looks.Add(2)
	go func() { looks.Wait(); cancel() }()
	accounts := []*account{{}, {}}
	for i, a := range accounts {
		a.host(fmt.Sprintf("i-0%d", i), "slow", "Online", "InProgress", "InProgress", "", -1)
		a.onLook = func(n int) {
			if n == 3 {
				looks.Done()
			}
			if n >= 3 {
				<-ctx.Done()
			}
		}
	}
	r, err := Run(ctx, []Region{accounts[0].region(), accounts[1].elsewhere("eu-west-1")}, options())
	var interrupted *InterruptedError
	require.ErrorAs(t, err, &interrupted)
	require.Equal(t, 2, interrupted.Commands)
	require.NoError(t, interrupted.Cancel)
	if got, want := verdicts(r), []string{"slow missing cancelled", "slow missing cancelled"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for i, a := range accounts {
		assert.Equal(t, 1, a.called("CancelCommand"), "region %d: %v", i, a.calls)
		assert.Equal(t, 0, a.called("PutMetricData"), "region %d", i)
	}
}

// named is a region whose hosts are all clean and are sent commands by name.
type named struct {
	hosts []string // ids

	mu        sync.Mutex
	sent      []*ssm.SendCommandInput
	targeted  float64 // HostsTargeted
	published int
	refuse    int // the send that is refused, from 1 on
}

func (n *named) region() Region {
	r := (&account{}).region()
	r.Fleet = fleet.API{
		DescribeInstances: func(_ context.Context, _ *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
			out := &ec2.DescribeInstancesOutput{Reservations: []ec2types.Reservation{{OwnerId: aws.String("111122223333")}}}
			for _, id := range n.hosts {
				out.Reservations[0].Instances = append(out.Reservations[0].Instances, ec2types.Instance{
					InstanceId: aws.String(id), State: &ec2types.InstanceState{Name: ec2types.InstanceStateNameRunning},
				})
			}
			return out, nil
		},
		DescribeInstanceInformation: func(_ context.Context, _ *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
			out := &ssm.DescribeInstanceInformationOutput{}
			for i, id := range n.hosts {
				platform := ssmtypes.PlatformTypeLinux
				switch i {
				case 0:
					continue // unmanaged
				case 1:
					platform = ssmtypes.PlatformTypeWindows
				}
				out.InstanceInformationList = append(out.InstanceInformationList, ssmtypes.InstanceInformation{
					InstanceId: aws.String(id), PingStatus: ssmtypes.PingStatusOnline, PlatformType: platform,
				})
			}
			return out, nil
		},
	}
	command := func(i int) ssmtypes.Command {
		return ssmtypes.Command{
			CommandId: aws.String(fmt.Sprintf("12345678-90ab-cdef-1234-%012d", i)), DocumentName: n.sent[i].DocumentName, Status: "Success",
			TargetCount: int32(len(n.sent[i].Targets[0].Values)), CompletedCount: int32(len(n.sent[i].Targets[0].Values)),
			RequestedDateTime: &requested, Targets: n.sent[i].Targets,
		}
	}
	r.Commands.SendCommand = func(_ context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.refuse == len(n.sent)+1 {
			return nil, &ssmtypes.InvalidInstanceId{Message: aws.String("not valid")}
		}
		n.sent = append(n.sent, in)
		c := command(len(n.sent) - 1)
		return &ssm.SendCommandOutput{Command: &c}, nil
	}
	r.Commands.ListCommands = func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		return &ssm.ListCommandsOutput{Commands: []ssmtypes.Command{command(number(*in.CommandId))}}, nil
	}
	r.Commands.ListCommandInvocations = func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		out := &ssm.ListCommandInvocationsOutput{}
		for _, id := range n.sent[number(*in.CommandId)].Targets[0].Values {
			out.CommandInvocations = append(out.CommandInvocations, said(id, cleanLine, 0))
		}
		return out, nil
	}
	r.Metrics.PutMetricData = func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, d := range in.MetricData {
			switch aws.ToString(d.MetricName) {
			case "HostsTargeted":
				n.targeted = aws.ToFloat64(d.Value)
			case "SweepCompleted":
				n.published++
			}
		}
		return &cloudwatch.PutMetricDataOutput{}, nil
	}
	return r
}

func number(id string) (i int) {
	_, _ = fmt.Sscanf(id[len(id)-12:], "%d", &i)
	return i
}

func manyHosts(count int) *named {
	n := &named{}
	for i := range count {
		n.hosts = append(n.hosts, fmt.Sprintf("i-%08x", i))
	}
	return n
}

// TestRunPublishesInTime: an account and region is published when its own
// hosts have ended, not when those of another have.
func TestRunPublishesInTime(t *testing.T) {
	quick, slow := &account{doneAt: 2}, &account{doneAt: 40}
	quick.host("i-01", "quick", "Online", "Success", "Success", cleanLine, 0)
	slow.host("i-02", "slow", "Online", "InProgress", "InProgress", "", -1)
	published := make(chan struct{})
	here, there := quick.region(), slow.region()
	there.Name = "us-east-1"
	put := here.Metrics.PutMetricData
	here.Metrics.PutMetricData = func(ctx context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
		if slices.ContainsFunc(in.MetricData, func(d cwtypes.MetricDatum) bool { return aws.ToString(d.MetricName) == "SweepCompleted" }) {
			defer close(published)
		}
		return put(ctx, in)
	}
	slow.onLook = func(n int) {
		if n == 39 {
			select {
			case <-published:
			case <-time.After(10 * time.Second):
				t.Error("the region that has ended is not published while the other is at work")
			}
			slow.invocations[0].Status, slow.invocations[0].StatusDetails = "Success", aws.String("Success")
			slow.invocations[0].CommandPlugins[0].Output, slow.invocations[0].CommandPlugins[0].ResponseCode = aws.String(cleanLine), 0
		}
	}
	r, err := Run(t.Context(), []Region{here, there}, options())
	assert.NoError(t, err)
	assert.Equal(t, 2, r.Summary.Clean, "%+v", r.Summary)
}

// TestRunAll: hosts that cannot be targeted by a tag are sent a command for each
// fifty, and are one sweep for all that.
func TestRunAll(t *testing.T) {
	n := manyHosts(122)
	o := options()
	o.Selector, o.Name = fleet.Selector{All: true}, Name{Verb: "sweep", ID: "run"}
	var completed, targeted, sends int
	o.Progress = func(c, t int) { completed, targeted = max(completed, c), t }
	o.Sent = func(runcommand.Command, int, int) { sends++ }
	r, err := Run(t.Context(), []Region{n.region()}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := r.Summary
	assert.Equal(t, 122, s.Targeted, "fleet %q, %+v", r.Fleet, s)
	assert.Equal(t, 120, s.Clean)
	assert.Equal(t, 2, s.Missing)
	assert.Equal(t, "all", r.Fleet)
	require.Len(t, n.sent, 3)
	require.Len(t, r.Commands, 3)
	assert.Equal(t, 3, sends, "%d commands, %d reported, %d noted, published %d times for %v hosts", len(n.sent), len(r.Commands), sends, n.published, n.targeted)
	assert.Equal(t, 1, n.published)
	assert.Equal(t, 122.0, n.targeted)
	comments := map[string]bool{}
	for _, in := range n.sent {
		comments[aws.ToString(in.Comment)] = true
		values := in.Targets[0].Values
		assert.Equal(t, "InstanceIds", aws.ToString(in.Targets[0].Key), "targets %v", in.Targets)
		require.LessOrEqual(t, len(values), 50, "targets %v", in.Targets)
		assert.NotContains(t, values, n.hosts[0], "targets %v", in.Targets)
		assert.NotContains(t, values, n.hosts[1], "targets %v", in.Targets)
	}
	assert.True(t, comments["aidefleet sweep run 1/3 fleet=all"], "comments %v: a command is looked up by its own", comments)
	assert.Len(t, comments, 3)
	assert.Equal(t, 120, completed, "progress %d of %d", completed, targeted)
	assert.Equal(t, 120, targeted)

	// The commands of one sweep, collected, are that sweep; an overlap is no host twice.
	ids := make([]string, 0, 3)
	for _, c := range r.Commands {
		ids = append(ids, c.ID)
	}
	n.sent[1].Targets[0].Values = append(n.sent[1].Targets[0].Values, n.sent[0].Targets[0].Values[0])
	again, err := Collect(t.Context(), n.region(), ids, collectOptions())
	assert.NoError(t, err)
	assert.Equal(t, 120, again.Report.Summary.Clean, "%+v", again.Report.Summary)
	assert.Len(t, again.Report.Commands, 3)
}

// TestRunAllRefused: what was sent before a refusal is reported and published.
func TestRunAllRefused(t *testing.T) {
	n := manyHosts(122)
	n.refuse = 2
	o := options()
	o.Selector = fleet.Selector{All: true}
	r, err := Run(t.Context(), []Region{n.region()}, o)
	var invalid *ssmtypes.InvalidInstanceId
	require.ErrorAs(t, err, &invalid, "errors %v, commands %v", r.Errors, r.Commands)
	require.Len(t, r.Errors, 1)
	require.Len(t, r.Commands, 1)
	reasons := map[string]int{}
	for _, h := range r.Hosts {
		reasons[string(h.Reason)]++
	}
	assert.Equal(t, 50, reasons[""], "%v, published %d times", reasons, n.published)
	assert.Equal(t, 70, reasons["not_sent"])
	assert.Equal(t, 1, reasons["unmanaged"])
	assert.Equal(t, 1, reasons["invalid_platform"])
	assert.Equal(t, 1, n.published)
}
