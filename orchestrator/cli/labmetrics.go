package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/metrics"
)

// storedMetrics reads the project's metrics of the last hour from CloudWatch,
// one line for each set of dimensions.
func storedMetrics(ctx context.Context) ([]string, error) {
	o, err := aws.Load(ctx, "")
	if err != nil {
		return nil, err
	}
	list, err := o.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: sdk.String(metrics.DefaultNamespace)})
	if err != nil {
		return nil, fmt.Errorf("list metrics: %w", err)
	}
	now := time.Now()
	rows := make(map[string][]string)
	for _, m := range list.Metrics {
		if sdk.ToString(m.MetricName) == metrics.Mark {
			continue // a number that says nothing to people
		}
		stats, err := o.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions,
			StartTime: sdk.Time(now.Add(-time.Hour)), EndTime: sdk.Time(now.Add(time.Minute)),
			Period: sdk.Int32(60), Statistics: []types.Statistic{types.StatisticMaximum},
		})
		if err != nil {
			return nil, fmt.Errorf("read metric %s: %w", sdk.ToString(m.MetricName), err)
		}
		var dimensions []string
		for _, d := range m.Dimensions {
			dimensions = append(dimensions, sdk.ToString(d.Name)+"="+sdk.ToString(d.Value))
		}
		key := strings.Join(dimensions, " ")
		for _, p := range stats.Datapoints {
			rows[key] = append(rows[key], fmt.Sprintf("%s %g", sdk.ToString(m.MetricName), sdk.ToFloat64(p.Maximum)))
		}
	}
	var lines []string
	for key, values := range rows {
		slices.Sort(values)
		lines = append(lines, fmt.Sprintf("%-18s %s", key, strings.Join(values, "  ")))
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(b, a) }) // instances before the fleet
	slices.Reverse(lines)
	return lines, nil
}
