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

// Mark is the same for programs: its point has the time at which the sweep was
// published, and the second of the request as its value. A point at the time of the
// request cannot be read for up to two hours where that was more than three hours
// ago, and for two days after a day (CloudWatch API reference, PutMetricData); and it
// does not tell two sweeps of one minute from each other.
const Mark = "SweepPublished"

const (
	// day is the time of as many points as one call returns (CloudWatch API
	// reference, GetMetricStatistics: 1,440), a minute each.
	day = 24 * time.Hour
	// ahead is how far the clock of whoever published may be ahead of this one's.
	ahead = 15 * time.Minute
)

func (s Sweep) mark() types.MetricDatum {
	d := s.datum(Mark, types.StandardUnitSeconds, dimension("Fleet", s.Fleet.Name))
	d.Value, d.Timestamp = aws.Float64(float64(s.Time.Unix())), aws.Time(s.Published)
	return d
}

// Completed says that a sweep of the fleet that was requested at a time has been
// published, as far as can be read by now: some minutes after it was.
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
			// Of two sweeps that were published in one minute one is the least and one the
			// most.
			if aws.ToFloat64(p.Minimum) == value || aws.ToFloat64(p.Maximum) == value {
				return true, nil
			}
		}
	}
	return false, nil
}
