package iamtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
)

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "it is empty",
		"- a":                 "it is no mapping",
		"a: 1\na: 2":          "a is there twice",
		"a: &x 1\nb: *x":      "no anchors and aliases",
		"a: [":                "template: ",
		"a: !!timestamp nope": "line 1",
	} {
		_, err := Parse(text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestStatementsRefuse(t *testing.T) {
	const head = "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n        - PolicyName: p\n          PolicyDocument: "
	for policy, want := range map[string]string{
		`{Statement: [{Effect: Deny, Action: "a:B", Resource: "*"}]}`:     "want Allow",
		`{Statement: [{Effect: Allow, NotAction: "a:B", Resource: "*"}]}`: "actions and resources",
		`{Statement: [{Effect: Allow, Action: "a:B", NotResource: "a"}]}`: "actions and resources",
		`{Statement: [text]}`: "no mapping",
		`!Sub "{"`:            "unexpected end of JSON",
		`{Statement: [!If [C, {Effect: Deny, Action: "a:B"}, "x"]]}`:           "want Allow",
		`!Sub '{"Statement": [{"Effect": "Allow", "Resource": "${Bucket}"}]}'`: "actions and resources",
	} {
		template, err := Parse(head + policy)
		if err != nil {
			t.Fatal(err)
		}
		_, err = template.Statements("R")
		assert.ErrorContains(t, err, want, policy)
	}
	if _, err := (Template{}).Statements("R"); err == nil {
		t.Error("a role that is not there has statements")
	}
}

// api is as the parts of the project declare what they call.
type api struct {
	SendCommand       func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error)
	ListCommands      func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error)
	GetCallerIdentity func(context.Context, *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error)
	PutObject         func(context.Context, *string) error
	Now               func() string
}

func TestCalls(t *testing.T) {
	var a api
	called := Record(&a)
	if _, err := a.SendCommand(t.Context(), nil); !errors.Is(err, errRecorded) {
		t.Errorf("a recorded operation answers %v", err)
	}
	if err := a.PutObject(t.Context(), nil); !errors.Is(err, errRecorded) {
		t.Errorf("a recorded operation answers %v", err)
	}
	if got, want := called(), []string{"s3:PutObject", "ssm:SendCommand"}; !slices.Equal(got, want) {
		t.Errorf("called %q, want %q", got, want)
	}
	a.ListCommands = nil
	if got, want := Calls(struct{ Parts []api }{[]api{a}}), []string{"Now: no operation of AWS", "s3:PutObject", "ssm:SendCommand"}; !slices.Equal(got, want) {
		t.Errorf("held %q, want %q", got, want)
	}
}
