package cloudwatch

import (
	"math"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/assert"
)

func TestSpan(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	tests := []struct {
		name       string
		start, end string
		period     int64
		wantStart  string
		wantPoints int64
	}{
		{"to the minute", "2026-11-23T04:12:34Z", "2026-11-23T05:00:00Z", 60, "2026-11-23T04:12:00Z", 48},
		{"to the period below a minute", "2026-11-23T04:12:34.9Z", "2026-11-23T04:13:00Z", 10, "2026-11-23T04:12:30Z", 3},
		{"to five minutes after 15 days", "2026-11-08T04:12:34Z", "2026-11-08T04:20:00Z", 300, "2026-11-08T04:10:00Z", 2},
		{"to the hour after 63 days", "2026-09-01T04:12:34Z", "2026-09-01T05:00:00Z", 3600, "2026-09-01T04:00:00Z", 1},
		{"before 1970", "1969-12-31T23:30:30Z", "1970-01-01T00:00:00Z", 3600, "1969-12-31T23:00:00Z", 1},
		{"an end within a second", "2026-11-23T04:12:00Z", "2026-11-23T04:13:00.001Z", 60, "2026-11-23T04:12:00Z", 2},
		{"a period is begun", "2026-11-23T04:12:00Z", "2026-11-23T04:14:01Z", 60, "2026-11-23T04:12:00Z", 3},
	}
	for _, tt := range tests {
		got := newSpan(at(tt.start), at(tt.end), tt.period, testNow)
		start := time.Unix(got.start, 0)
		assert.True(t, start.Equal(at(tt.wantStart)), "%s: start %s and %d points", tt.name, start.UTC(), got.points())
		assert.Equal(t, tt.wantPoints, got.points(), tt.name)
	}
}

func TestPercentile(t *testing.T) {
	values := func(pairs ...float64) (all []sample) {
		for i := 0; i < len(pairs); i += 2 {
			v, n := pairs[i], pairs[i+1]
			all = append(all, sample{count: n, sum: v * n, min: v, max: v})
		}
		return all
	}
	tests := []struct {
		name    string
		samples []sample
		want    float64
		ok      bool
	}{
		{"p50", values(9, 1), 9, true},
		{"p50", values(3, 1, 1, 1, 2, 1), 2, true},
		{"p50", values(3, 1, 1, 1, 2, 1, 4, 1), 2, true},
		{"p99", values(1, 99, 50, 1), 1, true},
		{"p99.01", values(1, 99, 50, 1), 50, true},
		{"p0.0", values(2, 1, 1, 1), 1, true},
		{"p100", values(1, 0.1, 2, 0.2), 2, true},
		{"p50", values(-1, 1, 2, 1), 0, false},
		{"p50", append(values(1, 1), sample{count: 2, sum: 3, min: 1, max: 2}), 0, false},
		{"p50", append(values(1, 1), sample{count: 2, sum: 4, min: 2, max: 2}), 2, true}, // a set of equal values
	}
	for _, tt := range tests {
		compute, ok := percentile(tt.name)
		if !ok {
			t.Fatalf("%s is no percentile", tt.name)
		}
		got, ok := compute(tt.samples)
		assert.Equal(t, tt.want, got, "%s of %v is %v, %v", tt.name, tt.samples, got, ok)
		assert.Equal(t, tt.ok, ok, tt.name)
	}
}

func TestNumbersInCBOR(t *testing.T) {
	tests := []struct {
		v    cbor.Value
		want any // nil for an error
	}{
		{cbor.Uint(7), 7.0},
		{cbor.NegInt(7), -7.0},
		{cbor.NegInt(0), -math.Ldexp(1, 64)},
		{cbor.Float32(0.5), 0.5},
		{cbor.Float64(-0.1), -0.1},
		{&cbor.Tag{ID: 1, Value: cbor.Uint(1795406400)}, clock("04:00:00")},
		{&cbor.Tag{ID: 1, Value: cbor.Float64(1795406400.25)}, clock("04:00:00.25")},
		{&cbor.Tag{ID: 1, Value: cbor.Float64(math.NaN())}, nil},
		{&cbor.Tag{ID: 1, Value: cbor.Float64(1e300)}, nil},
		{&cbor.Tag{ID: 1, Value: cbor.String("now")}, nil},
		{&cbor.Tag{ID: 0, Value: cbor.Uint(1)}, nil},
		{cbor.Slice("bytes"), nil},
	}
	for _, tt := range tests {
		got, err := fromCBOR(tt.v)
		if at, ok := got.(time.Time); ok {
			got = at.UTC()
		}
		if tt.want == nil {
			assert.Error(t, err, "%#v is %v", tt.v, got)
		} else {
			assert.NoError(t, err, "%#v", tt.v)
			assert.Equal(t, tt.want, got, "%#v", tt.v)
		}
	}
}
