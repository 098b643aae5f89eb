package doctor

import (
	"context"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws"
	documents "aidefleet/ssm-documents"
)

// examined answers every question of an account in which the named actions are
// denied. An operation that changes something is nil, and would panic.
func examined(t *testing.T, content func(documents.Document) *string, denied ...string) map[string]Finding {
	t.Helper()
	refuse := func(action string) error {
		for _, d := range denied {
			if d == action {
				return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform " + action}
			}
		}
		return nil
	}
	o := aws.Operations{
		Region: "eu-central-1",
		GetCallerIdentity: func(context.Context, *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
			return &sts.GetCallerIdentityOutput{Arn: sdk.String("arn:x"), Account: sdk.String("1")}, nil
		},
		DescribeInstances: func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
			return nil, refuse("ec2:DescribeInstances")
		},
		DescribeInstanceInformation: func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error) {
			return &ssm.DescribeInstanceInformationOutput{NextToken: sdk.String("again"), InstanceInformationList: []ssmtypes.InstanceInformation{
				{InstanceId: sdk.String("i-1"), PlatformType: "Linux", PingStatus: "Online", AgentVersion: sdk.String("2.3.1")},
				{InstanceId: sdk.String("i-2"), PlatformType: "Windows", PingStatus: "ConnectionLost"},
			}}, refuse("ssm:DescribeInstanceInformation")
		},
		ListCommands: func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error) {
			return nil, refuse("ssm:ListCommands")
		},
		ListCommandInvocations: func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
			return nil, refuse("ssm:ListCommandInvocations")
		},
		GetCommandInvocation: func(context.Context, *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error) {
			if err := refuse("ssm:GetCommandInvocation"); err != nil {
				return nil, err
			}
			return nil, &ssmtypes.InvocationDoesNotExist{}
		},
		GetMetricStatistics: func(context.Context, *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error) {
			if err := refuse("cloudwatch:GetMetricStatistics"); err != nil {
				return nil, err
			}
			return &cloudwatch.GetMetricStatisticsOutput{}, nil
		},
		GetDocument: func(_ context.Context, in *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error) {
			if err := refuse("ssm:GetDocument"); err != nil {
				return nil, err
			}
			d := documentOf(sdk.ToString(in.Name))
			if c := content(d); c != nil {
				return &ssm.GetDocumentOutput{Content: c}, nil
			}
			return nil, &ssmtypes.InvalidDocument{}
		},
	}
	found := map[string]Finding{}
	for _, f := range Examine(t.Context(), Account(o)) {
		found[f.Name] = f
	}
	return found
}

func same(d documents.Document) *string { return &d.Content }

func TestAccount(t *testing.T) {
	for name, c := range map[string]struct {
		content func(documents.Document) *string
		denied  []string
		want    map[string]string // statuses, and what to do
	}{
		"well": {same, nil, map[string]string{
			"identity": "ok arn:x of account 1", "region": "ok eu-central-1", "ec2:DescribeInstances": "ok", "ssm:GetCommandInvocation": "ok", "cloudwatch:GetMetricStatistics": "ok",
			"document AideFleet-Check": "ok", "ssm:SendCommand": "not tried", "agents": "warning 1 of 1 are older than version 3: i-1 (2.3.1)",
		}},
		"denied": {same, []string{"ec2:DescribeInstances", "ssm:GetCommandInvocation", "ssm:GetDocument", "ssm:DescribeInstanceInformation", "cloudwatch:GetMetricStatistics"}, map[string]string{
			"ec2:DescribeInstances": "failed AccessDenied", "ssm:ListCommands": "ok", "ssm:GetCommandInvocation": "warning AccessDenied", "cloudwatch:GetMetricStatistics": "warning look for SweepPublished",
			"document AideFleet-Check": "warning", "agents": "not tried as ssm:DescribeInstanceInformation",
		}},
		"no documents": {func(documents.Document) *string { return nil }, nil, map[string]string{
			"document AideFleet-Check": "failed it is not in this account",
		}},
		"old documents": {func(documents.Document) *string { return sdk.String("old") }, nil, map[string]string{
			"document AideFleet-Doctor": "warning it differs",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			found := examined(t, c.content, c.denied...)
			for question, want := range c.want {
				f := found[question]
				if got := string(f.Status) + " " + f.Message; !strings.HasPrefix(got, want) {
					t.Errorf("%s: %q, want %q", question, got, want)
				}
				if strings.HasPrefix(f.Message, "it differs") && !strings.HasPrefix(f.Next, "use the orchestrator of the version in its tag") {
					t.Errorf("%s: %q may take documents back to an older version", question, f.Next)
				}
				if (f.Status == Failed || f.Status == Warning) && f.Next == "" {
					t.Errorf("%s: nothing is said about what to do", question)
				}
			}
		})
	}
}

// documentOf is the document of that name. It panics if there is none.
func documentOf(name string) documents.Document {
	at := slices.IndexFunc(documents.All(), func(d documents.Document) bool { return d.Name == name })
	return documents.All()[at]
}
