package cloudwatch

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Limits of GetMetricData.
const (
	maxQueries    = 500
	maxPagePoints = 100800 // datapoints of a page, and the default
)

// queryID is what a query may be called (MetricDataQuery, Id).
var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// dataInput is the input of GetMetricData.
type dataInput struct {
	queries   []dataQuery
	ascending bool
	limit     int // datapoints of this page
	from      int // datapoints of the pages before
}

// dataQuery is a MetricDataQuery whose data is wanted.
type dataQuery struct {
	id, label string
	metric    metric
	span      span
	unit      string
	compute   statistic
	rank      *rank    // in the place of a metric
	factors   []string // ids of the series that are multiplied
	hidden    bool     // it is only wanted for others
}

// getMetricData returns the series one after another, as many datapoints as a
// page takes; a series that goes on in the next page is PartialData.
func (s *Service) getMetricData(in fields) (object, error) {
	q, err := s.readData(in)
	switch {
	case in.err() != nil:
		return nil, in.err()
	case err != nil:
		return nil, asValidation(err)
	}
	results, seen := array{}, 0
	out := func(token int) object {
		o := object{{"MetricDataResults", results}, {"Messages", array{}}}
		if token > 0 {
			o = append(o, field{"NextToken", strconv.Itoa(token)})
		}
		return o
	}
	end := q.from + q.limit
	for _, one := range s.series(q) {
		times, values := one.times, one.values
		first, past := seen, seen+len(times)
		seen = past
		if past < q.from || past == q.from && q.from > 0 {
			continue // it was in a page before
		}
		if first >= end && len(times) > 0 {
			return out(end), nil
		}
		a, b := max(q.from-first, 0), min(end, past)-first
		status := "Complete"
		if past > end {
			status = "PartialData"
		}
		results = append(results, object{
			{"Id", one.id}, {"Label", one.label},
			{"Timestamps", times[a:b]}, {"Values", values[a:b]},
			{"StatusCode", status},
		})
		if past > end {
			return out(end), nil
		}
	}
	return out(0), nil
}

// dataSeries is a series of an answer.
type dataSeries struct {
	id string
	evaluated
}

// series evaluates all queries. One of Metrics Insights has several series.
func (s *Service) series(q dataInput) (list []dataSeries) {
	known := map[string]evaluated{}
	for _, one := range q.queries {
		if one.rank == nil && one.factors == nil {
			times, values := s.evaluate(one, q.ascending)
			known[one.id] = evaluated{label: one.label, times: times, values: values}
		}
	}
	for _, one := range q.queries {
		switch {
		case one.hidden:
		case one.rank != nil:
			for _, each := range s.rank(*one.rank, one.span) {
				list = append(list, dataSeries{one.id, each})
			}
		case one.factors != nil:
			made := product(known[one.factors[0]], known[one.factors[1]])
			made.label = one.label
			list = append(list, dataSeries{one.id, made})
		default:
			list = append(list, dataSeries{one.id, known[one.id]})
		}
	}
	return list
}

// evaluate returns the datapoints of a query. Without a unit it counts the
// samples of all units together: an answer has no place for units.
func (s *Service) evaluate(q dataQuery, ascending bool) (times, values array) {
	buckets := q.span.buckets(s.store.samples(q.metric), q.unit, false)
	if !ascending {
		slices.Reverse(buckets)
	}
	times, values = array{}, array{}
	for _, b := range buckets {
		if n, ok := q.compute(b.samples); ok {
			times, values = append(times, time.Unix(b.at, 0)), append(values, n)
		}
	}
	return times, values
}

// asValidation makes an error what it is in this operation: ValidationError,
// whatever was wrong.
func asValidation(err error) error {
	var f *fault
	if errors.As(err, &f) && f.code != codeInvalidNextToken {
		return validation("%s", f.message)
	}
	return err
}

func (s *Service) readData(in fields) (q dataInput, err error) {
	queries := in.structures("MetricDataQueries")
	scan, most, token := in.text("ScanBy"), in.integer("MaxDatapoints"), in.text("NextToken")
	q.limit = maxPagePoints
	switch {
	case len(queries) == 0:
		return q, missing("MetricDataQueries")
	case len(queries) > maxQueries:
		return q, invalidValue("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	case scan != nil && *scan != "TimestampDescending" && *scan != "TimestampAscending":
		return q, invalidValue("The value %.100q for parameter ScanBy is neither TimestampDescending nor TimestampAscending.", *scan)
	case most != nil && (*most < 1 || *most > maxPagePoints):
		return q, invalidValue("The value %d for parameter MaxDatapoints is not from 1 to %d.", *most, maxPagePoints)
	case most != nil:
		q.limit = int(*most)
	}
	q.ascending = scan != nil && *scan == "TimestampAscending"
	if token != nil {
		n, err := strconv.ParseInt(*token, 10, 32)
		if err != nil || n < 1 {
			return q, refuse(codeInvalidNextToken, "The value %.100q for parameter NextToken is none that was given out.", *token)
		}
		q.from = int(n)
	}
	ids := map[string]bool{}
	for _, f := range queries {
		id := f.text("Id")
		switch {
		case id == nil:
			return q, missing(f.path + "Id")
		case !queryID.MatchString(*id):
			return q, invalidValue("The value %.100q for parameter %sId is invalid: it must match %s.", *id, f.path, queryID)
		case ids[*id]:
			return q, invalidValue("The value %.100q for parameter %sId is there twice.", *id, f.path)
		}
		ids[*id] = true
		one, err := s.readQuery(in, f, *id)
		if err != nil {
			return q, err
		}
		returned := f.boolean("ReturnData")
		one.hidden = returned != nil && !*returned
		q.queries = append(q.queries, one)
	}
	for _, one := range q.queries {
		for _, id := range one.factors {
			if !ids[id] {
				return q, invalidValue("The expression of %s names %s, which no query is.", one.id, id)
			}
		}
	}
	return q, nil
}

func (s *Service) readQuery(in, f fields, id string) (q dataQuery, err error) {
	stat, account, label := f.structure("MetricStat"), f.text("AccountId"), f.text("Label")
	switch {
	case f.has("Expression"):
		return s.readExpression(in, f, id, label)
	case stat == nil:
		return q, missing(f.path + "MetricStat")
	case account != nil && *account != s.account:
		return q, invalidValue("The value %.100q for parameter %sAccountId is not account %s of the lab in %s.", *account, f.path, s.account, s.region)
	}
	q.id = id
	m := stat.structure("Metric")
	if m == nil {
		return q, missing(stat.path + "Metric")
	}
	if q.metric, err = m.metric(); err != nil {
		return q, err
	}
	if q.label = q.metric.name; label != nil {
		q.label = *label
	}
	period, err := stat.period()
	if err != nil {
		return q, err
	}
	if q.unit, err = stat.unit(); err != nil {
		return q, err
	}
	if q.compute, err = readStat(*stat); err != nil {
		return q, err
	}
	q.span, err = s.readSpan(in, period)
	return q, err
}

// readExpression reads a query without a metric.
func (s *Service) readExpression(in, f fields, id string, label *string) (q dataQuery, err error) {
	text := f.text("Expression")
	if text == nil {
		return q, missing(f.path + "Expression")
	}
	q.id, q.label = id, id
	if label != nil {
		q.label = *label
	}
	if m := productPattern.FindStringSubmatch(*text); m != nil {
		q.factors = m[1:]
		return q, nil
	}
	r, ok := parseRank(*text)
	if !ok {
		return q, invalidValue("The parameter %sExpression is invalid: the lab knows products of two series, and SELECT MAX(…) FROM SCHEMA(…) WHERE … GROUP BY … ORDER BY MAX() DESC LIMIT ….", f.path)
	}
	q.rank = &r
	period, err := f.period()
	if err != nil {
		return q, err
	}
	q.span, err = s.readSpan(in, period)
	return q, err
}

// readStat reads a statistic or a percentile.
func readStat(f fields) (statistic, error) {
	name := f.text("Stat")
	if name == nil {
		return nil, missing(f.path + "Stat")
	}
	if compute, ok := statistics[*name]; ok {
		return compute, nil
	}
	if compute, ok := percentile(*name); ok {
		return compute, nil
	}
	return nil, invalidValue("The value %.100q for parameter %sStat is invalid: the lab knows %v and p0 to p100.", *name, f.path, statisticNames)
}
