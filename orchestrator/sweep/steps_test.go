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
	return RunSteps(t.Context(), regions, first, second)
}

// TestRunSteps: the second command is for those hosts on which the first one held.
func TestRunSteps(t *testing.T) {
	s := newStages()
	s.says["Init"]["i-02"] = said("i-02", failLine, 1)
	r, err := s.run(t, s.region())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.sent) != 2 || s.sent[0].Parameters["watch"][0] != "/srv" || s.sent[1].Parameters["force"][0] != "true" {
		t.Fatalf("sent %+v", s.sent)
	}
	if to := s.sent[1].Targets[0]; aws.ToString(to.Key) != "InstanceIds" || !slices.Equal(slices.Sorted(slices.Values(to.Values)), []string{"i-01", "i-02"}) {
		t.Errorf("the second command is for %q", to.Values)
	}
	if got, want := verdicts(r), []string{"bad failed config_invalid", "lost missing agent_lost", "well-1 clean +0 -0 ~0", "well-2 failed baseline_missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Fleet != "env=prod" || len(r.Commands) != 2 || r.Summary.Targeted != 4 || r.Summary.Failed != 2 {
		t.Errorf("%+v", r)
	}
}

// TestRunStepsByTag: where the first one held on all hosts, the second is one
// command by the tag, and a host that is new has its place in the report.
func TestRunStepsByTag(t *testing.T) {
	s := newStages()
	s.says["Configure"]["i-03"] = said("i-03", cleanLine, 0)
	s.nodes[slices.IndexFunc(s.nodes, func(n ssmtypes.InstanceInformation) bool { return aws.ToString(n.InstanceId) == "i-04" })].PingStatus = "Online"
	s.says["Configure"]["i-04"] = said("i-04", cleanLine, 0)
	s.says["Init"]["i-05"] = said("i-05", cleanLine, 0)
	r, err := s.run(t, s.region())
	if err != nil || len(s.sent) != 2 || aws.ToString(s.sent[1].Targets[0].Key) != "tag:env" {
		t.Fatalf("%v after %d commands", err, len(s.sent))
	}
	if r.Summary.Clean != 5 || r.Summary.Targeted != 5 {
		t.Errorf("%+v", r.Summary)
	}
}

// TestRunStepsNobody sends no second command where the first one held nowhere.
func TestRunStepsNobody(t *testing.T) {
	s := newStages()
	for _, id := range []string{"i-01", "i-02"} {
		s.says["Configure"][id] = said(id, failedConfigure, 1)
	}
	r, err := s.run(t, s.region())
	if err != nil || len(s.sent) != 1 || r.Summary.Failed != 3 || r.Summary.Missing != 1 {
		t.Errorf("%v after %d commands, %+v", err, len(s.sent), r.Summary)
	}
}

// TestRunStepsRefused: a host that was not sent the second command is not clean.
func TestRunStepsRefused(t *testing.T) {
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
	if err == nil || !strings.Contains(err.Error(), "InvalidDocument") {
		t.Errorf("error %v", err)
	}
	if got, want := verdicts(rep), []string{"bad failed config_invalid", "lost missing agent_lost", "well-1 missing not_sent", "well-2 missing not_sent"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestRunStepsPartial: a region that fails does not lose the others, and is not
// asked twice.
func TestRunStepsPartial(t *testing.T) {
	s, asked := newStages(), 0
	denied := (&account{}).elsewhere("eu-west-1")
	denied.Fleet.DescribeInstances = func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
		asked++
		return nil, errors.New("no such role")
	}
	r, err := s.run(t, s.region(), denied)
	var partial *PartialError
	if !errors.As(err, &partial) || partial.Failed != 1 || partial.Regions != 2 || asked != 1 || len(r.Errors) != 1 {
		t.Errorf("%v, %+v, asked %d times", err, r.Errors, asked)
	}
	if len(s.sent) != 2 || r.Summary.Clean != 2 {
		t.Errorf("%d commands, %+v", len(s.sent), r.Summary)
	}
}

// TestRunStepsInterrupted sends nothing more after an interrupt.
func TestRunStepsInterrupted(t *testing.T) {
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
	_, err := RunSteps(ctx, []Region{r}, first, first)
	var interrupted *InterruptedError
	if !errors.As(err, &interrupted) || len(s.sent) != 1 {
		t.Errorf("%v after %d commands", err, len(s.sent))
	}
}
