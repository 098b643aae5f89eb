package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"aidefleet/lab/lab"
)

// What docs/metrics.md says of the metrics' names.
const (
	namespace = "AIDE"
	mark      = "SweepPublished" // a number that says nothing to people
)

// storedMetrics reads the project's metrics of the last hour from the lab's
// CloudWatch, one line for each set of dimensions.
func storedMetrics(ctx context.Context, l *lab.Lab) ([]string, error) {
	client := cloudwatch.NewFromConfig(l.Config())
	list, err := client.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String(namespace)})
	if err != nil {
		return nil, fmt.Errorf("list metrics: %w", err)
	}
	now := time.Now()
	rows := make(map[string][]string)
	for _, m := range list.Metrics {
		if aws.ToString(m.MetricName) == mark {
			continue
		}
		stats, err := client.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions,
			StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Minute)),
			Period: aws.Int32(60), Statistics: []types.Statistic{types.StatisticMaximum},
		})
		if err != nil {
			return nil, fmt.Errorf("read metric %s: %w", aws.ToString(m.MetricName), err)
		}
		var dimensions []string
		for _, d := range m.Dimensions {
			dimensions = append(dimensions, aws.ToString(d.Name)+"="+aws.ToString(d.Value))
		}
		key := strings.Join(dimensions, " ")
		for _, p := range stats.Datapoints {
			rows[key] = append(rows[key], fmt.Sprintf("%s %g", aws.ToString(m.MetricName), aws.ToFloat64(p.Maximum)))
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
