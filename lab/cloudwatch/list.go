package cloudwatch

import (
	"slices"
	"strconv"
	"time"
)

// Limits of ListMetrics.
const (
	listPage   = 500
	maxFilters = 10
)

// listInput is the input of ListMetrics. What is nil filters nothing.
type listInput struct {
	namespace, name *string
	dimensions      []dimensionFilter
	since           int64 // seconds since 1970
	from            int   // the number of the metric to begin with
	linked          bool  // wants to know whose the metrics are
	elsewhere       bool  // of another account
}

// dimensionFilter wants a dimension, of a certain value unless that is nil.
type dimensionFilter struct {
	name  string
	value *string
}

// listMetrics lists every set of dimensions that was published, each a metric
// of its own; a filter wants a dimension among them.
func (s *Service) listMetrics(in fields) (object, error) {
	q, err := s.readList(in)
	if err != nil {
		return nil, err
	}
	metrics, owners := array{}, array{}
	found, next := s.store.list(q.from, listPage, q.match)
	for _, m := range found {
		metrics = append(metrics, m.object())
		owners = append(owners, s.account)
	}
	out := object{{"Metrics", metrics}}
	if next > 0 {
		out = append(out, field{"NextToken", strconv.Itoa(next)})
	}
	if q.linked {
		out = append(out, field{"OwningAccounts", owners})
	}
	return out, nil
}

func (s *Service) readList(in fields) (q listInput, err error) {
	q.namespace, q.name = in.text("Namespace"), in.text("MetricName")
	token, recent, owner := in.text("NextToken"), in.text("RecentlyActive"), in.text("OwningAccount")
	linked, filters := in.boolean("IncludeLinkedAccounts"), in.structures("Dimensions")
	q.linked = linked != nil && *linked
	q.elsewhere = owner != nil && *owner != s.account
	for _, f := range filters {
		name := f.text("Name")
		if name == nil {
			err = missing(f.path + "Name")
			break
		}
		q.dimensions = append(q.dimensions, dimensionFilter{*name, f.text("Value")})
	}
	switch {
	case in.err() != nil:
		return q, in.err()
	case err != nil:
		return q, err
	case len(filters) > maxFilters:
		return q, invalidValue("The collection Dimensions must not have a size greater than %d.", maxFilters)
	case recent != nil && *recent != "PT3H":
		return q, invalidValue("The value %.100q for parameter RecentlyActive is not PT3H.", *recent)
	case recent != nil:
		q.since = s.now().Add(-3 * time.Hour).Unix()
	}
	if token != nil {
		if q.from, err = strconv.Atoi(*token); err != nil || q.from < 1 {
			return q, invalidValue("The value %.100q for parameter NextToken is none that was given out.", *token)
		}
	}
	return q, nil
}

func (q listInput) match(m metric, latest int64) bool {
	if q.elsewhere || latest < q.since ||
		q.namespace != nil && *q.namespace != m.namespace || q.name != nil && *q.name != m.name {
		return false
	}
	for _, f := range q.dimensions {
		if !slices.ContainsFunc(m.dimensions, func(d dimension) bool {
			return d.name == f.name && (f.value == nil || d.value == *f.value)
		}) {
			return false
		}
	}
	return true
}
