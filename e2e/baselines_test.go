package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"golang.org/x/sync/errgroup"

	"aidefleet/node/result"
)

// BenchmarkBaselines is a sweep beside what people write without this project,
// in one run: the calls that each makes, and the time from the request until every
// host's result is published. The simulated hosts take five seconds, and a call 30 ms.
func BenchmarkBaselines(b *testing.B) {
	for _, hosts := range []int{1_000, 10_000, 50_000} {
		for _, c := range []struct {
			name string
			run  func(simulated)
		}{
			{"orchestrator", func(s simulated) { s.sweep("sweep", "--tag", "env=prod,dev") }},
			{"classic-loop", classicLoop},
			{"aws-cli-script", cliScript},
		} {
			b.Run(fmt.Sprintf("%d/%s", hosts, c.name), func(b *testing.B) {
				for b.Loop() {
					s := simulate(b, hosts, "--latency", "30ms")
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
}

// loopWorkers is how many hosts the classic loop asks for at a time.
const loopWorkers = 10

// classicLoop asks for each host by itself until all have ended, and publishes
// each by itself.
func classicLoop(s simulated) {
	ctx := context.Background()
	commands, metrics := ssm.NewFromConfig(s.sdk()), cloudwatch.NewFromConfig(s.sdk())
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
		var mu sync.Mutex
		var left []string
		var g errgroup.Group
		g.SetLimit(loopWorkers)
		for _, id := range pending {
			g.Go(func() error {
				out, err := commands.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: aws.String(id)})
				if err != nil {
					return err
				}
				if out.Status == types.CommandInvocationStatusInProgress || out.Status == types.CommandInvocationStatusPending {
					mu.Lock()
					defer mu.Unlock()
					left = append(left, id)
					return nil
				}
				l, err := result.Parse([]byte(aws.ToString(out.StandardOutputContent)))
				if err != nil || l.Counts == nil {
					return nil //nolint:nilerr // a host without a result is no error of the loop
				}
				in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE")}
				for name, n := range map[string]int{"added": l.Added, "removed": l.Removed, "changed": l.Changed} {
					in.MetricData = append(in.MetricData, cwtypes.MetricDatum{
						MetricName: aws.String(name), Value: aws.Float64(float64(n)),
						Dimensions: []cwtypes.Dimension{{Name: aws.String("Instance"), Value: aws.String(id)}},
					})
				}
				_, err = metrics.PutMetricData(ctx, in)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			s.tb.Fatal(err)
		}
		if pending = left; len(pending) > 0 {
			time.Sleep(time.Second)
		}
	}
}

// script is what careful people write with the AWS CLI: all results in one call of
// it, and a thousand metrics in each of the others.
const script = `set -eu
id=$(aws ssm send-command --document-name AideFleet-Check --targets Key=tag:env,Values=prod,dev \
	--max-errors 100% --max-concurrency 100% --query Command.CommandId --output text)
sleep 1
while aws ssm list-commands --command-id "$id" --query 'Commands[0].Status' --output text | grep -q 'Pending\|InProgress'; do
	sleep 1
done
aws ssm list-command-invocations --command-id "$id" --details --output json |
jq -c '[.CommandInvocations[] | .InstanceId as $id | (.CommandPlugins[0].Output | split("\n")[0] | fromjson?) |
	select(.added != null) | {added, removed, changed} | to_entries[] |
	{MetricName: .key, Value: .value, Dimensions: [{Name: "Instance", Value: $id}]}] |
	range(0; length; 1000) as $n | .[$n:$n+1000]' |
while read -r metrics; do
	echo "$metrics" >metrics.json
	aws cloudwatch put-metric-data --namespace AIDE --metric-data file://metrics.json
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
	cmd.Dir = dir
	cmd.Env = append(s.environment(), "PATH="+dir+":/usr/bin:/bin", "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.tb.Fatalf("%v: %s", err, strings.TrimSpace(string(out)))
	}
}
