package deploy

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/metrics"
)

// TestMetricNames: what the alarms and the dashboard look at is what a sweep or a reconcile
// publishes, with the same dimension.
func TestMetricNames(t *testing.T) {
	published := map[string]string{} // the first dimension, by the name
	api := metrics.API{PutMetricData: func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
		for _, d := range in.MetricData {
			published[aws.ToString(d.MetricName)] = aws.ToString(d.Dimensions[0].Name)
		}
		return nil, nil
	}}
	hosts := []metrics.Host{{ID: "i-1", Name: "web", Added: 1}}
	if err := metrics.Publish(t.Context(), api, metrics.Sweep{Namespace: "AIDE", Hosts: hosts, Fleet: metrics.Fleet{Name: "prod"}}); err != nil {
		t.Fatal(err)
	}
	if err := metrics.PublishHeld(t.Context(), api, "AIDE", "prod", time.Now()); err != nil {
		t.Fatal(err)
	}
	template := parse(t)
	for name, p := range template.OfType("AWS::CloudWatch::Alarm") {
		if p["Namespace"] == "AWS/SQS" {
			continue
		}
		dimension := p["Dimensions"].([]any)[0].(map[string]any)["Name"]
		for _, metric := range metricNames(p) {
			is, ok := published[metric]
			assert.True(t, ok, "%s looks at %v by %v, which nothing publishes", name, metric, dimension)
			assert.Equal(t, dimension, is, name)
		}
	}
	body := template.Resource("Dashboard")["DashboardBody"].(map[string]any)["Fn::Sub"].(string)
	used := regexp.MustCompile(`"\$\{Namespace\}", "(\w+)", "(\w+)"|\{\\"\$\{Namespace\}\\",(\w+)\} MetricName=\\"(\w+)\\"`).FindAllStringSubmatch(body, -1)
	if len(used) != 16 {
		t.Errorf("the dashboard has %d series and searches, want 16", len(used))
	}
	for _, m := range used {
		if name, dimension := m[1]+m[4], m[2]+m[3]; published[name] != dimension {
			t.Errorf("the dashboard looks at %s by %s, which nothing publishes", name, dimension)
		}
	}
}

// metricNames are the metrics that an alarm looks at, one for each choice of the template.
func metricNames(alarm map[string]any) (names []string) {
	name := alarm["MetricName"]
	choice, ok := name.(map[string]any)
	if !ok {
		return []string{fmt.Sprint(name)}
	}
	for _, one := range choice["Fn::If"].([]any)[1:] {
		names = append(names, fmt.Sprint(one))
	}
	return names
}
