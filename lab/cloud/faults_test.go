package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
)

// impatient is a configuration of clients that do not try again.
func (l *lab) impatient() aws.Config {
	c := l.sdk()
	c.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return c
}

// call makes one call of each service.
func callAll(ctx context.Context, c aws.Config) map[string]error {
	_, s := ssm.NewFromConfig(c).ListCommands(ctx, &ssm.ListCommandsInput{})
	_, e := ec2.NewFromConfig(c).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	_, w := cloudwatch.NewFromConfig(c).ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
	_, t := sts.NewFromConfig(c).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return map[string]error{"ssm": s, "ec2": e, "cloudwatch": w, "sts": t}
}

// TestSessionEnds: the credentials of a role are refused when their time is over,
// as each service says so, and those of the user are not.
func TestSessionEnds(t *testing.T) {
	l := newLab(t, Config{Faults: Faults{Session: time.Minute}})
	took, err := sts.NewFromConfig(l.impatient()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::123456789012:role/ops"), RoleSessionName: aws.String("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	role := l.impatient()
	role.Credentials = credentials.NewStaticCredentialsProvider(*took.Credentials.AccessKeyId, *took.Credentials.SecretAccessKey, *took.Credentials.SessionToken)
	want := map[string]string{"ssm": "ExpiredTokenException", "ec2": "RequestExpired", "cloudwatch": "ExpiredTokenException", "sts": "ExpiredToken"}
	refused := func(service string, err error) bool {
		var coded smithy.APIError
		return errors.As(err, &coded) && coded.ErrorCode() == want[service]
	}
	for service, err := range callAll(t.Context(), role) {
		if refused(service, err) {
			t.Errorf("%s: %v", service, err)
		}
	}
	l.pass(time.Minute)
	for service, err := range callAll(t.Context(), role) {
		if !refused(service, err) {
			t.Errorf("%s: %v, want %s", service, err, want[service])
		}
	}
	for service, err := range callAll(t.Context(), l.impatient()) {
		if refused(service, err) {
			t.Errorf("%s, by the user: %v", service, err)
		}
	}
}

func TestFaultsRefuse(t *testing.T) {
	for _, tc := range []struct {
		name   string
		faults Faults
		want   map[string]string // "" is an error without a code
		stats  string
	}{
		{"throttled", Faults{ThrottleRate: 1}, map[string]string{
			"ssm": "ThrottlingException", "ec2": "RequestLimitExceeded", "cloudwatch": "Throttling", "sts": "Throttling",
		}, "throttled"},
		{"broken", Faults{ErrorRate: 1}, map[string]string{
			"ssm": "InternalServerError", "ec2": "InternalError", "cloudwatch": "InternalFailure", "sts": "InternalFailure",
		}, "errors"},
		{"reset", Faults{ResetRate: 1}, map[string]string{"ssm": "", "ec2": "", "cloudwatch": "", "sts": ""}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, Config{Faults: tc.faults})
			for service, err := range callAll(t.Context(), l.impatient()) {
				var coded smithy.APIError
				switch errors.As(err, &coded); {
				case err == nil:
					t.Errorf("%s: no error", service)
				case coded == nil && tc.want[service] != "" || coded != nil && coded.ErrorCode() != tc.want[service]:
					t.Errorf("%s: %v, want %q", service, err, tc.want[service])
				}
			}
			l.Cloud.mu.Lock()
			defer l.Cloud.mu.Unlock()
			counted := l.faults[tc.stats]
			if tc.stats == "" {
				counted = l.faults["resets_before"] + l.faults["resets_after"]
			}
			assert.Equal(t, 4, counted, "counted %v, calls %v: refused calls count too", l.faults, l.calls)
			assert.Equal(t, 1, l.calls["ListCommands"])
		})
	}
}

// The client cannot know whether a call that was reset was done. Half are.
func TestResetOfSend(t *testing.T) {
	seen := make(map[int]bool)
	for seed := range uint64(20) {
		l := newLab(t, Config{Faults: Faults{ResetRate: 1, Seed: seed}})
		if err := l.Publish("Doc", sample); err != nil {
			t.Fatal(err)
		}
		_, err := ssm.NewFromConfig(l.impatient()).SendCommand(t.Context(), input(func(in *ssm.SendCommandInput) { in.Comment = aws.String("run 7") }))
		if err == nil {
			t.Fatal("an answer in spite of the reset")
		}
		l.Cloud.mu.Lock()
		if len(l.history) == 1 {
			assert.Equal(t, "run 7", l.history[0].Comment, "%d commands, faults %v", len(l.history), l.faults)
		}
		assert.Len(t, l.history, l.faults["resets_after"], "%d commands, faults %v", len(l.history), l.faults)
		seen[len(l.history)] = true
		l.Cloud.mu.Unlock()
	}
	assert.True(t, seen[0], "commands after a reset: %v", seen)
	assert.True(t, seen[1], "commands after a reset: %v", seen)
}

func TestThrottleFillsUp(t *testing.T) {
	l := newLab(t, Config{Faults: Faults{Throttle: 3}})
	c := ssm.NewFromConfig(l.impatient())
	call := func(want int) {
		t.Helper()
		done := 0
		for range 5 {
			if _, err := c.ListCommands(t.Context(), &ssm.ListCommandsInput{}); err == nil {
				done++
			}
		}
		if done != want {
			t.Errorf("%d of 5 calls, want %d", done, want)
		}
	}
	call(3)
	call(0)
	if _, err := c.ListDocuments(t.Context(), &ssm.ListDocumentsInput{}); err != nil {
		t.Errorf("each operation has a limit of its own: %v", err)
	}
	l.pass(time.Second/3 + time.Millisecond)
	call(1)
	l.pass(time.Minute)
	call(3)
}

func TestLatency(t *testing.T) {
	l := newLab(t, Config{Faults: Faults{Latency: time.Hour}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := ssm.NewFromConfig(l.impatient()).ListCommands(ctx, &ssm.ListCommandsInput{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that it takes too long", err)
	}
}

func TestFaultsFollowTheSeed(t *testing.T) {
	draws := func(seed uint64) (s string) {
		f := Faults{ThrottleRate: 0.05, ErrorRate: 0.01, ResetRate: 0.01, RepeatPages: 0.05, Seed: seed}
		for n := range uint64(1000) {
			s += string(f.draw("SendCommand", n)) + ","
		}
		return s
	}
	seven := draws(7)
	again := draws(7)
	assert.Equal(t, seven, again, "the same seed must mean the same faults, another one others")
	assert.NotEqual(t, seven, draws(8), "the same seed must mean the same faults, another one others")
	for what, want := range map[fault]int{throttled: 50, broken: 10, repeats: 50} {
		got := strings.Count(seven, string(what)+",")
		assert.GreaterOrEqual(t, got, want/3, "%s: %d in 1,000", what, got)
		assert.LessOrEqual(t, got, want*2, what)
	}
}

// Middle pages come twice, with tokens that differ; the last one for ever.
func TestRepeatPages(t *testing.T) {
	var hosts []Instance
	for n := range 12 {
		hosts = append(hosts, Instance{ID: fmt.Sprintf("i-%017x", n), State: running, Launched: launched, LastPing: launched})
	}
	l := newLab(t, Config{Faults: Faults{RepeatPages: 1}}, hosts...)
	pages := func(next func(token *string) (first string, n int, following *string)) (got string) {
		var token *string
		for range 8 {
			first, n, following := next(token)
			got += fmt.Sprintf("%s+%d ", strings.TrimLeft(first, "i-0"), n)
			if token = following; token == nil {
				break
			}
		}
		return got
	}
	const want = "+5 +5 5+5 5+5 a+2 a+2 a+2 a+2 "
	got := pages(func(token *string) (string, int, *string) {
		out, err := l.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{NextToken: token, MaxResults: aws.Int32(5)})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.InstanceInformationList[0].InstanceId), len(out.InstanceInformationList), out.NextToken
	})
	if got != want {
		t.Errorf("DescribeInstanceInformation: %s, want %s", got, want)
	}
	got = pages(func(token *string) (string, int, *string) {
		out, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{NextToken: token, MaxResults: aws.Int32(5)})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Reservations[0].Instances[0].InstanceId), len(out.Reservations), out.NextToken
	})
	if got != want {
		t.Errorf("DescribeInstances: %s, want %s", got, want)
	}
	l.Cloud.mu.Lock()
	defer l.Cloud.mu.Unlock()
	if l.faults["repeats"] != 6 {
		t.Errorf("counted %v", l.faults)
	}
}

func TestReadToken(t *testing.T) {
	for _, s := range []string{"x", "bmV4dDo", token{item: -1}.String(), token{item: 5}.String() + "=", "bmV4dDowNQ"} {
		if _, err := readToken(s); err == nil {
			t.Errorf("token %q is taken", s)
		}
	}
	for _, want := range []token{{}, {item: 50}, {repeat: true}, {item: 50, repeat: true}} {
		got, err := readToken(want.String())
		assert.NoError(t, err, "token %+v comes back as %+v", want, got)
		assert.Equal(t, want, got, "token %+v comes back as %+v", want, got)
	}
}

// reset works where a connection cannot be taken over.
func TestResetOfHTTP2(t *testing.T) {
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // a value that is panicked with
			t.Error("the handler goes on")
		}
	}()
	reset(nowhere{})
}
