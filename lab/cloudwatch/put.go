package cloudwatch

import (
	"slices"
	"strings"
	"time"
)

// Limits of PutMetricData.
const (
	maxDatums = 1000
	maxValues = 150
	maxAge    = 14 * 24 * time.Hour
	maxAhead  = 2 * time.Hour
)

// putMetricData stores all datums of a call or, where one of them is bad, none.
func (s *Service) putMetricData(in fields) (object, error) {
	namespace, err := in.namespace()
	data := in.structures("MetricData")
	switch {
	case in.err() != nil:
		return nil, in.err()
	case err != nil:
		return nil, err
	case strings.HasPrefix(namespace, "AWS/"):
		return nil, invalidValue("The value %.100q for parameter Namespace is invalid: AWS/ is for AWS services.", namespace)
	case in.has("EntityMetricData"):
		return nil, invalidValue("The parameter EntityMetricData is invalid: the lab keeps no entities.")
	case len(data) == 0:
		return nil, missing("MetricData")
	case len(data) > maxDatums:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxDatums)
	}
	now := s.now()
	points := make([]point, 0, len(data))
	for _, d := range data {
		datum, err := readDatum(d, now)
		switch {
		case in.err() != nil:
			return nil, in.err()
		case err != nil:
			return nil, err
		}
		m := newMetric(namespace, datum.name, datum.dimensions)
		for _, one := range datum.samples {
			points = append(points, point{m, one})
		}
	}
	s.store.add(points)
	return nil, nil
}

// datum is a MetricDatum. A value, or each of several values, is one sample.
type datum struct {
	name       string
	dimensions []dimension
	samples    []sample
}

func readDatum(f fields, now time.Time) (datum, error) {
	var d datum
	var err error
	if d.name, err = f.name("MetricName"); err != nil {
		return d, err
	}
	if d.dimensions, err = f.dimensions(); err != nil {
		return d, err
	}
	if d.samples, err = readSamples(f); err != nil {
		return d, err
	}
	unit, err := f.unit()
	if err != nil {
		return d, err
	}
	if unit == "" {
		unit = "None"
	}
	fine, err := readResolution(f)
	if err != nil {
		return d, err
	}
	at, err := readTimestamp(f, now)
	if err != nil {
		return d, err
	}
	seconds := at.Unix()
	if !fine {
		seconds = floor(seconds, 60)
	}
	for i := range d.samples {
		d.samples[i].at, d.samples[i].fine, d.samples[i].unit = seconds, fine, unit
	}
	return d, nil
}

func readTimestamp(f fields, now time.Time) (time.Time, error) {
	at := f.time("Timestamp")
	switch {
	case at == nil:
		return now, nil
	case at.Before(now.Add(-maxAge)):
		return *at, invalidValue("The parameter %sTimestamp must specify a time within the past two weeks.", f.path)
	case at.After(now.Add(maxAhead)):
		return *at, invalidValue("The parameter %sTimestamp must specify a time no more than two hours in the future.", f.path)
	}
	return *at, nil
}

// readResolution reports whether the samples keep their second.
func readResolution(f fields) (fine bool, err error) {
	switch r := f.integer("StorageResolution"); {
	case r == nil || *r == 60:
		return false, nil
	case *r == 1:
		return true, nil
	default:
		return false, invalidValue("The value %d for parameter %sStorageResolution is neither 1 nor 60.", *r, f.path)
	}
}

// readSamples reads the one of Value, StatisticValues and Values that is there.
func readSamples(f fields) ([]sample, error) {
	value, set, values := f.number("Value"), f.structure("StatisticValues"), f.numbers("Values")
	var there []string
	if value != nil {
		there = append(there, f.path+"Value")
	}
	if set != nil {
		there = append(there, f.path+"StatisticValues")
	}
	if len(values) > 0 {
		there = append(there, f.path+"Values")
	}
	switch {
	case len(there) > 1:
		return nil, invalidCombination("The parameters %s and %s are mutually exclusive and you have specified both.", there[0], there[1])
	case len(there) == 0:
		return nil, refuse(codeMissing, "At least one of the parameters %[1]sValue, %[1]sStatisticValues and %[1]sValues must be specified.", f.path)
	case len(values) > 0:
		return readValues(f, values)
	case len(f.numbers("Counts")) > 0:
		return nil, invalidCombination("The parameter %[1]sCounts needs the parameter %[1]sValues.", f.path)
	case set != nil:
		one, err := readStatisticSet(*set)
		return []sample{one}, err
	}
	if err := checkValue(f.path+"Value", *value); err != nil {
		return nil, err
	}
	return []sample{{count: 1, sum: *value, min: *value, max: *value}}, nil
}

func readValues(f fields, values []float64) ([]sample, error) {
	counts := f.numbers("Counts")
	if len(counts) == 0 {
		counts = slices.Repeat([]float64{1}, len(values))
	}
	switch {
	case len(values) > maxValues:
		return nil, invalidValue("The collection %sValues must not have a size greater than %d.", f.path, maxValues)
	case len(counts) != len(values):
		return nil, invalidValue("The parameters %[1]sValues and %[1]sCounts must have the same size; they have %[2]d and %[3]d.",
			f.path, len(values), len(counts))
	}
	samples := make([]sample, len(values))
	for i, v := range values {
		if err := checkValue(f.path+member("Values", i), v); err != nil {
			return nil, err
		}
		if err := checkCount(f.path+member("Counts", i), counts[i]); err != nil {
			return nil, err
		}
		samples[i] = sample{count: counts[i], sum: v * counts[i], min: v, max: v}
	}
	return samples, nil
}

func readStatisticSet(f fields) (sample, error) {
	numbers := map[string]float64{}
	for _, name := range []string{"SampleCount", "Sum", "Minimum", "Maximum"} {
		n := f.number(name)
		if n == nil {
			return sample{}, missing(f.path + name)
		}
		if err := checkValue(f.path+name, *n); err != nil {
			return sample{}, err
		}
		numbers[name] = *n
	}
	set := sample{count: numbers["SampleCount"], sum: numbers["Sum"], min: numbers["Minimum"], max: numbers["Maximum"]}
	if err := checkCount(f.path+"SampleCount", set.count); err != nil {
		return sample{}, err
	}
	if set.min > set.max {
		return sample{}, invalidCombination("The parameter %[1]sMinimum must not be greater than %[1]sMaximum.", f.path)
	}
	return set, nil
}
