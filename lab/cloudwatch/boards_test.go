package cloudwatch

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDashboards: a dashboard is read back as it was put, and deleted once.
func TestDashboards(t *testing.T) {
	client, _ := newSDKClient(t, newTestService())
	name := []string{"aidefleet-prod"}
	_, err := client.GetDashboard(t.Context(), &cloudwatch.GetDashboardInput{DashboardName: &name[0]})
	assert.ErrorContains(t, err, "ResourceNotFound")
	_, err = client.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name[0], DashboardBody: aws.String("{")})
	assert.ErrorContains(t, err, "DashboardBody")
	_, err = client.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name[0], DashboardBody: aws.String(`{"widgets":[]}`)})
	require.NoError(t, err)
	got, err := client.GetDashboard(t.Context(), &cloudwatch.GetDashboardInput{DashboardName: &name[0]})
	require.NoError(t, err)
	assert.Equal(t, `{"widgets":[]}`, aws.ToString(got.DashboardBody))
	_, err = client.DeleteDashboards(t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: name})
	require.NoError(t, err)
	_, err = client.DeleteDashboards(t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: name})
	assert.ErrorContains(t, err, "ResourceNotFound")
}

func metricAlarm(name string, periods int32) *cloudwatch.PutMetricAlarmInput {
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(name), Namespace: aws.String("AIDE"), MetricName: aws.String("HostsFailed"), Dimensions: []types.Dimension{{Name: aws.String("Fleet"), Value: aws.String("prod")}},
		Statistic: types.StatisticMaximum, Period: aws.Int32(3600), EvaluationPeriods: aws.Int32(periods), Threshold: aws.Float64(1),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold, AlarmActions: []string{"arn:aws:sns:us-east-1:123456789012:a"},
	}
}

// TestAlarms: alarms are read back as they were put; one that nobody made silences none.
func TestAlarms(t *testing.T) {
	client, _ := newSDKClient(t, newTestService())
	_, err := client.PutMetricAlarm(t.Context(), metricAlarm("failed", 24*8))
	assert.ErrorContains(t, err, "7 days")
	_, err = client.PutMetricAlarm(t.Context(), metricAlarm("failed", 24))
	require.NoError(t, err)
	both := &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("both"), AlarmRule: aws.String(`ALARM("failed")`), ActionsSuppressor: aws.String("held")}
	_, err = client.PutCompositeAlarm(t.Context(), both)
	assert.ErrorContains(t, err, "held does not exist")
	both.ActionsSuppressor = aws.String("failed")
	_, err = client.PutCompositeAlarm(t.Context(), both)
	require.NoError(t, err)
	got, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Len(t, got.MetricAlarms, 1)
	assert.Equal(t, int32(24), aws.ToInt32(got.MetricAlarms[0].DatapointsToAlarm))
	assert.Equal(t, "prod", aws.ToString(got.MetricAlarms[0].Dimensions[0].Value))
	assert.Len(t, got.MetricAlarms[0].AlarmActions, 1)
	require.Len(t, got.CompositeAlarms, 1)
	assert.Equal(t, "failed", aws.ToString(got.CompositeAlarms[0].ActionsSuppressor))
	_, err = client.DeleteAlarms(t.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"failed", "none"}})
	assert.ErrorContains(t, err, "ResourceNotFound")
}

// TestExpressions: a query ranks the hosts of one fleet, and a product multiplies points.
func TestExpressions(t *testing.T) {
	s := newTestService()
	client, _ := newSDKClient(t, s)
	put := func(name string, value float64, dimensions ...string) types.MetricDatum {
		d := types.MetricDatum{MetricName: aws.String(name), Value: aws.Float64(value), Timestamp: aws.Time(clock("04:00:00"))}
		for i := 0; i < len(dimensions); i += 2 {
			d.Dimensions = append(d.Dimensions, types.Dimension{Name: aws.String(dimensions[i]), Value: aws.String(dimensions[i+1])})
		}
		return d
	}
	_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE"), MetricData: []types.MetricDatum{
		put("Worst", 3, "Fleet", "prod", "Instance", "web-1"), put("Worst", 9, "Fleet", "prod", "Instance", "web-2"), put("Worst", 5, "Fleet", "prod", "Instance", "web-3"),
		put("Worst", 99, "Fleet", "dev", "Instance", "web-9"), put("Worst", 77, "Fleet", "prod"), put("Mean", 2, "Fleet", "prod"), put("Hosts", 40, "Fleet", "prod"),
	}})
	require.NoError(t, err)
	stat := func(id, name string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: aws.String(id), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
			Stat: aws.String("Average"), Period: aws.Int32(86400), Metric: &types.Metric{Namespace: aws.String("AIDE"), MetricName: aws.String(name), Dimensions: []types.Dimension{{Name: aws.String("Fleet"), Value: aws.String("prod")}}},
		}}
	}
	got, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(testNow.Add(-24 * time.Hour)), EndTime: aws.Time(testNow.Add(time.Hour)), MetricDataQueries: []types.MetricDataQuery{
			{Id: aws.String("worst"), Period: aws.Int32(86400), Expression: aws.String(`SELECT MAX(Worst) FROM SCHEMA("AIDE", Fleet, Instance) WHERE Fleet = 'prod' GROUP BY Instance ORDER BY MAX() DESC LIMIT 2`)},
			stat("m", "Mean"), stat("n", "Hosts"), {Id: aws.String("all"), Label: aws.String("all hosts"), Expression: aws.String("m*n")},
		},
	})
	require.NoError(t, err)
	var labels []string
	var values []float64
	for _, r := range got.MetricDataResults {
		labels, values = append(labels, aws.ToString(r.Label)), append(values, r.Values...)
	}
	assert.Equal(t, []string{"web-2", "web-3", "all hosts"}, labels)
	assert.Equal(t, []float64{9, 5, 80}, values)
}
