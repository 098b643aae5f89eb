package cloudwatch

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The expressions that the lab evaluates: the product of two series, and a query of Metrics
// Insights for the metrics with one set of dimensions of which one has a value, ranked
// (CloudWatch user guide, "Metrics Insights query components and syntax").
var (
	productPattern = regexp.MustCompile(`^([a-z][a-zA-Z0-9_]*)\*([a-z][a-zA-Z0-9_]*)$`)
	rankPattern    = regexp.MustCompile(`^SELECT MAX\(([A-Za-z0-9_]+)\) FROM SCHEMA\("([^"]+)", ([A-Za-z]+), ([A-Za-z]+)\) ` +
		`WHERE ([A-Za-z]+) = '([^']*)' GROUP BY ([A-Za-z]+) ORDER BY MAX\(\) DESC LIMIT ([0-9]{1,3})$`)
)

// rank is a query of Metrics Insights.
type rank struct {
	metric, namespace string
	dimensions        [2]string
	by, value         string // the dimension that has a value
	group             string
	limit             int
}

// parseRank reads a query.
func parseRank(text string) (r rank, ok bool) {
	m := rankPattern.FindStringSubmatch(text)
	if m == nil {
		return r, false
	}
	r = rank{metric: m[1], namespace: m[2], dimensions: [2]string{m[3], m[4]}, by: m[5], value: m[6], group: m[7]}
	r.limit, _ = strconv.Atoi(m[8]) // three digits
	known := slices.Contains(r.dimensions[:], r.by) && slices.Contains(r.dimensions[:], r.group)
	return r, known && r.limit > 0
}

// matches are the metrics of a query, each with its label.
func (r rank) matches(m metric, _ int64) bool {
	return m.namespace == r.namespace && m.name == r.metric && len(m.dimensions) == 2 &&
		slices.ContainsFunc(m.dimensions, func(d dimension) bool { return d.name == r.by && d.value == r.value }) &&
		!slices.ContainsFunc(m.dimensions, func(d dimension) bool { return !slices.Contains(r.dimensions[:], d.name) })
}

// evaluated is a series that an expression makes.
type evaluated struct {
	label         string
	times, values array
	most          float64
}

// rank evaluates a query: the series of the groups with the highest values.
func (s *Service) rank(r rank, over span) (list []evaluated) {
	found, _ := s.store.list(0, 1<<20, r.matches)
	for _, m := range found {
		one := evaluated{label: m.dimensions[slices.IndexFunc(m.dimensions, func(d dimension) bool { return d.name == r.group })].value}
		for _, b := range over.buckets(s.store.samples(m), "", false) {
			n, _ := statistics["Maximum"](b.samples)
			one.times, one.values = append(one.times, time.Unix(b.at, 0)), append(one.values, n)
			one.most = max(one.most, n)
		}
		if len(one.values) > 0 {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b evaluated) int { return cmp.Compare(b.most, a.most) })
	return list[:min(len(list), r.limit)]
}

// product multiplies two series where both have a point.
func product(a, b evaluated) (out evaluated) {
	for i, at := range a.times {
		for j, other := range b.times {
			if at.(time.Time).Equal(other.(time.Time)) {
				out.times, out.values = append(out.times, at), append(out.values, a.values[i].(float64)*b.values[j].(float64))
			}
		}
	}
	return out
}
