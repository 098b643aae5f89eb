package cloudwatch

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sync"
)

// boards are dashboards and alarms: what was put, and is read back. No alarm is evaluated.
type boards struct {
	mu         sync.Mutex
	dashboards map[string]string
	alarms     map[string]alarm
}

// alarm is a metric alarm, or a composite one, as it was put.
type alarm struct {
	composite bool
	members   object
}

// Limits of dashboards and alarms (CloudWatch API reference, PutDashboard, PutMetricAlarm
// and PutCompositeAlarm).
const (
	maxAlarmName = 255
	maxPeriods   = 7 * 24 * 3600 // seconds that an alarm looks back
)

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

var codeNotFound = "ResourceNotFound"

func (s *Service) putDashboard(in fields) (object, error) {
	name, body := in.text("DashboardName"), in.text("DashboardBody")
	switch {
	case in.err() != nil:
		return nil, in.err()
	case name == nil || !dashboardName.MatchString(*name):
		return nil, invalidValue("The value for parameter DashboardName is invalid.")
	case body == nil || !json.Valid([]byte(*body)):
		return nil, invalidValue("The field DashboardBody must be a valid JSON object.")
	}
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	if s.boards.dashboards == nil {
		s.boards.dashboards = map[string]string{}
	}
	s.boards.dashboards[*name] = *body
	return object{{"DashboardValidationMessages", array{}}}, nil
}

func (s *Service) getDashboard(in fields) (object, error) {
	name := in.text("DashboardName")
	if name == nil {
		return nil, missing("DashboardName")
	}
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	body, ok := s.boards.dashboards[*name]
	if !ok {
		return nil, noDashboard(*name)
	}
	return object{
		{"DashboardArn", "arn:aws:cloudwatch::" + s.account + ":dashboard/" + *name}, {"DashboardBody", body}, {"DashboardName", *name},
	}, nil
}

func noDashboard(name string) *fault {
	return &fault{http.StatusNotFound, codeNotFound, "Dashboard " + name + " does not exist"}
}

func (s *Service) deleteDashboards(in fields) (object, error) {
	names := in.texts("DashboardNames")
	if in.err() != nil {
		return nil, in.err()
	}
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	for _, name := range names {
		if _, ok := s.boards.dashboards[name]; !ok {
			return nil, noDashboard(name)
		}
	}
	for _, name := range names {
		delete(s.boards.dashboards, name)
	}
	return object{}, nil
}

// alarmName reads the name of an alarm.
func alarmName(in fields) (string, error) {
	name := in.text("AlarmName")
	if name == nil || *name == "" || len(*name) > maxAlarmName {
		return "", validation("The parameter AlarmName must have 1 to %d characters.", maxAlarmName)
	}
	return *name, nil
}

func (s *Service) putMetricAlarm(in fields) (object, error) {
	name, err := alarmName(in)
	if err != nil {
		return nil, err
	}
	m, err := in.metric()
	if err != nil {
		return nil, err
	}
	period, err := in.period()
	if err != nil {
		return nil, err
	}
	evaluation, datapoints, threshold := in.integer("EvaluationPeriods"), in.integer("DatapointsToAlarm"), in.number("Threshold")
	comparison := in.text("ComparisonOperator")
	o := object{{"AlarmName", name}, {"MetricName", m.name}, {"Namespace", m.namespace}, {"Dimensions", m.object()[2].value}, {"Period", period}}
	o = append(o, in.copied("AlarmDescription", "Statistic", "TreatMissingData")...)
	o = append(o, field{"AlarmActions", textArray(in.texts("AlarmActions"))})
	switch {
	case in.err() != nil:
		return nil, in.err()
	case evaluation == nil || threshold == nil || comparison == nil:
		return nil, missing("EvaluationPeriods, Threshold or ComparisonOperator")
	case *evaluation**datapointsOr(datapoints, evaluation) < 1, period**evaluation > maxPeriods:
		return nil, validation("Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= 604800).")
	}
	o = append(o, field{"EvaluationPeriods", *evaluation}, field{"DatapointsToAlarm", *datapointsOr(datapoints, evaluation)}, field{"Threshold", *threshold}, field{"ComparisonOperator", *comparison})
	s.boards.put(name, alarm{false, o})
	return object{}, nil
}

func datapointsOr(datapoints, evaluation *int64) *int64 {
	if datapoints == nil {
		return evaluation
	}
	return datapoints
}

func (s *Service) putCompositeAlarm(in fields) (object, error) {
	name, err := alarmName(in)
	if err != nil {
		return nil, err
	}
	rule, suppressor := in.text("AlarmRule"), in.text("ActionsSuppressor")
	o := append(object{{"AlarmName", name}}, in.copied("AlarmDescription", "AlarmRule", "ActionsSuppressor")...)
	o = append(o, field{"AlarmActions", textArray(in.texts("AlarmActions"))})
	switch {
	case in.err() != nil:
		return nil, in.err()
	case rule == nil:
		return nil, missing("AlarmRule")
	case suppressor != nil && !s.boards.has(*suppressor):
		return nil, validation("ActionsSuppressor %s does not exist.", *suppressor)
	}
	s.boards.put(name, alarm{true, o})
	return object{}, nil
}

func (s *Service) describeAlarms(in fields) (object, error) {
	names := in.texts("AlarmNames")
	if in.err() != nil {
		return nil, in.err()
	}
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	simple, composite := array{}, array{}
	for _, name := range slices.Sorted(maps.Keys(s.boards.alarms)) {
		a := s.boards.alarms[name]
		switch {
		case len(names) > 0 && !slices.Contains(names, name):
		case a.composite:
			composite = append(composite, a.members)
		default:
			simple = append(simple, a.members)
		}
	}
	return object{{"MetricAlarms", simple}, {"CompositeAlarms", composite}}, nil
}

func (s *Service) deleteAlarms(in fields) (object, error) {
	names := in.texts("AlarmNames")
	if in.err() != nil {
		return nil, in.err()
	}
	for _, name := range names {
		if !s.boards.has(name) {
			return nil, &fault{http.StatusNotFound, codeNotFound, "Alarm " + name + " does not exist"}
		}
	}
	s.boards.mu.Lock()
	defer s.boards.mu.Unlock()
	for _, name := range names {
		delete(s.boards.alarms, name)
	}
	return object{}, nil
}

func (b *boards) put(name string, a alarm) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alarms == nil {
		b.alarms = map[string]alarm{}
	}
	b.alarms[name] = a
}

func (b *boards) has(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.alarms[name]
	return ok
}

// copied are texts of the input as they came.
func (f fields) copied(names ...string) (o object) {
	for _, name := range names {
		if text := f.text(name); text != nil {
			o = append(o, field{name, *text})
		}
	}
	return o
}

func textArray(texts []string) array {
	all := make(array, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
