package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"aidefleet/node/result"
	"aidefleet/orchestrator/lab"
)

// BenchmarkBaselines is a sweep beside what people write without this project,
// in one run: the calls that each makes, and the time from the request until every
// host's result is published. The simulated hosts take five seconds.
func BenchmarkBaselines(b *testing.B) {
	for _, c := range []struct {
		name  string
		hosts int
		run   func(simulated)
	}{
		{"orchestrator/1000", 1000, func(s simulated) { s.sweep("sweep", "--tag", "env=prod,dev") }},
		{"classic-loop/1000", 1000, classicLoop},
		{"orchestrator/100", 100, func(s simulated) { s.sweep("sweep", "--tag", "env=prod,dev") }},
		{"aws-cli-script/100", 100, cliScript},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				s := simulate(b, c.hosts)
				before := time.Now()
				c.run(s)
				took := time.Since(before)
				calls := 0
				for _, n := range s.stats().Calls {
					calls += n
				}
				b.ReportMetric(float64(calls), "calls")
				b.ReportMetric(took.Seconds(), "seconds")
			}
		})
	}
}

// classicLoop asks for each host by itself until all have ended, and publishes
// each by itself.
func classicLoop(s simulated) {
	ctx, config := context.Background(), aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.url),
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	}
	commands, metrics := ssm.NewFromConfig(config), cloudwatch.NewFromConfig(config)
	sent, err := commands.SendCommand(ctx, &ssm.SendCommandInput{
		DocumentName: aws.String("AideFleet-Check"), MaxErrors: aws.String("100%"), MaxConcurrency: aws.String("100%"),
		Targets: []types.Target{{Key: aws.String("tag:env"), Values: []string{"prod", "dev"}}},
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	var pending []string
	for len(pending) == 0 {
		time.Sleep(time.Second)
		pages := ssm.NewListCommandInvocationsPaginator(commands, &ssm.ListCommandInvocationsInput{CommandId: sent.Command.CommandId})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				s.tb.Fatal(err)
			}
			for _, i := range page.CommandInvocations {
				pending = append(pending, aws.ToString(i.InstanceId))
			}
		}
	}
	for len(pending) > 0 {
		var left []string
		for _, id := range pending {
			out, err := commands.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: aws.String(id)})
			if err != nil {
				s.tb.Fatal(err)
			}
			if out.Status == types.CommandInvocationStatusInProgress || out.Status == types.CommandInvocationStatusPending {
				left = append(left, id)
				continue
			}
			l, err := result.Parse([]byte(aws.ToString(out.StandardOutputContent)))
			if err != nil || l.Counts == nil {
				continue
			}
			in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE")}
			for name, n := range map[string]int{"added": l.Added, "removed": l.Removed, "changed": l.Changed} {
				in.MetricData = append(in.MetricData, cwtypes.MetricDatum{
					MetricName: aws.String(name), Value: aws.Float64(float64(n)),
					Dimensions: []cwtypes.Dimension{{Name: aws.String("Instance"), Value: aws.String(id)}},
				})
			}
			if _, err := metrics.PutMetricData(ctx, in); err != nil {
				s.tb.Fatal(err)
			}
		}
		if pending = left; len(pending) > 0 {
			time.Sleep(time.Second)
		}
	}
}

// script is what people write with the AWS CLI.
const script = `set -eu
id=$(aws ssm send-command --document-name AideFleet-Check --targets Key=tag:env,Values=prod,dev \
	--max-errors 100% --max-concurrency 100% --query Command.CommandId --output text)
sleep 1
while aws ssm list-commands --command-id "$id" --query 'Commands[0].Status' --output text | grep -q 'Pending\|InProgress'; do
	sleep 1
done
aws ssm list-command-invocations --command-id "$id" --details \
	--query 'CommandInvocations[].[InstanceId,CommandPlugins[0].Output]' --output text | grep '^i-.*"added"' |
while read -r instance output; do
	number() { echo "$output" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
	aws cloudwatch put-metric-data --namespace AIDE --metric-data \
		"MetricName=added,Value=$(number added),Dimensions=[{Name=Instance,Value=$instance}]" \
		"MetricName=removed,Value=$(number removed),Dimensions=[{Name=Instance,Value=$instance}]" \
		"MetricName=changed,Value=$(number changed),Dimensions=[{Name=Instance,Value=$instance}]"
done
`

func cliScript(s simulated) {
	const cli = "/usr/bin/aws"
	if _, err := os.Stat(cli); err != nil {
		s.tb.Skip("the AWS CLI is not installed here: apt-get install awscli")
	}
	dir := s.tb.TempDir()
	wrapper := "#!/bin/sh\nexec " + cli + " --endpoint-url " + s.url + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(wrapper), 0o755); err != nil {
		s.tb.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(lab.Environment(s.url), "PATH="+dir+":/usr/bin:/bin", "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("%v: %s", err, strings.TrimSpace(string(out)))
	}
}
