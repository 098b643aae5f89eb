package cloudwatch

import (
	"slices"
	"strings"
	"time"
)

// Limits of GetMetricStatistics.
const (
	maxDatapoints = 1440
	maxExtended   = 10
)

// statisticsInput is the input of GetMetricStatistics.
type statisticsInput struct {
	metric   metric
	span     span
	unit     string
	names    []string // of the statistics
	compute  []statistic
	extended bool // the statistics are percentiles
}

// getMetricStatistics answers in the order of time; the service promises none.
func (s *Service) getMetricStatistics(in fields) (object, error) {
	q, err := s.readStatistics(in)
	switch {
	case in.err() != nil:
		return nil, in.err()
	case err != nil:
		return nil, err
	}
	datapoints := array{}
	for _, b := range q.span.buckets(s.store.samples(q.metric), q.unit, true) {
		if numbers := q.numbers(b.samples); len(numbers) > 0 {
			datapoint := append(object{{"Timestamp", time.Unix(b.at, 0)}}, numbers...)
			datapoints = append(datapoints, append(datapoint, field{"Unit", b.unit}))
		}
	}
	return object{{"Label", q.metric.name}, {"Datapoints", datapoints}}, nil
}

// numbers are the members of a datapoint; it has none where no percentile is
// to be had.
func (q statisticsInput) numbers(samples []sample) object {
	var all object
	for i, name := range q.names {
		if n, ok := q.compute[i](samples); ok {
			all = append(all, field{name, n})
		}
	}
	if q.extended && len(all) > 0 {
		return object{{"ExtendedStatistics", table(all)}}
	}
	return all
}

func (s *Service) readStatistics(in fields) (q statisticsInput, err error) {
	if q.metric, err = in.metric(); err != nil {
		return q, err
	}
	period, err := in.period()
	if err != nil {
		return q, err
	}
	if q.unit, err = in.unit(); err != nil {
		return q, err
	}
	if q.span, err = s.readSpan(in, period); err != nil {
		return q, err
	}
	if n := q.span.points(); n > maxDatapoints {
		return q, invalidCombination("You have requested up to %d datapoints, which exceeds the limit of %d. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	plain, extended := in.texts("Statistics"), in.texts("ExtendedStatistics")
	switch {
	case len(plain) > 0 && len(extended) > 0:
		return q, invalidCombination("The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.")
	case len(plain) == 0 && len(extended) == 0:
		return q, refuse(codeMissing, "At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case len(extended) > maxExtended:
		return q, invalidValue("The collection ExtendedStatistics must not have a size greater than %d.", maxExtended)
	case len(extended) > 0:
		q.extended = true
		return q, q.readPercentiles(extended)
	}
	return q, q.readNames(plain)
}

func (q *statisticsInput) readNames(names []string) error {
	for i, name := range names {
		if !slices.Contains(statisticNames, name) {
			return invalidValue("The parameter %s must be a value in the set [%s].", member("Statistics", i), strings.Join(statisticNames, ", "))
		}
	}
	for _, name := range statisticNames {
		if slices.Contains(names, name) {
			q.names, q.compute = append(q.names, name), append(q.compute, statistics[name])
		}
	}
	return nil
}

func (q *statisticsInput) readPercentiles(names []string) error {
	for i, name := range names {
		compute, ok := percentile(name)
		if !ok {
			return invalidValue("The value %.100q for parameter %s is invalid: the lab knows p0 to p100.", name, member("ExtendedStatistics", i))
		}
		if !slices.Contains(q.names, name) {
			q.names, q.compute = append(q.names, name), append(q.compute, compute)
		}
	}
	return nil
}

// readSpan reads the two ends of a query.
func (s *Service) readSpan(in fields, period int64) (span, error) {
	start, end := in.time("StartTime"), in.time("EndTime")
	switch {
	case start == nil:
		return span{}, missing("StartTime")
	case end == nil:
		return span{}, missing("EndTime")
	case start.Equal(*end):
		return span{}, invalidValue("The parameter StartTime must not equal parameter EndTime.")
	case start.After(*end):
		return span{}, invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	return newSpan(*start, *end, period, s.now()), nil
}
