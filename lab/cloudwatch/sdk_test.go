package cloudwatch

import (
	"errors"
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
		if m := page.Metrics[0]; len(m.Dimensions) != 1 || *m.Dimensions[0].Value != "web-1" {
			t.Errorf("listed %+v", m)
		}
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
	if *d.Sum != 5 || *d.SampleCount != 4 || *d.Average != 1.25 || *d.Maximum != 2 || *d.Minimum != 1 ||
		d.Unit != types.StandardUnitCount || !d.Timestamp.Equal(clock("04:00:00")) {
		t.Errorf("datapoint %+v", d)
	}
	statistics, err = client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AIDE"), MetricName: aws.String("added"), Dimensions: dimensions, Period: aws.Int32(60),
		StartTime: aws.Time(clock("03:30:00")), EndTime: aws.Time(clock("04:30:00")), ExtendedStatistics: []string{"p75", "p76"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if e := statistics.Datapoints[0].ExtendedStatistics; len(e) != 2 || e["p75"] != 1 || e["p76"] != 2 {
		t.Errorf("extended statistics %v", e)
	}

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
	if *r.Id != "a" || *r.Label != "added" || r.StatusCode != types.StatusCodeComplete ||
		len(r.Values) != 1 || r.Values[0] != 5 || !r.Timestamps[0].Equal(clock("04:00:00")) || data.NextToken != nil {
		t.Errorf("result %+v", r)
	}
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
			_, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{})
			return err
		}(), codeUnknownOperation, nil},
	}
	for i, tt := range tests {
		var api smithy.APIError
		if !errors.As(tt.err, &api) || api.ErrorCode() != tt.code || api.ErrorMessage() == "" {
			t.Errorf("%d: error %v, want the code %s", i, tt.err, tt.code)
		} else if tt.as != nil && !errors.As(tt.err, tt.as) {
			t.Errorf("%d: error %v is not a %T", i, tt.err, tt.as)
		}
	}
}
