package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/aws/awscall"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/metrics"
	documents "aidefleet/ssm-documents"
)

// Account are the questions about the account. Operations that change nothing are called,
// with parameters that ask for as little as possible; the others are only named.
func Account(o aws.Operations) []Question {
	o.GetCallerIdentity, o.DescribeInstances = within(o.GetCallerIdentity), within(o.DescribeInstances)
	o.DescribeInstanceInformation, o.GetDocument = within(o.DescribeInstanceInformation), within(o.GetDocument)
	o.ListCommands, o.ListCommandInvocations = within(o.ListCommands), within(o.ListCommandInvocations)
	o.GetCommandInvocation, o.GetMetricStatistics = within(o.GetCommandInvocation), within(o.GetMetricStatistics)
	questions := []Question{
		{Name: "identity", Ask: func(ctx context.Context) []Finding {
			out, err := o.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if err != nil {
				return CallFailed(err)
			}
			return Found(OK, sdk.ToString(out.Arn)+" of account "+sdk.ToString(out.Account), "")
		}},
		{Name: "region", Ask: func(context.Context) []Finding { return Found(OK, o.Region, "") }},
		permission("ec2:DescribeInstances", func(ctx context.Context) error {
			_, err := o.DescribeInstances(ctx, &ec2.DescribeInstancesInput{MaxResults: sdk.Int32(5)})
			return err
		}),
		permission("ssm:DescribeInstanceInformation", func(ctx context.Context) error {
			_, err := o.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{MaxResults: sdk.Int32(5)})
			return err
		}),
		permission("ssm:ListCommands", func(ctx context.Context) error {
			_, err := o.ListCommands(ctx, &ssm.ListCommandsInput{MaxResults: sdk.Int32(1)})
			return err
		}),
		permission("ssm:ListCommandInvocations", func(ctx context.Context) error {
			_, err := o.ListCommandInvocations(ctx, &ssm.ListCommandInvocationsInput{MaxResults: sdk.Int32(1)})
			return err
		}),
		{Name: "ssm:GetCommandInvocation", Ask: func(ctx context.Context) []Finding {
			_, err := o.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sdk.String(nobody), InstanceId: sdk.String("i-00000000000000000")})
			if awscall.Denied(err) {
				return Found(Warning, aws.Explain(err), "allow ssm:GetCommandInvocation where orchestrator show is wanted; docs/iam.md has all actions")
			}
			var refused smithy.APIError // there is no such command, as expected
			if err != nil && !errors.As(err, &refused) {
				return CallFailed(err)
			}
			return Found(OK, "", "")
		}},
		{Name: "cloudwatch:GetMetricStatistics", Ask: func(ctx context.Context) []Finding {
			_, err := metrics.Completed(ctx, metrics.API{GetMetricStatistics: o.GetMetricStatistics}, metrics.DefaultNamespace, "doctor", time.Now(), time.Now())
			switch {
			case awscall.Denied(err):
				return Found(Warning, aws.Explain(err), "allow cloudwatch:GetMetricStatistics where orchestrator collect is wanted; docs/iam.md has all actions")
			case err != nil:
				return CallFailed(err)
			}
			return Found(OK, "", "")
		}},
		untried("ssm:SendCommand"), untried("ssm:CancelCommand"), untried("cloudwatch:PutMetricData"),
	}
	for _, d := range documents.All() {
		questions = append(questions, Question{Name: "document " + d.Name, Ask: func(ctx context.Context) []Finding { return document(ctx, o, d) }})
	}
	return append(questions, Question{Name: "agents", Ask: func(ctx context.Context) []Finding { return askAgents(ctx, o) }})
}

// callTime bounds a call with all its retries: people wait for the answer.
const callTime = 10 * time.Second

// within ends a call after callTime.
func within[In, Out any](call func(context.Context, *In) (*Out, error)) func(context.Context, *In) (*Out, error) {
	return func(ctx context.Context, in *In) (*Out, error) {
		ctx, stop := context.WithTimeout(ctx, callTime)
		defer stop()
		return call(ctx, in)
	}
}

// nobody is a command id that no command has.
const nobody = "00000000-0000-0000-0000-000000000000"

// permission tries an action that changes nothing.
func permission(action string, try func(context.Context) error) Question {
	return Question{Name: action, Ask: func(ctx context.Context) []Finding {
		err := try(ctx)
		switch {
		case awscall.Denied(err):
			return Found(Failed, aws.Explain(err), "allow "+action+"; docs/iam.md has all actions")
		case err != nil:
			return CallFailed(err)
		}
		return Found(OK, "", "")
	}}
}

// untried is an action that cannot be tried without its effect.
func untried(action string) Question {
	return Question{Name: action, Ask: func(context.Context) []Finding {
		return Found(Untried, "a sweep needs it, and it cannot be tried without its effect", "")
	}}
}

// CallFailed is the finding of a call that failed, other than for want of a permission.
func CallFailed(err error) []Finding {
	if errors.Is(err, context.DeadlineExceeded) {
		text := fmt.Sprintf("AWS does not answer within %s: check the network, --region and AWS_ENDPOINT_URL", callTime)
		return []Finding{{Status: Failed, Message: text, Unanswered: true}}
	}
	var answered smithy.APIError
	return []Finding{{Status: Failed, Message: aws.Explain(err), Unanswered: !errors.As(err, &answered)}}
}

// differs does not begin with publishing: this program may be the older one, and would take
// the documents back to its version.
const differs = "use the orchestrator of the version in its tag aidefleet, or upgrade the stack; without a stack: orchestrator documents publish"

// document compares a document with the one that a sweep would run.
func document(ctx context.Context, o aws.Operations, d documents.Document) []Finding {
	change, err := deploy.Compare(ctx, deploy.API{GetDocument: o.GetDocument}, d)
	switch {
	case awscall.Denied(err):
		return Found(Warning, aws.Explain(err), "allow ssm:GetDocument to see whether it is there")
	case err != nil:
		return CallFailed(err)
	case change == deploy.Created:
		return Found(Failed, "it is not in this account and region", "orchestrator documents publish")
	case change == deploy.Updated:
		return Found(Warning, "it differs from the one of this program", differs)
	}
	return Found(OK, "", "")
}
