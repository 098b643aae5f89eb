package deploy

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/dashboard"
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
	used := 0
	for _, w := range dashboard.Widgets(dashboardOptions) {
		metrics, _ := w.Properties["metrics"].([]any)
		for _, m := range metrics {
			if series := m.([]any); len(series) > 1 {
				used++
				assert.Equal(t, series[2], published[series[1].(string)], "the dashboard looks at %v, which nothing publishes", series[:3])
			}
		}
	}
	assert.Equal(t, 13, used)
	assert.Equal(t, "Fleet", published[metrics.Worst], "the query looks at hosts by fleet")
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
