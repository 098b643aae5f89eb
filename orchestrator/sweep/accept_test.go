package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/runcommand"
)

const (
	shownF   = "9f86d081884c7d659a2feaa0c55ad015"
	olderID  = "00000000-0000-0000-0000-000000000001"
	newerID  = "00000000-0000-0000-0000-000000000002"
	acceptID = "00000000-0000-0000-0000-000000000003"
)

// accepting is an account with a history of checks, in which one command can be
// sent, to hosts by name.
type accepting struct {
	t       *testing.T
	account // its hosts; the invocations are those of the command that is sent
	history map[string][]ssmtypes.CommandInvocation
	sent    []*ssm.SendCommandInput
}

func (a *accepting) region() Region {
	r := a.account.region()
	r.Commands.SendCommand = func(_ context.Context, in *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		a.sent = append(a.sent, in)
		a.history[acceptID] = nil
		for _, i := range a.invocations {
			if in.Targets[0].Values[0] == "prod" || slices.Contains(in.Targets[0].Values, aws.ToString(i.InstanceId)) {
				a.history[acceptID] = append(a.history[acceptID], i)
			}
		}
		return &ssm.SendCommandOutput{Command: &ssmtypes.Command{CommandId: aws.String(acceptID), Status: "Pending", RequestedDateTime: &requested}}, nil
	}
	r.Commands.ListCommands = func(_ context.Context, in *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
		out := &ssm.ListCommandsOutput{}
		for id, invocations := range a.history {
			document := "AideFleet-Check"
			if id == acceptID {
				document = "AideFleet-Accept"
			}
			byDocument := len(in.Filters) == 1 && in.Filters[0].Key == ssmtypes.CommandFilterKeyDocumentName && aws.ToString(in.Filters[0].Value) == document
			if aws.ToString(in.CommandId) == id || byDocument {
				age := time.Duration(id[len(id)-1]) * time.Minute
				out.Commands = append(out.Commands, ssmtypes.Command{
					CommandId: aws.String(id), DocumentName: aws.String(document), Status: "Success", RequestedDateTime: aws.Time(requested.Add(age)),
					TargetCount: int32(len(invocations)), CompletedCount: int32(len(invocations)),
				})
			}
		}
		return out, nil
	}
	r.Commands.ListCommandInvocations = func(_ context.Context, in *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
		return &ssm.ListCommandInvocationsOutput{CommandInvocations: a.history[aws.ToString(in.CommandId)]}, nil
	}
	r.Commands.CancelCommand = func(context.Context, *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error) {
		a.t.Error("a command is cancelled")
		return nil, errors.New("unexpected")
	}
	return r
}

// said is a host's answer in a command.
func said(id, output string, code int) ssmtypes.CommandInvocation {
	status := ssmtypes.CommandInvocationStatusSuccess
	if code != 0 {
		status = ssmtypes.CommandInvocationStatusFailed
	}
	return ssmtypes.CommandInvocation{
		InstanceId: aws.String(id), Status: status, StatusDetails: aws.String(string(status)),
		CommandPlugins: []ssmtypes.CommandPlugin{{Output: aws.String(output), ResponseCode: int32(code), ResponseFinishDateTime: aws.Time(requested.Add(time.Second))}},
	}
}

func other() string { return strings.Replace(driftLine, shownF, strings.Repeat("ab", 16), 1) }

// acceptingFleet has a host of every kind.
func acceptingFleet(t *testing.T) *accepting {
	a := &accepting{t: t}
	a.host("i-01", "same-1", "Online", "Success", "Success", cleanLine, 0)
	a.host("i-02", "same-2", "Online", "Failed", "Failed", `{"v":1,"status":"failed","reason":"refused","message":"the last check has another"}`, 1)
	a.host("i-03", "other", "Online", "", "", "", 0)
	a.host("i-04", "clean", "Online", "", "", "", 0)
	a.host("i-05", "broken", "Online", "", "", "", 0)
	a.host("i-06", "silent", "ConnectionLost", "", "", "", 0)
	a.host("i-07", "new", "Online", "", "", "", 0)
	a.history = map[string][]ssmtypes.CommandInvocation{
		olderID: {said("i-01", other(), 0), said("i-02", driftLine, 0), said("i-03", driftLine, 0), said("i-06", driftLine, 0)},
		newerID: {said("i-01", driftLine, 0), said("i-03", other(), 0), said("i-04", cleanLine, 0), said("i-05", failLine, 1)},
	}
	return a
}

func accepts() Options {
	o := options()
	o.Request.Document, o.Request.Parameters = "AideFleet-Accept", map[string]string{"fingerprint": shownF}
	o.Metrics = Publication{}
	return o
}

// checks are those that are looked through: one, or the last ones.
func checks(id string) Checks { return Checks{Document: "AideFleet-Check", ID: id} }

// doctor is a question to hosts.
func doctor() Query {
	return Query{Request: runcommand.Request{Document: "AideFleet-Doctor", DeliveryTimeout: time.Minute}, Clock: clock()}
}

// TestAcceptableKeepsMessages: why a host does not accept takes the place of nothing
// that the host said.
func TestAcceptableKeepsMessages(t *testing.T) {
	a := acceptingFleet(t)
	noted := func(line string) string { return strings.Replace(line, `"v":1`, `"v":1,"message":"it was changed"`, 1) }
	a.history[newerID] = []ssmtypes.CommandInvocation{said("i-01", noted(driftLine), 0), said("i-03", noted(other()), 0), said("i-04", noted(cleanLine), 0)}
	got, err := Acceptable(t.Context(), []Region{a.region()}, accepts().Selector, shownF, checks(newerID))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"same-1": "it was changed", "other": "not accepted: it shows another fingerprint: " + strings.Repeat("ab", 16) + "; host says: it was changed",
		"clean": "nothing to accept: its last check was clean; host says: it was changed",
	}
	for _, h := range slices.Concat(got.Chosen, got.Others) {
		if said, ok := want[h.Name]; ok && h.Message != said {
			t.Errorf("%s: %q, want %q", h.Name, h.Message, said)
		}
		delete(want, h.Name)
	}
	if len(want) > 0 {
		t.Errorf("nothing of %v", want)
	}
}

func TestAcceptable(t *testing.T) {
	for _, tc := range []struct {
		name, checked string
		chosen        string
		others        string
	}{
		{"the last checks", "", "same-1 same-2", "other drift;clean clean;broken failed baseline_missing;silent missing agent_lost;new missing not_targeted"},
		{"one check", olderID, "same-2 other", "same-1 drift;clean missing not_targeted;broken missing not_targeted;silent missing agent_lost;new missing not_targeted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := acceptingFleet(t)
			got, err := Acceptable(t.Context(), []Region{a.region()}, accepts().Selector, shownF, checks(tc.checked))
			if err != nil {
				t.Fatal(err)
			}
			var chosen, others []string
			for _, h := range got.Chosen {
				chosen = append(chosen, h.Name)
			}
			for _, h := range got.Others {
				others = append(others, strings.TrimSpace(fmt.Sprintf("%s %s %s", h.Name, h.Status, h.Reason)))
				if h.Message == "" && h.Next == "" {
					t.Errorf("%s: it is not said why it does not accept", h.Name)
				}
			}
			assert.Equal(t, tc.chosen, strings.Join(chosen, " "), "chosen %q, others %q", chosen, others)
			assert.Equal(t, tc.others, strings.Join(others, ";"))
			assert.Empty(t, a.sent, "looking up changes something: %v", a.calls)
			assert.Empty(t, a.calls, "looking up changes something")
		})
	}
	a := acceptingFleet(t)
	if _, err := Acceptable(t.Context(), []Region{a.region()}, accepts().Selector, shownF, checks(commandID)); !errors.Is(err, runcommand.ErrNotFound) {
		t.Errorf("an unknown check: %v", err)
	}
}

func TestAccept(t *testing.T) {
	a := acceptingFleet(t)
	regions := []Region{a.region()}
	chosen, err := Acceptable(t.Context(), regions, accepts().Selector, shownF, checks(""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Accept(t.Context(), regions, chosen, accepts())
	if err != nil {
		t.Fatal(err)
	}
	require.Len(t, a.sent, 1)
	assert.Equal(t, "AideFleet-Accept", aws.ToString(a.sent[0].DocumentName), "sent %+v", a.sent)
	assert.Equal(t, shownF, a.sent[0].Parameters["fingerprint"][0])
	assert.Equal(t, []string{"i-01", "i-02"}, a.sent[0].Targets[0].Values)
	want := []string{
		"broken failed baseline_missing", "clean clean +0 -0 ~0", "new missing not_targeted", "other drift +2 -0 ~1",
		"same-1 clean +0 -0 ~0", "same-2 failed refused", "silent missing agent_lost",
	}
	got := verdicts(r)
	assert.Equal(t, want, got, "%s: got %q", r.Fleet, got)
	assert.Equal(t, "env=prod", r.Fleet)
	for _, h := range r.Hosts {
		if h.Name == "same-2" && !strings.Contains(h.Next, "sweep --instance i-02") {
			t.Errorf("next of a refusal: %q", h.Next)
		}
	}
	if len(a.metrics) > 0 {
		t.Errorf("an acceptance publishes %v", a.metrics)
	}
}

func TestAcceptNobody(t *testing.T) {
	a := acceptingFleet(t)
	regions := []Region{a.region()}
	chosen, err := Acceptable(t.Context(), regions, accepts().Selector, strings.Repeat("0", 32), checks(""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Accept(t.Context(), regions, chosen, accepts())
	assert.ErrorIs(t, err, ErrNotShown, "after %d commands, %+v", len(a.sent), r.Summary)
	assert.Empty(t, a.sent)
	assert.Equal(t, 7, r.Summary.Targeted)
}

// TestAcceptMany: more hosts than can be named get one command by their tags, and
// those that refuse since they show something else are as they were.
func TestAcceptMany(t *testing.T) {
	a := &accepting{t: t, history: map[string][]ssmtypes.CommandInvocation{}}
	for n := range byName + 2 {
		id := fmt.Sprintf("i-%03d", n)
		line, output, code := driftLine, cleanLine, 0
		if n == 0 {
			line, output, code = other(), `{"v":1,"status":"failed","reason":"refused","message":"another"}`, 1
		}
		a.host(id, id, "Online", "Success", "Success", output, code)
		if code != 0 {
			a.invocations[n].Status = "Failed"
		}
		a.history[newerID] = append(a.history[newerID], said(id, line, 0))
	}
	regions := []Region{a.region()}
	chosen, err := Acceptable(t.Context(), regions, accepts().Selector, shownF, checks(""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Accept(t.Context(), regions, chosen, accepts())
	require.NoError(t, err)
	require.Len(t, a.sent, 1)
	require.Equal(t, "tag:env", aws.ToString(a.sent[0].Targets[0].Key), "after %d commands", len(a.sent))
	s := r.Summary
	assert.Equal(t, byName+1, s.Clean, "%+v", s)
	assert.Equal(t, 1, s.Changed)
	assert.Equal(t, byName+2, s.Targeted)
}

func TestAsk(t *testing.T) {
	a := acceptingFleet(t)
	r := a.region()
	answers, err := Ask(t.Context(), r, accepts().Selector, doctor())
	require.NoError(t, err)
	require.Len(t, answers, 7)
	for i, want := range []string{"", "", "not_targeted", "not_targeted", "not_targeted", "agent_lost", "not_targeted"} {
		a := answers[i]
		assert.Equal(t, want, string(a.Reason), "%+v", a)
		assert.Equal(t, want != "", a.Output == "", "%+v", a)
	}
	one := fleet.Selector{Instances: []string{"i-01"}}
	denied := errors.New("denied")
	r.Commands.SendCommand = func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error) {
		return nil, &ssmtypes.InvalidDocument{Message: aws.String(denied.Error())}
	}
	_, err = Ask(t.Context(), r, one, doctor())
	assert.ErrorContains(t, err, "denied")
}

func TestPageInterrupted(t *testing.T) {
	a := acceptingFleet(t)
	r := a.region()
	ctx, cancel := context.WithCancel(t.Context())
	r.Commands.GetCommandInvocation = func(context.Context, *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
		cancel()
		return nil, &ssmtypes.InvocationDoesNotExist{}
	}
	cancelled := 0
	r.Commands.CancelCommand = func(_ context.Context, in *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error) {
		if cancelled++; aws.ToString(in.CommandId) != acceptID {
			t.Errorf("command %s is cancelled", aws.ToString(in.CommandId))
		}
		return nil, nil
	}
	var abandoned *AbandonedError
	_, err := Page(ctx, r, "i-01", doctor())
	require.ErrorAs(t, err, &abandoned, "cancelled %d times", cancelled)
	assert.Equal(t, 1, cancelled)
	assert.NoError(t, abandoned.Cancel)
	if text := (&AbandonedError{CommandID: "c", Cancel: errors.New("denied")}).Error(); !strings.Contains(text, "goes on: denied") {
		t.Error(text)
	}
}

// TestAcceptableGroup: hosts that show a group are chosen, whatever else they show.
func TestAcceptableGroup(t *testing.T) {
	a := acceptingFleet(t)
	grouped := func(fingerprint string) string {
		return strings.Replace(driftLine, `"paths"`, `"groups":[{"at":"/srv/app","f":"`+fingerprint+`","n":2}],"paths"`, 1)
	}
	const part = "1cb4afc1d0b7e25f0123456789abcdef"
	a.history[newerID] = []ssmtypes.CommandInvocation{
		said("i-01", grouped(part[:16]), 0), said("i-03", grouped("0000000000000000"), 0), said("i-04", cleanLine, 0),
	}
	got, err := Acceptable(t.Context(), []Region{a.region()}, accepts().Selector, part, checks(newerID))
	require.NoError(t, err)
	require.Len(t, got.Chosen, 1)
	assert.Equal(t, "same-1", got.Chosen[0].Name)
	assert.Equal(t, "/srv/app", got.Group)
}

// TestWholeFingerprint: a beginning stands for the one fingerprint of all changes or of a
// group that hosts show.
func TestWholeFingerprint(t *testing.T) {
	const part, packages = "1cb4afc1d0b7e25f0123456789abcdef", "2cb4afc1d0b7e25f0123456789abcdef"
	groups := func(line, list string) string {
		return strings.Replace(line, `"paths"`, `"groups":[`+list+`],"paths"`, 1)
	}
	app := `{"at":"/srv/app","f":"` + part[:16] + `","n":2}`
	for _, c := range []struct {
		name, beginning, want string
	}{
		{"all changes", shownF[:8], shownF},
		{"all digits", shownF, shownF},
		{"a group", part[:8], part},
		{"more digits of a group", part[:20], part},
		{"other digits of a group", part[:16] + "ffff", ""},
		{"nobody's", "01234567", ""},
		{"two", "aaaaaaaa", ""},
		{"packages", packages[:8], packages},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := acceptingFleet(t)
			text := "\nBy group:\n  " + part + "  2  /srv/app\n  " + packages + "  2  packages\n  + /  00000000000000000000000000000000  2  /x\n"
			a.history[newerID] = []ssmtypes.CommandInvocation{
				said("i-01", groups(driftLine, app), 0), said("i-03", groups(other(), `{"at":"packages","f":"`+packages[:16]+`","n":2}`), 0),
				said("i-04", groups(other(), `{"at":"/etc","f":"aaaaaaaa00000000","n":1},{"at":"/opt","f":"aaaaaaaa11111111","n":1}`), 0),
			}
			r := a.region()
			r.Commands.GetCommandInvocation = func(context.Context, *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
				return &ssm.GetCommandInvocationOutput{StandardOutputContent: aws.String(driftLine + text), Status: "Success"}, nil
			}
			got, err := WholeFingerprint(t.Context(), []Region{r}, accepts().Selector, c.beginning, checks(newerID))
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want == "", err != nil, "%v", err)
			if c.name == "nobody's" {
				assert.ErrorIs(t, err, ErrNotShown)
			}
			if c.name == "two" {
				var ambiguous *AmbiguousError
				require.ErrorAs(t, err, &ambiguous)
				assert.Equal(t, []string{"aaaaaaaa00000000 (/etc)", "aaaaaaaa11111111 (/opt)"}, ambiguous.Candidates)
			}
		})
	}
}
