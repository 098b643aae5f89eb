package metrics

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// completed is the metric of which every published sweep has a point at the time of
// its request, for alarms and people.
const completed = "SweepCompleted"

// Mark is the same for programs: its point has the time of publishing, and the second of
// the request as its value. A point at the time of the request would not do. If that was
// more than three hours ago it cannot be read for up to two hours, and after a day for two
// days (CloudWatch API reference, PutMetricData). Nor does it tell two sweeps of one minute
// apart.
const Mark = "SweepPublished"

const (
	// day is the time of the points that one call returns, one a minute (CloudWatch API
	// reference, GetMetricStatistics: 1,440).
	day = 24 * time.Hour
	// ahead is how far a publisher's clock may be ahead of this one's.
	ahead = 15 * time.Minute
)

func (s Sweep) mark() types.MetricDatum {
	d := s.datum(Mark, types.StandardUnitSeconds, dimension("Fleet", s.Fleet.Name))
	d.Value, d.Timestamp = aws.Float64(float64(s.Time.Unix())), aws.Time(s.Published)
	return d
}

// Completed says whether the sweep of the fleet with that time of request has been
// published. It can tell some minutes after the publishing.
func Completed(ctx context.Context, api API, namespace, fleet string, requested, now time.Time) (bool, error) {
	value := float64(requested.Unix())
	end := now.Add(ahead)
	for from := requested.Truncate(time.Minute); from.Before(end); from = from.Add(day) {
		to := from.Add(day)
		if to.After(end) {
			to = end
		}
		out, err := api.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String(namespace), MetricName: aws.String(Mark), Dimensions: []types.Dimension{dimension("Fleet", fleet)},
			StartTime: aws.Time(from), EndTime: aws.Time(to), Period: aws.Int32(60),
			Statistics: []types.Statistic{types.StatisticMinimum, types.StatisticMaximum},
		})
		if err != nil {
			return false, fmt.Errorf("look for %s of %s in namespace %s: %w", Mark, fleet, namespace, err)
		}
		for _, p := range out.Datapoints {
			// If two sweeps were published in one minute, their values are the least and
			// the greatest.
			if aws.ToFloat64(p.Minimum) == value || aws.ToFloat64(p.Maximum) == value {
				return true, nil
			}
		}
	}
	return false, nil
}
