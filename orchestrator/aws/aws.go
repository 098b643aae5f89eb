// Package aws configures the SDK, and holds the few operations that the project calls, as
// functions.
//
// Functions, not client interfaces: a client held in an interface keeps all of its methods
// in the binary, and EC2 alone has hundreds. Endpoints, profiles, proxies and certificates
// are the SDK's own settings (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, …); nothing here
// overrides them.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
)

// Operations are the calls of one region of one account.
type Operations struct {
	Region string

	DescribeInstances func(context.Context, *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error)

	DescribeInstanceInformation func(context.Context, *ssm.DescribeInstanceInformationInput) (*ssm.DescribeInstanceInformationOutput, error)
	SendCommand                 func(context.Context, *ssm.SendCommandInput) (*ssm.SendCommandOutput, error)
	ListCommands                func(context.Context, *ssm.ListCommandsInput) (*ssm.ListCommandsOutput, error)
	ListCommandInvocations      func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error)
	GetCommandInvocation        func(context.Context, *ssm.GetCommandInvocationInput) (*ssm.GetCommandInvocationOutput, error)
	CancelCommand               func(context.Context, *ssm.CancelCommandInput) (*ssm.CancelCommandOutput, error)

	GetDocument                  func(context.Context, *ssm.GetDocumentInput) (*ssm.GetDocumentOutput, error)
	DescribeDocument             func(context.Context, *ssm.DescribeDocumentInput) (*ssm.DescribeDocumentOutput, error)
	CreateDocument               func(context.Context, *ssm.CreateDocumentInput) (*ssm.CreateDocumentOutput, error)
	UpdateDocument               func(context.Context, *ssm.UpdateDocumentInput) (*ssm.UpdateDocumentOutput, error)
	UpdateDocumentDefaultVersion func(context.Context, *ssm.UpdateDocumentDefaultVersionInput) (*ssm.UpdateDocumentDefaultVersionOutput, error)
	AddTagsToResource            func(context.Context, *ssm.AddTagsToResourceInput) (*ssm.AddTagsToResourceOutput, error)

	GetCallerIdentity func(context.Context, *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error)

	PutMetricData       func(context.Context, *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error)
	ListMetrics         func(context.Context, *cloudwatch.ListMetricsInput) (*cloudwatch.ListMetricsOutput, error)
	GetMetricStatistics func(context.Context, *cloudwatch.GetMetricStatisticsInput) (*cloudwatch.GetMetricStatisticsOutput, error)

	PutObject     func(context.Context, *s3.PutObjectInput) (*s3.PutObjectOutput, error)
	HeadObject    func(context.Context, *s3.HeadObjectInput) (*s3.HeadObjectOutput, error)
	GetObject     func(context.Context, *s3.GetObjectInput) (*s3.GetObjectOutput, error)
	ListObjectsV2 func(context.Context, *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error)

	PutDashboard      func(context.Context, *cloudwatch.PutDashboardInput) (*cloudwatch.PutDashboardOutput, error)
	GetDashboard      func(context.Context, *cloudwatch.GetDashboardInput) (*cloudwatch.GetDashboardOutput, error)
	DeleteDashboards  func(context.Context, *cloudwatch.DeleteDashboardsInput) (*cloudwatch.DeleteDashboardsOutput, error)
	PutMetricAlarm    func(context.Context, *cloudwatch.PutMetricAlarmInput) (*cloudwatch.PutMetricAlarmOutput, error)
	PutCompositeAlarm func(context.Context, *cloudwatch.PutCompositeAlarmInput) (*cloudwatch.PutCompositeAlarmOutput, error)
	DescribeAlarms    func(context.Context, *cloudwatch.DescribeAlarmsInput) (*cloudwatch.DescribeAlarmsOutput, error)
	DeleteAlarms      func(context.Context, *cloudwatch.DeleteAlarmsInput) (*cloudwatch.DeleteAlarmsOutput, error)

	GetParameter func(context.Context, *ssm.GetParameterInput) (*ssm.GetParameterOutput, error)
	PutEvents    func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
	Publish      func(context.Context, *sns.PublishInput) (*sns.PublishOutput, error)
	LookupEvents func(context.Context, *cloudtrail.LookupEventsInput) (*cloudtrail.LookupEventsOutput, error)
}

// ErrNoRegion is returned by Load when neither the caller nor the environment
// names a region.
var ErrNoRegion = errors.New("no AWS region")

// Load reads the SDK's configuration. An empty region takes the environment's.
func Load(ctx context.Context, region string) (Operations, error) {
	cfg, err := load(ctx, region)
	if err != nil {
		return Operations{}, err
	}
	return operations(cfg), nil
}

func load(ctx context.Context, region string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRegion(region), config.WithAppID("aidefleet"),
		config.WithLogger(logging.Nop{}), // its warnings are part of the errors it returns
		config.WithAPIOptions([]func(*middleware.Stack) error{logCalls, tellPages}),
	}
	keep := func(aws.CredentialsProvider) {}
	if m, ok := ctx.Value(mfaKey{}).(*mfa); ok {
		var more []func(*config.LoadOptions) error
		more, keep = m.options()
		options = append(options, more...)
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, ErrNoRegion
	}
	keep(cfg.Credentials)
	cfg.Retryer = patient(ctx, cfg.Credentials)
	return cfg, nil
}

func operations(cfg aws.Config) Operations {
	objects := cfg // of any size
	cfg.HTTPClient = punctual(cfg.HTTPClient)
	var (
		e = ec2.NewFromConfig(cfg)
		s = ssm.NewFromConfig(cfg)
		c = cloudwatch.NewFromConfig(cfg)
		t = sts.NewFromConfig(cfg)
		o = s3.NewFromConfig(objects, bucketInPath)
		b = eventbridge.NewFromConfig(cfg)
		l = cloudtrail.NewFromConfig(cfg)
		n = sns.NewFromConfig(cfg)
	)
	return Operations{
		Region: cfg.Region,

		DescribeInstances: call(e.DescribeInstances),

		DescribeInstanceInformation: call(s.DescribeInstanceInformation),
		SendCommand:                 call(s.SendCommand, unsent(cfg.Credentials)),
		ListCommands:                call(s.ListCommands),
		ListCommandInvocations:      call(s.ListCommandInvocations),
		GetCommandInvocation:        call(s.GetCommandInvocation),
		CancelCommand:               call(s.CancelCommand),

		GetDocument:                  call(s.GetDocument),
		DescribeDocument:             call(s.DescribeDocument),
		CreateDocument:               call(s.CreateDocument),
		UpdateDocument:               call(s.UpdateDocument),
		UpdateDocumentDefaultVersion: call(s.UpdateDocumentDefaultVersion),
		AddTagsToResource:            call(s.AddTagsToResource),

		GetCallerIdentity: call(t.GetCallerIdentity),

		PutMetricData:       call(c.PutMetricData),
		ListMetrics:         call(c.ListMetrics),
		GetMetricStatistics: call(c.GetMetricStatistics),

		PutObject:     call(o.PutObject),
		HeadObject:    call(o.HeadObject),
		GetObject:     call(o.GetObject),
		ListObjectsV2: call(o.ListObjectsV2),

		PutDashboard:      call(c.PutDashboard),
		GetDashboard:      call(c.GetDashboard),
		DeleteDashboards:  call(c.DeleteDashboards),
		PutMetricAlarm:    call(c.PutMetricAlarm),
		PutCompositeAlarm: call(c.PutCompositeAlarm),
		DescribeAlarms:    call(c.DescribeAlarms),
		DeleteAlarms:      call(c.DeleteAlarms),

		GetParameter: call(s.GetParameter),
		PutEvents:    call(b.PutEvents),
		Publish:      call(n.Publish),
		LookupEvents: call(l.LookupEvents),
	}
}

// answerTime is how long one attempt of a call may take, and dialTime how long until there is
// a connection. The SDK has no limit of its own: it would wait for ever for a server that
// no longer answers.
var answerTime = 30 * time.Second // replaced by tests

const dialTime = 5 * time.Second

// punctual is a client that gives up after answerTime; the SDK then tries again.
func punctual(client aws.HTTPClient) aws.HTTPClient {
	if c, ok := client.(*awshttp.BuildableClient); ok {
		return c.WithTimeout(answerTime).WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTime })
	}
	return client
}

// call binds an operation of a client to its options.
func call[In, Out, Options any](
	operation func(context.Context, *In, ...func(*Options)) (*Out, error), options ...func(*Options),
) func(context.Context, *In) (*Out, error) {
	return func(ctx context.Context, in *In) (*Out, error) { return operation(ctx, in, options...) }
}
