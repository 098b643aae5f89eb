package cloudwatch

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// metric is what a series of points is known by. Another set of dimensions is
// another metric.
type metric struct {
	namespace, name string
	dimensions      []dimension // in the order of their names
}

type dimension struct{ name, value string }

// newMetric sorts the dimensions: their order does not make another metric.
func newMetric(namespace, name string, dimensions []dimension) metric {
	slices.SortFunc(dimensions, func(a, b dimension) int { return cmp.Compare(a.name, b.name) })
	return metric{namespace, name, dimensions}
}

// key is unique: none of its parts holds a control character.
func (m metric) key() string {
	var b strings.Builder
	b.WriteString(m.namespace)
	b.WriteByte(0)
	b.WriteString(m.name)
	for _, d := range m.dimensions {
		b.WriteByte(0)
		b.WriteString(d.name)
		b.WriteByte(0)
		b.WriteString(d.value)
	}
	return b.String()
}

func (m metric) object() object {
	dimensions := make(array, len(m.dimensions))
	for i, d := range m.dimensions {
		dimensions[i] = object{{"Name", d.name}, {"Value", d.value}}
	}
	return object{{"Namespace", m.namespace}, {"MetricName", m.name}, {"Dimensions", dimensions}}
}

// sample is a statistic set; a value that occurred n times is one with the
// count n and equal ends.
type sample struct {
	at                   int64 // seconds since 1970; whole minutes unless fine
	fine                 bool  // of one second's resolution
	unit                 string
	count, sum, min, max float64
}

// value returns the value that a sample consists of, unless it is a summary of
// different ones.
func (s sample) value() (float64, bool) { return s.min, s.min == s.max }

// point is a sample on its way into the store.
type point struct {
	metric metric
	sample sample
}

// store holds every sample as it came, so that what is written twice counts
// twice. Its zero value is empty.
type store struct {
	mu     sync.RWMutex
	series map[string]*series
	order  []*series // by first appearance; only ever appended to
}

type series struct {
	metric
	latest  int64 // seconds since 1970
	samples []sample
}

// add stores all points at once: a reader sees a call whole or not at all.
func (s *store) add(points []point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.series == nil {
		s.series = map[string]*series{}
	}
	for _, p := range points {
		key := p.metric.key()
		row := s.series[key]
		if row == nil {
			row = &series{metric: p.metric, latest: p.sample.at}
			s.series[key] = row
			s.order = append(s.order, row)
		}
		row.latest = max(row.latest, p.sample.at)
		row.samples = append(row.samples, p.sample)
	}
}

// samples returns what is stored of a metric, in the order it came. Nothing
// ever changes in the slice.
func (s *store) samples(m metric) []sample {
	s.mu.RLock()
	defer s.mu.RUnlock()
	row := s.series[m.key()]
	if row == nil {
		return nil
	}
	return slices.Clip(row.samples)
}

// list returns up to limit of the metrics that match, beginning with the
// number from, and the number to go on with, which is 0 at the end.
func (s *store) list(from, limit int, match func(m metric, latest int64) bool) (found []metric, next int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := from; i < len(s.order); i++ {
		row := s.order[i]
		if !match(row.metric, row.latest) {
			continue
		}
		if len(found) == limit {
			return found, i
		}
		found = append(found, row.metric)
	}
	return found, 0
}
