package cloudwatch

import (
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// with returns a copy of in with members added, or left out where nil.
func with(in input, members ...any) input {
	out := input{}
	for name, v := range in {
		out[name] = v
	}
	for i := 0; i < len(members); i += 2 {
		if members[i+1] == nil {
			delete(out, members[i].(string))
		} else {
			out[members[i].(string)] = members[i+1]
		}
	}
	return out
}

func put(datums ...any) input { return input{"Namespace": "AIDE", "MetricData": datums} }

func dim(name, value string) input { return input{"Name": name, "Value": value} }

var good = input{"MetricName": "added", "Value": 1.0}

func numbersOf(n int) []any {
	l := make([]any, n)
	for i := range l {
		l[i] = float64(i + 1)
	}
	return l
}

func TestBadDatums(t *testing.T) {
	set := input{"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}
	var tooManyDatums, tooManyDimensions []any
	for range maxDatums + 1 {
		tooManyDatums = append(tooManyDatums, good)
	}
	for i := range maxDimensions + 1 {
		tooManyDimensions = append(tooManyDimensions, dim(strings.Repeat("d", i+1), "v"))
	}
	value, combination, absent := codeInvalidValue, codeInvalidCombination, codeMissing
	tests := []struct {
		name string
		in   input
		code string
		says string
	}{
		{"no namespace", with(put(good), "Namespace", nil), absent, "Namespace is required"},
		{"empty namespace", with(put(good), "Namespace", ""), value, "Namespace"},
		{"namespace with a leading colon", with(put(good), "Namespace", ":AIDE"), value, "Namespace"},
		{"namespace of 256 characters", with(put(good), "Namespace", strings.Repeat("n", 256)), value, "255"},
		{"namespace with a question mark", with(put(good), "Namespace", "A?"), value, "Namespace"},
		{"namespace of AWS", with(put(good), "Namespace", "AWS/EC2"), value, "AWS/"},
		{"entities", with(put(good), "EntityMetricData", []any{input{"MetricData": []any{good}}}), value, "EntityMetricData"},
		{"no data", input{"Namespace": "AIDE"}, absent, "MetricData is required"},
		{"an empty list of data", put([]any{}...), absent, "MetricData is required"},
		{"1,001 datums", put(tooManyDatums...), value, "size greater than 1000"},
		{"no name", put(with(good, "MetricName", nil)), absent, "MetricData.member.1.MetricName is required"},
		{"an empty name", put(with(good, "MetricName", "")), value, "MetricData.member.1.MetricName"},
		{"a name of 256 characters", put(with(good, "MetricName", strings.Repeat("n", 256))), value, "255"},
		{"the second is bad", put(good, with(good, "MetricName", nil)), absent, "MetricData.member.2.MetricName"},
		{"31 dimensions", put(with(good, "Dimensions", tooManyDimensions)), value, "size greater than 30"},
		{"a dimension without name", put(with(good, "Dimensions", []any{input{"Value": "v"}})), absent, "MetricData.member.1.Dimensions.member.1.Name is required"},
		{"a dimension without value", put(with(good, "Dimensions", []any{input{"Name": "n"}})), absent, "Dimensions.member.1.Value is required"},
		{"an empty dimension", put(with(good, "Dimensions", []any{dim("n", "")})), value, "Dimensions.member.1.Value"},
		{"a blank dimension", put(with(good, "Dimensions", []any{dim("n", " \t")})), value, "blank"},
		{"a dimension with a control character", put(with(good, "Dimensions", []any{dim("n", "a\nb")})), value, `"a\nb"`},
		{"a dimension that is not ASCII", put(with(good, "Dimensions", []any{dim("n", "café")})), value, "ASCII"},
		{"a dimension of 1,025 characters", put(with(good, "Dimensions", []any{dim("n", strings.Repeat("v", 1025))})), value, "1024"},
		{"a dimension's name with a leading colon", put(with(good, "Dimensions", []any{dim(":n", "v")})), value, "colon"},
		{"a dimension twice", put(with(good, "Dimensions", []any{dim("n", "v"), dim("n", "w")})), value, "twice"},
		{"no value", put(with(good, "Value", nil)), absent, "At least one"},
		{"value and set", put(with(good, "StatisticValues", set)), combination, "MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive"},
		{"value and values", put(with(good, "Values", numbersOf(1))), combination, "mutually exclusive"},
		{"set and values", put(with(good, "Value", nil, "StatisticValues", set, "Values", numbersOf(1))), combination, "mutually exclusive"},
		{"value and counts", put(with(good, "Counts", numbersOf(1))), combination, "Counts"},
		{"151 values", put(with(good, "Value", nil, "Values", numbersOf(151))), value, "size greater than 150"},
		{"more counts than values", put(with(good, "Value", nil, "Values", numbersOf(2), "Counts", numbersOf(3))), value, "2 and 3"},
		{"a count of zero", put(with(good, "Value", nil, "Values", numbersOf(1), "Counts", []any{0.0})), value, "Counts.member.1"},
		{"an infinite one of the values", put(with(good, "Value", nil, "Values", []any{1.0, math.Inf(-1)})), value, "Values.member.2"},
		{"half a set", put(with(good, "Value", nil, "StatisticValues", with(set, "Maximum", nil))), absent, "StatisticValues.Maximum is required"},
		{"a set with its ends swapped", put(with(good, "Value", nil, "StatisticValues", with(set, "Minimum", 3.0))), combination, "Minimum"},
		{"a set of no samples", put(with(good, "Value", nil, "StatisticValues", with(set, "SampleCount", 0.0))), value, "SampleCount"},
		{"not a number", put(with(good, "Value", math.NaN())), value, "NaN"},
		{"infinite", put(with(good, "Value", math.Inf(1))), value, "Inf"},
		{"too large", put(with(good, "Value", math.Ldexp(1, 361))), value, "2^360"},
		{"too small", put(with(good, "Value", -math.Ldexp(1, 361))), value, "2^360"},
		{"a unit of its own", put(with(good, "Unit", "Hosts")), value, `"Hosts"`},
		{"older than two weeks", put(with(good, "Timestamp", testNow.Add(-maxAge-time.Second))), value, "past two weeks"},
		{"more than two hours ahead", put(with(good, "Timestamp", testNow.Add(maxAhead+time.Second))), value, "two hours"},
		{"a resolution of 30 seconds", put(with(good, "StorageResolution", 30.0)), value, "StorageResolution"},
		{"a value that is text", put(with(good, "Value", "one")), codeMalformed, "MetricData.member.1.Value is not a number"},
		{"a resolution that is no integer", put(with(good, "StorageResolution", 1.5)), codeMalformed, "not an integer"},
		{"a list that is text", put(with(good, "Dimensions", "Name=n")), codeMalformed, "Dimensions is not a list"},
		{"a structure that is text", put(with(good, "StatisticValues", "all")), codeMalformed, "not a structure"},
		{"a name that is a list", put(with(good, "MetricName", numbersOf(1))), codeMalformed, "not a string"},
		{"a time that is no time", put(with(good, "Timestamp", "yesterday")), codeMalformed, "not a timestamp"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range clients {
				s := newTestService()
				got := c.call(t, s, "PutMetricData", tt.in)
				code := tt.code
				if mapped, ok := queryCodes[code]; ok && c.name == "query" {
					code = mapped
				}
				assert.Equal(t, http.StatusBadRequest, got.status, "%s: HTTP %d %s: %s", c.name, got.status, got.code, got.message)
				assert.Equal(t, code, got.code, c.name)
				assert.Contains(t, got.message, tt.says, c.name)
				if len(s.store.order) != 0 {
					t.Errorf("%s: a refused call left %d metrics", c.name, len(s.store.order))
				}
			}
		})
	}
}

func TestGoodDatums(t *testing.T) {
	at := testNow.Unix()
	full := make([]any, maxDatums)
	for i := range full {
		full[i] = good
	}
	one := func(v float64) sample { return sample{at: at, unit: "None", count: 1, sum: v, min: v, max: v} }
	tests := []struct {
		name string
		in   input
		want []sample
	}{
		{"the least there is", put(good), []sample{one(1)}},
		{"zero", put(with(good, "Value", 0.0)), []sample{one(0)}},
		{"the largest", put(with(good, "Value", maxValue)), []sample{one(maxValue)}},
		{"a unit", put(with(good, "Unit", "Bytes/Second")), []sample{{at: at, unit: "Bytes/Second", count: 1, sum: 1, min: 1, max: 1}}},
		{"a minute's resolution", put(with(good, "Timestamp", testNow.Add(59*time.Second))), []sample{one(1)}},
		{
			"a second's resolution",
			put(with(good, "Timestamp", testNow.Add(59*time.Second+500*time.Millisecond), "StorageResolution", 1.0)),
			[]sample{{at: at + 59, fine: true, unit: "None", count: 1, sum: 1, min: 1, max: 1}},
		},
		{"two weeks old", put(with(good, "Timestamp", testNow.Add(-maxAge))), []sample{{at: at - 14*86400, unit: "None", count: 1, sum: 1, min: 1, max: 1}}},
		{"two hours ahead", put(with(good, "Timestamp", testNow.Add(maxAhead))), []sample{{at: at + 7200, unit: "None", count: 1, sum: 1, min: 1, max: 1}}},
		{"values", put(with(good, "Value", nil, "Values", []any{1.0, 2.5})), []sample{one(1), one(2.5)}},
		{
			"values and counts",
			put(with(good, "Value", nil, "Values", []any{1.0, 2.5}, "Counts", []any{3.0, 2.0})),
			[]sample{{at: at, unit: "None", count: 3, sum: 3, min: 1, max: 1}, {at: at, unit: "None", count: 2, sum: 5, min: 2.5, max: 2.5}},
		},
		{
			"a statistic set",
			put(with(good, "Value", nil, "StatisticValues", input{"SampleCount": 3.0, "Sum": 6.0, "Minimum": 1.0, "Maximum": 3.0})),
			[]sample{{at: at, unit: "None", count: 3, sum: 6, min: 1, max: 3}},
		},
		{"empty lists are as none", put(with(good, "Dimensions", []any{}, "Values", []any{}, "Counts", []any{})), []sample{one(1)}},
		{"a member nobody knows", put(with(good, "Colour", "red")), []sample{one(1)}},
		{"1,000 datums", put(full...), slices.Repeat([]sample{one(1)}, maxDatums)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range clients {
				s := newTestService()
				if got := c.call(t, s, "PutMetricData", tt.in); got.status != http.StatusOK {
					t.Errorf("%s: HTTP %d %s: %s", c.name, got.status, got.code, got.message)
				}
				if got := s.store.samples(metric{namespace: "AIDE", name: "added"}); !reflect.DeepEqual(got, tt.want) {
					t.Errorf("%s: stored %v, want %v", c.name, got, tt.want)
				}
			}
		})
	}
}
