package cloudwatch

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// floor is the last multiple of step at or before t, both in seconds.
func floor(t, step int64) int64 {
	if r := t % step; r < 0 {
		return t - r - step
	}
	return t - t%step
}

// span is the time that a query reads: whole periods from start on, up to but
// not including end. All are seconds.
type span struct{ start, end, period int64 }

// newSpan rounds the start down as the service does, the coarser the older it
// is (GetMetricStatistics, StartTime). Periods begin at the start, not at the
// full hour.
func newSpan(start, end time.Time, period int64, now time.Time) span {
	const day = 24 * time.Hour
	step := int64(60)
	switch age := now.Sub(start); {
	case period < 60:
		step = period
	case age > 63*day:
		step = 3600
	case age >= 15*day:
		step = 300
	}
	// An end within a second includes what is stored at that second.
	return span{floor(start.Unix(), step), end.Add(time.Second - 1).Unix(), period}
}

// points is how many datapoints the span has room for.
func (s span) points() int64 { return (s.end - s.start + s.period - 1) / s.period }

// bucket holds the samples of one period.
type bucket struct {
	at      int64 // seconds since 1970
	unit    string
	samples []sample
}

// buckets sorts samples into the periods of the span, in the order of time.
// Periods below a minute have only the samples of one second's resolution. A
// unit, unless empty, leaves out all others. Where byUnit is set, each unit has
// buckets of its own.
func (s span) buckets(samples []sample, unit string, byUnit bool) []bucket {
	type key struct {
		at   int64
		unit string
	}
	sorted := map[key][]sample{}
	for _, one := range samples {
		if one.at < s.start || one.at >= s.end || s.period < 60 && !one.fine || unit != "" && one.unit != unit {
			continue
		}
		k := key{at: s.start + floor(one.at-s.start, s.period)}
		if byUnit {
			k.unit = one.unit
		}
		sorted[k] = append(sorted[k], one)
	}
	keys := slices.SortedFunc(maps.Keys(sorted), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.unit, b.unit))
	})
	all := make([]bucket, len(keys))
	for i, k := range keys {
		all[i] = bucket{k.at, k.unit, sorted[k]}
	}
	return all
}

// statistic computes one number from the samples of a period; ok is false
// where they do not have it.
type statistic func([]sample) (n float64, ok bool)

// statistics are those that every sample has.
var statistics = map[string]statistic{
	"SampleCount": func(all []sample) (float64, bool) { return sampleCount(all), true },
	"Average":     func(all []sample) (float64, bool) { return sum(all) / sampleCount(all), true },
	"Sum":         func(all []sample) (float64, bool) { return sum(all), true },
	"Minimum": func(all []sample) (float64, bool) {
		return slices.MinFunc(all, func(a, b sample) int { return cmp.Compare(a.min, b.min) }).min, true
	},
	"Maximum": func(all []sample) (float64, bool) {
		return slices.MaxFunc(all, func(a, b sample) int { return cmp.Compare(a.max, b.max) }).max, true
	},
}

// statisticNames is the order in which a datapoint has its statistics.
var statisticNames = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

func sampleCount(all []sample) (n float64) {
	for _, one := range all {
		n += one.count
	}
	return n
}

func sum(all []sample) (n float64) {
	for _, one := range all {
		n += one.sum
	}
	return n
}

// percentile reads the name of a percentile, p0.0 to p100.
func percentile(name string) (statistic, bool) {
	digits, ok := strings.CutPrefix(name, "p")
	p, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || p < 0 || p > 100 || strings.Trim(digits, "0123456789.") != "" {
		return nil, false
	}
	return func(all []sample) (float64, bool) { return nearestRank(all, p) }, true
}

// nearestRank is the smallest value that at least p per cent of the samples do
// not exceed. As in the service there is none where a value is negative, or
// where a statistic set hides its values (GetMetricStatistics).
func nearestRank(all []sample, p float64) (float64, bool) {
	for _, one := range all {
		if v, ok := one.value(); !ok || v < 0 {
			return 0, false
		}
	}
	all = slices.SortedFunc(slices.Values(all), func(a, b sample) int { return cmp.Compare(a.min, b.min) })
	rank, seen := p/100*sampleCount(all), 0.0
	for _, one := range all {
		if seen += one.count; seen >= rank {
			return one.min, true
		}
	}
	return all[len(all)-1].min, true // p100 after rounding
}
