package sweep

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// stages is an account in which two documents are run. What a host says to each is
// in says; it is not sent what it says nothing to.
type stages struct {
	account
	says map[string]map[string]ssmtypes.CommandInvocation // by document and instance
	sent []*ssm.SendCommandInput
	ids  map[string]string // documents by the ids of their commands
}

const failedConfigure = `{"v":1,"status":"failed","reason":"config_invalid","message":"AIDE refuses the rules"}`

func newStages() *stages {
	s := &stages{says: map[string]map[string]ssmtypes.CommandInvocation{"Configure": {}, "Init": {}}, ids: map[string]string{}}
	for id, name := range map[string]string{"i-01": "well-1", "i-02": "well-2", "i-03": "bad", "i-04": "lost"} {
		ping := "Online"
		if name == "lost" {
			ping = "ConnectionLost"
		}
		s.host(id, name, ping, "", "", "", 0)
		s.says["Configure"][id], s.says["Init"][id] = said(id, cleanLine, 0), said(id, cleanLine, 0)
	}
	s.says["Configure"]["i-03"] = said("i-03", failedConfigure, 1)
	delete(s.says["Configure"], "i-04")
	return s
}

func (s *stages) region() Region {
	r := s.account.region()
	r.Commands.SendCommand = func(_ context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		s.sent = append(s.sent, in)
		id := commandID[:len(commandID)-1] + string(rune('0'+len(s.sent)))
		s.ids[id] = aws.ToString(in.DocumentName)
		return &ssm.SendCommandOutput{Command: &ssmtypes.Command{CommandId: aws.String(id), Status: "Pending", DocumentName: in.DocumentName, RequestedDateTime: &requested}}, nil
	}
	answers := func(id string) (list []ssmtypes.CommandInvocation) {
		for i, in := range s.sent {
			if !strings.HasSuffix(id, string(rune('1'+i))) {
				continue
			}
			for instance, answer := range s.says[s.ids[id]] {
				if aws.ToString(in.Targets[0].Key) == "tag:env" || slices.Contains(in.Targets[0].Values, instance) {
					list = append(list, answer)
				}
			}
		}
		return list
	}
	r.Commands.ListCommands = func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		n := int32(len(answers(aws.ToString(in.CommandId))))
		return &ssm.ListCommandsOutput{Commands: []ssmtypes.Command{{
			CommandId: in.CommandId, DocumentName: aws.String(s.ids[aws.ToString(in.CommandId)]), Status: "Success",
			RequestedDateTime: &requested, TargetCount: n, CompletedCount: n,
		}}}, nil
	}
	r.Commands.ListCommandInvocations = func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		return &ssm.ListCommandInvocationsOutput{CommandInvocations: answers(aws.ToString(in.CommandId))}, nil
	}
	return r
}

func (s *stages) run(t *testing.T, regions ...Region) (report.Report, error) {
	t.Helper()
	first, second := options(), options()
	first.Request.Document, first.Metrics.Namespace, first.Request.Parameters = "Configure", "", map[string]string{"watch": "/srv"}
	second.Request.Document, second.Metrics.Namespace, second.Request.Parameters = "Init", "", map[string]string{"force": "true"}
	r, err := Run(t.Context(), regions, first)
	return Then(t.Context(), regions, r, err, second)
}

// TestThen: the second command is for those hosts on which the first one held.
func TestThen(t *testing.T) {
	s := newStages()
	s.says["Init"]["i-02"] = said("i-02", failLine, 1)
	r, err := s.run(t, s.region())
	if err != nil {
		t.Fatal(err)
	}
	require.Len(t, s.sent, 2)
	require.Equal(t, "/srv", s.sent[0].Parameters["watch"][0], "sent %+v", s.sent)
	require.Equal(t, "true", s.sent[1].Parameters["force"][0])
	to := s.sent[1].Targets[0]
	assert.Equal(t, "InstanceIds", aws.ToString(to.Key), "the second command is for %q", to.Values)
	assert.Equal(t, []string{"i-01", "i-02"}, slices.Sorted(slices.Values(to.Values)))
	if got, want := verdicts(r), []string{"bad failed config_invalid", "lost missing agent_lost", "well-1 clean +0 -0 ~0", "well-2 failed baseline_missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	assert.Equal(t, "env=prod", r.Fleet, "%+v", r)
	assert.Len(t, r.Commands, 2)
	assert.Equal(t, 4, r.Summary.Targeted)
	assert.Equal(t, 2, r.Summary.Failed)
}

// TestThenByTag: where the first one held on all hosts, the second is one
// command by the tag, and a host that is new has its place in the report.
func TestThenByTag(t *testing.T) {
	s := newStages()
	s.says["Configure"]["i-03"] = said("i-03", cleanLine, 0)
	s.nodes[slices.IndexFunc(s.nodes, func(n ssmtypes.InstanceInformation) bool { return aws.ToString(n.InstanceId) == "i-04" })].PingStatus = "Online"
	s.says["Configure"]["i-04"] = said("i-04", cleanLine, 0)
	s.says["Init"]["i-05"] = said("i-05", cleanLine, 0)
	r, err := s.run(t, s.region())
	require.NoError(t, err)
	require.Len(t, s.sent, 2)
	require.Equal(t, "tag:env", aws.ToString(s.sent[1].Targets[0].Key), "after %d commands", len(s.sent))
	assert.Equal(t, 5, r.Summary.Clean, "%+v", r.Summary)
	assert.Equal(t, 5, r.Summary.Targeted)
}

// TestThenNobody sends no second command where the first one held nowhere.
func TestThenNobody(t *testing.T) {
	s := newStages()
	for _, id := range []string{"i-01", "i-02"} {
		s.says["Configure"][id] = said(id, failedConfigure, 1)
	}
	r, err := s.run(t, s.region())
	require.NoError(t, err)
	assert.Len(t, s.sent, 1, "after %d commands, %+v", len(s.sent), r.Summary)
	assert.Equal(t, 3, r.Summary.Failed)
	assert.Equal(t, 1, r.Summary.Missing)
}

// TestThenRefused: a host that was not sent the second command is not clean.
func TestThenRefused(t *testing.T) {
	s := newStages()
	r := s.region()
	send := r.Commands.SendCommand
	r.Commands.SendCommand = func(ctx context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		if aws.ToString(in.DocumentName) == "Init" {
			return nil, &ssmtypes.InvalidDocument{Message: aws.String("not there")}
		}
		return send(ctx, in)
	}
	rep, err := s.run(t, r)
	assert.ErrorContains(t, err, "InvalidDocument")
	if got, want := verdicts(rep), []string{"bad failed config_invalid", "lost missing agent_lost", "well-1 missing not_sent", "well-2 missing not_sent"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestThenPartial: a region that fails does not lose the others, and is not
// asked twice.
func TestThenPartial(t *testing.T) {
	s, asked := newStages(), 0
	denied := (&account{}).elsewhere("eu-west-1")
	denied.Fleet.DescribeInstances = func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
		asked++
		return nil, errors.New("no such role")
	}
	r, err := s.run(t, s.region(), denied)
	var partial *PartialError
	require.ErrorAs(t, err, &partial, "%+v, asked %d times", r.Errors, asked)
	assert.Equal(t, 1, partial.Failed)
	assert.Equal(t, 2, partial.Regions)
	assert.Equal(t, 1, asked)
	assert.Len(t, r.Errors, 1)
	assert.Len(t, s.sent, 2, "%d commands, %+v", len(s.sent), r.Summary)
	assert.Equal(t, 2, r.Summary.Clean)
}

// TestThenInterrupted sends nothing more after an interrupt.
func TestThenInterrupted(t *testing.T) {
	s := newStages()
	ctx, cancel := context.WithCancel(t.Context())
	r := s.region()
	look := r.Commands.ListCommands
	r.Commands.ListCommands = func(ctx context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		cancel()
		return look(ctx, in)
	}
	first := options()
	first.Request.Document, first.Metrics.Namespace = "Configure", ""
	before, err := Run(ctx, []Region{r}, first)
	_, err = Then(ctx, []Region{r}, before, err, first)
	var interrupted *InterruptedError
	require.ErrorAs(t, err, &interrupted)
	assert.Len(t, s.sent, 1)
}
