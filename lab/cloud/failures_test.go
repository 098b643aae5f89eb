package cloud

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
)

func TestParseFailure(t *testing.T) {
	for text, want := range map[string]Failure{
		"ListCommands=error":                    {Operation: "ListCommands", From: 1, Kind: Broken},
		"ListCommandInvocations:2=refused":      {Operation: "ListCommandInvocations", From: 2, Kind: Refused},
		"PutMetricData:3-5=cut":                 {Operation: "PutMetricData", From: 3, To: 5, Kind: CutOff},
		"SendCommand:1-1=late-error":            {Operation: "SendCommand", From: 1, To: 1, Kind: LateError},
		"DescribeInstances=1.5s":                {Operation: "DescribeInstances", From: 1, Kind: Slow, Delay: 1500 * time.Millisecond},
		"DescribeInstanceInformation:1-9=reset": {Operation: "DescribeInstanceInformation", From: 1, To: 9, Kind: Lost},
		"GetMetricStatistics:7=html":            {Operation: "GetMetricStatistics", From: 7, Kind: Page},
	} {
		got, err := ParseFailure(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
	for _, text := range []string{"", "ListCommands", "ListCommands=", "=error", "A:0=error", "A:2-1=error", "A:-1=error", "A=never", "A=-1s", "A=0s", "A=slow"} {
		if f, err := ParseFailure(text); err == nil {
			t.Errorf("%q is taken as %+v", text, f)
		}
	}
}

func FuzzParseFailure(f *testing.F) {
	f.Add("A:1-2=1s")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFailure(text)
		if err != nil {
			return
		}
		assert.GreaterOrEqual(t, got.From, 1, "%q: %+v", text, got)
		if got.To != 0 {
			assert.GreaterOrEqual(t, got.To, got.From, "%q: %+v", text, got)
		}
		assert.Equal(t, got.Kind == Slow, got.Delay > 0, "%q: %+v", text, got)
	})
}

// TestFailures asks for what a client sees of each kind, and whether the command was
// sent all the same.
func TestFailures(t *testing.T) {
	for _, tc := range []struct {
		kind FailureKind
		code string // of the error; empty if it has none
		sent int
	}{
		{Refused, "AccessDeniedException", 0},
		{Broken, "InternalServerError", 0},
		{Page, "", 0},
		{LateError, "InternalServerError", 1},
		{CutOff, "", 1},
		{Lost, "", 1},
	} {
		t.Run(string(tc.kind), func(t *testing.T) {
			l := newLab(t, Config{Failures: []Failure{{Operation: "SendCommand", From: 2, To: 2, Kind: tc.kind}}})
			if err := l.Publish("Doc", sample); err != nil {
				t.Fatal(err)
			}
			c := ssm.NewFromConfig(l.impatient())
			for call := 1; call <= 3; call++ {
				_, err := c.SendCommand(t.Context(), input(func(*ssm.SendCommandInput) {}))
				if failed := err != nil; failed != (call == 2) {
					t.Errorf("call %d: %v", call, err)
				}
				if call == 2 && tc.code != "" && code(err) != tc.code {
					t.Errorf("call %d: %v, want %s", call, err, tc.code)
				}
				if call == 2 && tc.kind == CutOff && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("call %d: %v, want that it ends in the middle", call, err)
				}
			}
			l.Cloud.mu.Lock()
			defer l.Cloud.mu.Unlock()
			if got := len(l.history); got != 2+tc.sent {
				t.Errorf("%d commands, want %d", got, 2+tc.sent)
			}
			if l.faults[string(tc.kind)] != 1 {
				t.Errorf("counted %v", l.faults)
			}
		})
	}
}

func TestFailureIsAPage(t *testing.T) {
	l := newLab(t, Config{Failures: []Failure{{Operation: "ListCommands", From: 1, Kind: Page}}})
	resp := l.post("/", map[string]string{"X-Amz-Target": ssmService + ".ListCommands"}, []byte("{}"))
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", resp.StatusCode)
	}
	if resp.Header.Get("Content-Type") != "text/html" {
		t.Errorf("content type %q", resp.Header.Get("Content-Type"))
	}
	if !strings.HasPrefix(string(text), "<html>") {
		t.Errorf("body %q", text)
	}
}

// TestHidden: a command that nobody finds yet, and one whose results are not listed
// although they are counted.
func TestHidden(t *testing.T) {
	l := newLab(t, Config{Faults: Faults{HideCommand: 6 * time.Second, HideResults: 9 * time.Second}})
	if err := l.Publish("Doc", sample); err != nil {
		t.Fatal(err)
	}
	l.register(web1)
	sent, err := l.ssm.SendCommand(t.Context(), input(func(in *ssm.SendCommandInput) { in.Targets, in.InstanceIds = nil, []string{web1} }))
	if err != nil {
		t.Fatal(err)
	}
	id := sent.Command.CommandId
	look := func(after string, listed, counted, results int) {
		t.Helper()
		all, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(all.Commands) != listed {
			t.Fatalf("after %s, %d commands are listed, want %d", after, len(all.Commands), listed)
		}
		one, err := l.ssm.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: id})
		if listed == 0 && code(err) != "InvalidCommandId" {
			t.Errorf("after %s: %v, want that nobody knows it", after, err)
		}
		if listed == 0 {
			return
		}
		if got := int(one.Commands[0].TargetCount); got != counted {
			t.Errorf("after %s, %d hosts are counted, want %d", after, got, counted)
		}
		found, err := l.ssm.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: aws.String(*id)})
		if err != nil {
			t.Fatal(err)
		}
		if len(found.CommandInvocations) != results {
			t.Errorf("after %s, %d results are listed, want %d", after, len(found.CommandInvocations), results)
		}
	}
	look("0 s", 0, 0, 0)
	l.pass(6 * time.Second)
	look("6 s", 1, 1, 0)
	l.pass(3 * time.Second)
	look("9 s", 1, 1, 1)
}
