package cloudwatch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newSDKClient returns the real client of a service, and the encodings of the
// bodies that it sends.
func newSDKClient(t *testing.T, s *Service) (client *cloudwatch.Client, encodings *[]string) {
	t.Helper()
	encodings = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*encodings = append(*encodings, r.Header.Get("Content-Encoding"))
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return cloudwatch.New(cloudwatch.Options{
		Region:                      "us-east-1",
		BaseEndpoint:                aws.String(server.URL),
		Credentials:                 credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:                     aws.NopRetryer{},
		HTTPClient:                  server.Client(),
		RequestMinCompressSizeBytes: 10 << 10, // the default of a loaded configuration
	}), encodings
}

func TestGoSDK(t *testing.T) {
	client, encodings := newSDKClient(t, newTestService())
	dimensions := []types.Dimension{{Name: aws.String("Instance"), Value: aws.String("web-1")}}
	datum := types.MetricDatum{
		MetricName: aws.String("added"), Unit: types.StandardUnitCount, Dimensions: dimensions,
		Timestamp: aws.Time(clock("04:00:00")), Values: []float64{1, 2}, Counts: []float64{3, 1},
	}
	small := &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE"), MetricData: []types.MetricDatum{datum}}
	large := &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE")}
	for i := range 1000 {
		d := datum
		d.MetricName = aws.String(fmt.Sprintf("m%d", i))
		large.MetricData = append(large.MetricData, d)
	}
	for _, in := range []*cloudwatch.PutMetricDataInput{small, large} {
		if _, err := client.PutMetricData(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(*encodings, ","); got != ",gzip" {
		t.Errorf("content encodings %q, want a plain body and one in gzip", got)
	}

	listed := 0
	for pages := cloudwatch.NewListMetricsPaginator(client, &cloudwatch.ListMetricsInput{Namespace: aws.String("AIDE")}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		listed += len(page.Metrics)
		m := page.Metrics[0]
		require.Len(t, m.Dimensions, 1, "listed %+v", m)
		assert.Equal(t, "web-1", *m.Dimensions[0].Value, "listed %+v", m)
	}
	if listed != 1001 {
		t.Errorf("%d metrics listed, want 1,001", listed)
	}

	statistics, err := client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AIDE"), MetricName: aws.String("added"), Dimensions: dimensions, Period: aws.Int32(60),
		StartTime: aws.Time(clock("03:30:00")), EndTime: aws.Time(clock("04:30:00")),
		Statistics: []types.Statistic{types.StatisticSum, types.StatisticAverage, types.StatisticSampleCount, types.StatisticMaximum, types.StatisticMinimum},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(statistics.Datapoints) != 1 {
		t.Fatalf("%d datapoints, want 1", len(statistics.Datapoints))
	}
	d := statistics.Datapoints[0]
	assert.Equal(t, 5.0, *d.Sum, "datapoint %+v", d)
	assert.Equal(t, 4.0, *d.SampleCount)
	assert.Equal(t, 1.25, *d.Average)
	assert.Equal(t, 2.0, *d.Maximum)
	assert.Equal(t, 1.0, *d.Minimum)
	assert.Equal(t, types.StandardUnitCount, d.Unit)
	assert.True(t, d.Timestamp.Equal(clock("04:00:00")), "datapoint %+v", d)
	statistics, err = client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AIDE"), MetricName: aws.String("added"), Dimensions: dimensions, Period: aws.Int32(60),
		StartTime: aws.Time(clock("03:30:00")), EndTime: aws.Time(clock("04:30:00")), ExtendedStatistics: []string{"p75", "p76"},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := statistics.Datapoints[0].ExtendedStatistics
	assert.Len(t, e, 2)
	assert.Equal(t, 1.0, e["p75"], "extended statistics %v", e)
	assert.Equal(t, 2.0, e["p76"])

	data, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(clock("03:30:00")), EndTime: aws.Time(clock("04:30:00")),
		MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("a"), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AIDE"), MetricName: aws.String("added"), Dimensions: dimensions},
			Period: aws.Int32(300), Stat: aws.String("Sum"),
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := data.MetricDataResults[0]
	assert.Equal(t, "a", *r.Id, "result %+v", r)
	assert.Equal(t, "added", *r.Label)
	assert.Equal(t, types.StatusCodeComplete, r.StatusCode)
	require.Len(t, r.Values, 1)
	assert.Equal(t, 5.0, r.Values[0])
	assert.True(t, r.Timestamps[0].Equal(clock("04:00:00")), "result %+v", r)
	assert.Nil(t, data.NextToken)
}

// TestGoSDKErrors holds that the client sees the errors as it does in the
// service: by code, and by type where the API model has one.
func TestGoSDKErrors(t *testing.T) {
	client, _ := newSDKClient(t, newTestService())
	put := func(edit func(*cloudwatch.PutMetricDataInput)) error {
		in := &cloudwatch.PutMetricDataInput{Namespace: aws.String("AIDE"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("added"), Value: aws.Float64(1),
		}}}
		edit(in)
		_, err := client.PutMetricData(t.Context(), in)
		return err
	}
	tests := []struct {
		err  error
		code string
		as   any
	}{
		{put(func(in *cloudwatch.PutMetricDataInput) { in.Namespace = aws.String("A?") }), codeInvalidValue, new(*types.InvalidParameterValueException)},
		{put(func(in *cloudwatch.PutMetricDataInput) { in.MetricData[0].Values = []float64{1} }), codeInvalidCombination, new(*types.InvalidParameterCombinationException)},
		{put(func(in *cloudwatch.PutMetricDataInput) { in.MetricData[0].Value = nil }), codeMissing, new(*types.MissingRequiredParameterException)},
		{put(func(in *cloudwatch.PutMetricDataInput) {
			in.MetricData[0].Timestamp = aws.Time(testNow.AddDate(0, -1, 0))
		}), codeInvalidValue, new(*types.InvalidParameterValueException)},
		{func() error {
			_, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(testNow), EndTime: aws.Time(testNow.Add(time.Hour)),
				MetricDataQueries: []types.MetricDataQuery{{Id: aws.String("e"), Expression: aws.String("a+b")}},
			})
			return err
		}(), codeValidation, nil},
		{func() error {
			_, err := client.ListDashboards(t.Context(), &cloudwatch.ListDashboardsInput{})
			return err
		}(), codeUnknownOperation, nil},
	}
	for i, tt := range tests {
		var api smithy.APIError
		require.ErrorAs(t, tt.err, &api, i)
		assert.Equal(t, tt.code, api.ErrorCode(), "%d: error %v", i, tt.err)
		assert.NotEmpty(t, api.ErrorMessage(), "%d: error %v", i, tt.err)
		if tt.as != nil {
			assert.ErrorAs(t, tt.err, tt.as, i)
		}
	}
}
