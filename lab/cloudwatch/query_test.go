package cloudwatch

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// mustPut stores datums of the namespace AIDE.
func mustPut(t *testing.T, s *Service, datums ...any) {
	t.Helper()
	if got := clients[0].call(t, s, "PutMetricData", put(datums...)); got.status != http.StatusOK {
		t.Fatalf("put: %s: %s", got.code, got.message)
	}
}

func clock(text string) time.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-23T"+text+"Z")
	if err != nil {
		panic(err)
	}
	return t
}

// filled has one metric with points of all kinds, one of negative values, one
// with two units, and one that only its dimensions tell apart.
func filled(t *testing.T) *Service {
	t.Helper()
	s := newTestService()
	at := func(text string, members ...any) input {
		return with(good, append(members, "Timestamp", clock(text))...)
	}
	web1 := []any{dim("Instance", "web-1")}
	mustPut(t, s,
		at("04:00:30", "Value", 1.0),
		at("04:01:00", "Value", nil, "Values", []any{2.0, 3.0}, "Counts", []any{2.0, 1.0}),
		at("04:04:59", "Value", 10.0),
		at("04:05:00", "Value", 100.0),
		at("04:05:00", "Value", 100.0), // written twice: both count
		at("04:10:00", "Value", nil, "StatisticValues", input{"SampleCount": 2.0, "Sum": 4.0, "Minimum": 1.0, "Maximum": 3.0}),
		at("04:00:00", "MetricName", "balance", "Value", -1.0),
		at("04:00:00", "MetricName", "mixed", "Value", 7.0, "Unit", "Count"),
		at("04:00:00", "MetricName", "mixed", "Value", 9.0, "Unit", "Seconds"),
		at("04:00:05", "MetricName", "fine", "Value", 1.0, "StorageResolution", 1.0),
		at("04:00:12", "MetricName", "fine", "Value", 2.0, "StorageResolution", 1.0),
		at("04:00:00", "MetricName", "fine", "Value", 4.0),
		at("04:00:00", "Dimensions", web1, "Value", 5.0),
		at("04:00:00", "Dimensions", append(web1, dim("InstanceId", "i-1")), "Value", 6.0),
	)
	return s
}

func statisticsOf(name, start, end string, period int, members ...any) input {
	return with(input{
		"Namespace": "AIDE", "MetricName": name, "StartTime": clock(start), "EndTime": clock(end),
		"Period": float64(period), "Statistics": []any{"Sum"},
	}, members...)
}

func TestGetMetricStatistics(t *testing.T) {
	tests := []struct {
		name string
		in   input
		want string // "time name=number … unit", comma-separated
	}{
		{"all statistics", statisticsOf("added", "04:00:00", "04:05:00", 300, "Statistics", []any{"Maximum", "Minimum", "Sum", "Average", "SampleCount"}),
			"04:00:00 Average=3.6 Maximum=10 Minimum=1 SampleCount=5 Sum=18 None"},
		{"the end is exclusive, the start inclusive", statisticsOf("added", "04:05:00", "04:10:00", 300), "04:05:00 Sum=200 None"},
		{"periods begin at the start", statisticsOf("added", "04:01:00", "04:06:00", 120), "04:01:00 Sum=7 None,04:03:00 Sum=10 None,04:05:00 Sum=200 None"},
		{"the start is rounded down", statisticsOf("added", "04:00:59", "04:01:00", 60), "04:00:00 Sum=1 None"},
		{"a day in one", statisticsOf("added", "00:00:00", "23:59:59", 86400), "00:00:00 Sum=222 None"},
		{"percentiles", statisticsOf("added", "04:00:00", "04:05:00", 300, "Statistics", nil, "ExtendedStatistics", []any{"p0", "p50", "p80.0", "p80.1", "p100"}),
			"04:00:00 p0=1 p100=10 p50=2 p80.0=3 p80.1=10 None"},
		{"no percentile of a set", statisticsOf("added", "04:10:00", "04:15:00", 300, "Statistics", nil, "ExtendedStatistics", []any{"p50"}), ""},
		{"the sum of a set", statisticsOf("added", "04:10:00", "04:15:00", 300), "04:10:00 Sum=4 None"},
		{"no percentile of negative values", statisticsOf("balance", "04:00:00", "04:05:00", 300, "Statistics", nil, "ExtendedStatistics", []any{"p50"}), ""},
		{"each unit has its datapoints", statisticsOf("mixed", "04:00:00", "04:05:00", 300), "04:00:00 Sum=7 Count,04:00:00 Sum=9 Seconds"},
		{"one unit", statisticsOf("mixed", "04:00:00", "04:05:00", 300, "Unit", "Seconds"), "04:00:00 Sum=9 Seconds"},
		{"a unit that is not there", statisticsOf("mixed", "04:00:00", "04:05:00", 300, "Unit", "Bytes"), ""},
		{"ten seconds", statisticsOf("fine", "04:00:03", "04:01:00", 10), "04:00:00 Sum=1 None,04:00:10 Sum=2 None"},
		{"a minute of seconds", statisticsOf("fine", "04:00:00", "04:01:00", 60), "04:00:00 Sum=7 None"},
		{"exact dimensions", statisticsOf("added", "04:00:00", "04:05:00", 300, "Dimensions", []any{dim("Instance", "web-1")}), "04:00:00 Sum=5 None"},
		{"dimensions in any order", statisticsOf("added", "04:00:00", "04:05:00", 300, "Dimensions", []any{dim("InstanceId", "i-1"), dim("Instance", "web-1")}), "04:00:00 Sum=6 None"},
		{"one dimension is not two", statisticsOf("added", "04:00:00", "04:05:00", 300, "Dimensions", []any{dim("InstanceId", "i-1")}), ""},
		{"a metric nobody wrote", statisticsOf("nothing", "04:00:00", "04:05:00", 300), ""},
	}
	s := filled(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range clients {
				got := c.call(t, s, "GetMetricStatistics", tt.in)
				if got.status != http.StatusOK {
					t.Fatalf("%s: %s: %s", c.name, got.code, got.message)
				}
				out := got.output.(map[string]any)
				text := datapoints(out["Datapoints"])
				assert.Equal(t, tt.want, text, "%s: %q of %v", c.name, text, out["Label"])
				assert.Equal(t, tt.in["MetricName"], out["Label"], c.name)
			}
		})
	}
}

// datapoints writes the datapoints of an answer as the tests want them.
func datapoints(v any) string {
	l, _ := v.([]any)
	texts := make([]string, len(l))
	for i, item := range l {
		m := item.(map[string]any)
		at := strings.TrimSuffix(strings.TrimPrefix(m["Timestamp"].(string), "2026-11-23T"), "Z")
		unit := m["Unit"]
		delete(m, "Timestamp")
		delete(m, "Unit")
		if extended, ok := m["ExtendedStatistics"]; ok {
			m = extended.(map[string]any)
		}
		numbers := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(m), "map["), "]") // sorted
		texts[i] = fmt.Sprintf("%s %s %s", at, strings.ReplaceAll(numbers, ":", "="), unit)
	}
	return strings.Join(texts, ",")
}

func queryOf(id, name, stat string, members ...any) input {
	return with(input{"Id": id, "MetricStat": input{
		"Metric": input{"Namespace": "AIDE", "MetricName": name}, "Period": 300.0, "Stat": stat,
	}}, members...)
}

func dataOf(members []any, queries ...any) input {
	return with(input{"MetricDataQueries": queries, "StartTime": clock("04:00:00"), "EndTime": clock("05:00:00")}, members...)
}

func TestGetMetricData(t *testing.T) {
	added, balance := queryOf("a", "added", "Sum"), queryOf("b", "balance", "Average", "Label", "Balance <€>")
	tests := []struct {
		name string
		in   input
		want string // of all pages, one a line: "id label times values status", comma-separated
	}{
		{"newest first", dataOf(nil, added), "a added [04:10 04:05 04:00] [4 200 18] Complete"},
		{"oldest first", dataOf([]any{"ScanBy", "TimestampAscending"}, added), "a added [04:00 04:05 04:10] [18 200 4] Complete"},
		{"two queries", dataOf(nil, added, balance), "a added [04:10 04:05 04:00] [4 200 18] Complete,b Balance <€> [04:00] [-1] Complete"},
		{"one is not to be returned", dataOf(nil, with(added, "ReturnData", false), with(balance, "ReturnData", true)), "b Balance <€> [04:00] [-1] Complete"},
		{"no percentile of a set", dataOf(nil, queryOf("a", "added", "p50")), "a added [04:05 04:00] [100 2] Complete"},
		{"units are added up", dataOf(nil, queryOf("m", "mixed", "Sum")), "m mixed [04:00] [16] Complete"},
		{"nothing", dataOf(nil, queryOf("n", "nothing", "Sum")), "n nothing [] [] Complete"},
		{
			"pages of two", dataOf([]any{"MaxDatapoints", 2.0}, added, queryOf("n", "nothing", "Sum"), balance),
			"a added [04:10 04:05] [4 200] PartialData\na added [04:00] [18] Complete,n nothing [] [] Complete,b Balance <€> [04:00] [-1] Complete",
		},
		{
			"pages that end with a series", dataOf([]any{"MaxDatapoints", 3.0}, added, queryOf("n", "nothing", "Sum"), balance),
			"a added [04:10 04:05 04:00] [4 200 18] Complete,n nothing [] [] Complete\nb Balance <€> [04:00] [-1] Complete",
		},
		{"the account itself", dataOf(nil, with(added, "AccountId", "123456789012")), "a added [04:10 04:05 04:00] [4 200 18] Complete"},
	}
	s := filled(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range clients {
				var pages []string
				for in := tt.in; in != nil; {
					got := c.call(t, s, "GetMetricData", in)
					if got.status != http.StatusOK {
						t.Fatalf("%s: %s: %s", c.name, got.code, got.message)
					}
					out := got.output.(map[string]any)
					pages = append(pages, results(out["MetricDataResults"]))
					if token, ok := out["NextToken"]; ok {
						in = with(in, "NextToken", token)
					} else {
						in = nil
					}
				}
				if got := strings.Join(pages, "\n"); got != tt.want {
					t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, tt.want)
				}
			}
		})
	}
}

func results(v any) string {
	var texts []string
	for _, item := range v.([]any) {
		m := item.(map[string]any)
		times, _ := m["Timestamps"].([]any)
		short := []string{}
		for _, at := range times {
			short = append(short, at.(string)[11:16])
		}
		values := m["Values"]
		if values == "" {
			values = []any{}
		}
		texts = append(texts, fmt.Sprintf("%s %s %v %v %s", m["Id"], m["Label"], short, values, m["StatusCode"]))
	}
	return strings.Join(texts, ",")
}

func TestBadQueries(t *testing.T) {
	a := queryOf("a", "added", "Sum")
	stat := func(members ...any) input { return with(a, "MetricStat", with(a["MetricStat"].(input), members...)) }
	tooMany := make([]any, maxQueries+1)
	for i := range tooMany {
		tooMany[i] = with(a, "Id", fmt.Sprintf("a%d", i))
	}
	statistics := func(members ...any) input { return statisticsOf("added", "04:00:00", "05:00:00", 300, members...) }
	value, combination, absent, invalid := codeInvalidValue, codeInvalidCombination, codeMissing, codeValidation
	tests := []struct {
		operation string
		in        input
		code      string
		says      string
	}{
		{"GetMetricStatistics", statistics("Namespace", nil), absent, "Namespace"},
		{"GetMetricStatistics", statistics("MetricName", nil), absent, "MetricName"},
		{"GetMetricStatistics", statistics("StartTime", nil), absent, "StartTime"},
		{"GetMetricStatistics", statistics("EndTime", nil), absent, "EndTime"},
		{"GetMetricStatistics", statistics("EndTime", clock("04:00:00")), value, "must not equal"},
		{"GetMetricStatistics", statistics("EndTime", clock("03:00:00")), value, "must be less"},
		{"GetMetricStatistics", statistics("Period", nil), absent, "Period"},
		{"GetMetricStatistics", statistics("Period", 0.0), value, "Period"},
		{"GetMetricStatistics", statistics("Period", -60.0), value, "Period"},
		{"GetMetricStatistics", statistics("Period", 90.0), value, "multiple of 60"},
		{"GetMetricStatistics", statistics("Statistics", nil), absent, "Statistics and ExtendedStatistics"},
		{"GetMetricStatistics", statistics("ExtendedStatistics", []any{"p50"}), combination, "mutually exclusive"},
		{"GetMetricStatistics", statistics("Statistics", []any{"Sum", "p50"}), value, "Statistics.member.2 must be a value in the set"},
		{"GetMetricStatistics", statistics("Statistics", nil, "ExtendedStatistics", []any{"p101"}), value, "p101"},
		{"GetMetricStatistics", statistics("Statistics", nil, "ExtendedStatistics", []any{"p+5"}), value, "p+5"},
		{"GetMetricStatistics", statistics("Statistics", nil, "ExtendedStatistics", []any{"50"}), value, "50"},
		{"GetMetricStatistics", statistics("Statistics", nil, "ExtendedStatistics", numbersOfNames(11)), value, "size greater than 10"},
		{"GetMetricStatistics", statistics("Unit", "Hosts"), value, "Hosts"},
		{"GetMetricStatistics", statistics("Dimensions", []any{dim("", "v")}), value, "Dimensions.member.1.Name"},
		{"GetMetricStatistics", statistics("StartTime", clock("04:00:00").AddDate(0, 0, -2), "Period", 60.0), combination, "2940 datapoints, which exceeds the limit of 1440"},
		{"GetMetricStatistics", statistics("Period", "long"), codeMalformed, "Period is not an integer"},
		{"GetMetricStatistics", statistics("StartTime", 1e300), codeMalformed, "StartTime is not a timestamp"},

		{"GetMetricData", dataOf(nil), invalid, "MetricDataQueries is required"},
		{"GetMetricData", dataOf(nil, tooMany...), invalid, "size greater than 500"},
		{"GetMetricData", dataOf(nil, with(a, "Id", nil)), invalid, "MetricDataQueries.member.1.Id is required"},
		{"GetMetricData", dataOf(nil, with(a, "Id", "A")), invalid, `"A"`},
		{"GetMetricData", dataOf(nil, a, a), invalid, "twice"},
		{"GetMetricData", dataOf(nil, input{"Id": "e", "Expression": "SEARCH('{AIDE,Instance}', 'Sum', 300)"}), invalid, "the lab knows products of two series"},
		{"GetMetricData", dataOf(nil, with(a, "MetricStat", nil)), invalid, "MetricStat is required"},
		{"GetMetricData", dataOf(nil, stat("Metric", nil)), invalid, "MetricStat.Metric is required"},
		{"GetMetricData", dataOf(nil, stat("Metric", input{"Namespace": "AIDE"})), invalid, "Metric.MetricName is required"},
		{"GetMetricData", dataOf(nil, stat("Period", 7.0)), invalid, "Period"},
		{"GetMetricData", dataOf(nil, stat("Unit", "Hosts")), invalid, "Hosts"},
		{"GetMetricData", dataOf(nil, stat("Stat", nil)), invalid, "Stat is required"},
		{"GetMetricData", dataOf(nil, stat("Stat", "tm90")), invalid, "tm90"},
		{"GetMetricData", dataOf(nil, with(a, "AccountId", "210987654321")), invalid, "us-east-1"},
		{"GetMetricData", dataOf([]any{"StartTime", nil}, a), invalid, "StartTime"},
		{"GetMetricData", dataOf([]any{"EndTime", clock("04:00:00")}, a), invalid, "must not equal"},
		{"GetMetricData", dataOf([]any{"ScanBy", "Oldest"}, a), invalid, "Oldest"},
		{"GetMetricData", dataOf([]any{"MaxDatapoints", 0.0}, a), invalid, "MaxDatapoints"},
		{"GetMetricData", dataOf([]any{"NextToken", "0"}, a), codeInvalidNextToken, "NextToken"},
		{"GetMetricData", dataOf([]any{"MaxDatapoints", "few"}, a), codeMalformed, "MaxDatapoints"},

		{"ListMetrics", input{"NextToken": "x"}, value, "NextToken"},
		{"ListMetrics", input{"NextToken": "-1"}, value, "NextToken"},
		{"ListMetrics", input{"RecentlyActive": "PT1H"}, value, "PT3H"},
		{"ListMetrics", input{"Dimensions": []any{input{"Value": "v"}}}, absent, "Dimensions.member.1.Name"},
		{"ListMetrics", input{"Dimensions": []any{numbersOf(1)}}, codeMalformed, "Dimensions.member.1 is not a structure"},
		{"ListMetrics", input{"IncludeLinkedAccounts": "perhaps"}, codeMalformed, "not a boolean"},
		{"DescribeAnomalyDetectors", input{}, codeUnknownOperation, "DescribeAnomalyDetectors"},
	}
	s := filled(t)
	for i, tt := range tests {
		for _, c := range clients {
			got := c.call(t, s, tt.operation, tt.in)
			code := tt.code
			if mapped, ok := queryCodes[code]; ok && c.name == "query" {
				code = mapped
			}
			assert.Equal(t, http.StatusBadRequest, got.status, "%d %s by %s: HTTP %d %s: %s", i, tt.operation, c.name, got.status, got.code, got.message)
			assert.Equal(t, code, got.code, "%d %s by %s", i, tt.operation, c.name)
			assert.Contains(t, got.message, tt.says, "%d %s by %s", i, tt.operation, c.name)
		}
	}
}

func numbersOfNames(n int) []any {
	l := make([]any, n)
	for i := range l {
		l[i] = fmt.Sprintf("p%d", i)
	}
	return l
}
