package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

// API is what this package calls of AWS.
type API struct {
	PutDashboard      func(context.Context, *cloudwatch.PutDashboardInput) (*cloudwatch.PutDashboardOutput, error)
	GetDashboard      func(context.Context, *cloudwatch.GetDashboardInput) (*cloudwatch.GetDashboardOutput, error)
	DeleteDashboards  func(context.Context, *cloudwatch.DeleteDashboardsInput) (*cloudwatch.DeleteDashboardsOutput, error)
	PutMetricAlarm    func(context.Context, *cloudwatch.PutMetricAlarmInput) (*cloudwatch.PutMetricAlarmOutput, error)
	PutCompositeAlarm func(context.Context, *cloudwatch.PutCompositeAlarmInput) (*cloudwatch.PutCompositeAlarmOutput, error)
	DescribeAlarms    func(context.Context, *cloudwatch.DescribeAlarmsInput) (*cloudwatch.DescribeAlarmsOutput, error)
	DeleteAlarms      func(context.Context, *cloudwatch.DeleteAlarmsInput) (*cloudwatch.DeleteAlarmsOutput, error)
}

var otherThanName = regexp.MustCompile(`[^A-Za-z0-9-]`)

// Name is the name of a fleet's dashboard in a region (CloudWatch API reference,
// PutDashboard: letters, digits, - and _, 255 at most). Two fleets have two names, and none
// is that of a stack's dashboard: the name of a stack has no _.
func Name(fleet, region string) string {
	escaped := otherThanName.ReplaceAllStringFunc(fleet, func(c string) string { return fmt.Sprintf("_%02X", c) })
	return "aidefleet_-" + escaped + "-" + region
}

// Put makes or replaces the dashboard.
func Put(ctx context.Context, api API, name, body string) error {
	out, err := api.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String(name), DashboardBody: aws.String(body)})
	if err != nil {
		return fmt.Errorf("put dashboard %s: %w", name, err)
	}
	if len(out.DashboardValidationMessages) > 0 {
		return fmt.Errorf("put dashboard %s: CloudWatch says: %s", name, aws.ToString(out.DashboardValidationMessages[0].Message))
	}
	return nil
}

// Applied is the body of a dashboard as CloudWatch has it, written as Body writes it; empty
// if there is none.
func Applied(ctx context.Context, api API, name string) (string, error) {
	out, err := api.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String(name)})
	if isMissing(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read dashboard %s: %w", name, err)
	}
	return canonical(aws.ToString(out.DashboardBody)), nil
}

// canonical writes JSON in one way; what is none stays as it is.
func canonical(text string) string {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if e.Encode(value) != nil {
		return text
	}
	return b.String()
}

// Canonical is Body with its keys in the order that Applied has.
func Canonical(o Options) string { return canonical(Body(o)) }

// Delete removes the dashboard; it is false if there is none.
func Delete(ctx context.Context, api API, name string) (bool, error) {
	_, err := api.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
	if isMissing(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete dashboard %s: %w", name, err)
	}
	return true, nil
}

func isMissing(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (strings.Contains(api.ErrorCode(), "ResourceNotFound") || strings.Contains(api.ErrorCode(), "DashboardNotFound"))
}

// Place says whose metrics alarms look at, and where they send.
type Place struct {
	Namespace, Fleet string
	Topic            string // ARN; empty mails nobody
}

// PutAlarms makes or replaces alarms.
func PutAlarms(ctx context.Context, api API, p Place, alarms []Alarm) error {
	for _, a := range alarms {
		var err error
		actions := a.Actions(p.Topic)
		if a.Rule != "" {
			_, err = api.PutCompositeAlarm(ctx, &cloudwatch.PutCompositeAlarmInput{
				AlarmName: aws.String(a.Name), AlarmDescription: aws.String(a.Description), AlarmRule: aws.String(a.Rule), AlarmActions: actions,
				ActionsSuppressor:           aws.String(a.Suppressor),
				ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(60),
			})
		} else {
			_, err = api.PutMetricAlarm(ctx, a.input(p, actions))
		}
		if err != nil {
			return fmt.Errorf("put alarm %q: %w", a.Name, err)
		}
	}
	return nil
}

func (a Alarm) input(p Place, actions []string) *cloudwatch.PutMetricAlarmInput {
	comparison := types.ComparisonOperatorGreaterThanOrEqualToThreshold
	if a.Below {
		comparison = types.ComparisonOperatorLessThanThreshold
	}
	return &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(a.Name), AlarmDescription: aws.String(a.Description), AlarmActions: actions,
		Namespace: aws.String(p.Namespace), MetricName: aws.String(a.Metric), Dimensions: []types.Dimension{{Name: aws.String("Fleet"), Value: aws.String(p.Fleet)}},
		Statistic: types.Statistic(a.Statistic), Period: aws.Int32(3600), EvaluationPeriods: aws.Int32(int32(a.Hours)), DatapointsToAlarm: aws.Int32(int32(a.Datapoints)),
		ComparisonOperator: comparison, Threshold: aws.Float64(float64(a.Threshold)), TreatMissingData: aws.String(a.Missing),
	}
}

// AppliedAlarms are the alarms of these names as CloudWatch has them, a text for each by
// name, written as Text writes it.
func AppliedAlarms(ctx context.Context, api API, alarms []Alarm) (map[string]string, error) {
	names := make([]string, 0, len(alarms))
	for _, a := range alarms {
		names = append(names, a.Name)
	}
	out, err := api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: names, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
	})
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	texts := map[string]string{}
	for _, m := range out.MetricAlarms {
		a := Alarm{
			Name: aws.ToString(m.AlarmName), Description: aws.ToString(m.AlarmDescription), Metric: aws.ToString(m.MetricName), Statistic: string(m.Statistic),
			Hours: int(aws.ToInt32(m.EvaluationPeriods)), Datapoints: int(aws.ToInt32(m.DatapointsToAlarm)),
			Below: m.ComparisonOperator == types.ComparisonOperatorLessThanThreshold, Threshold: int(aws.ToFloat64(m.Threshold)), Missing: aws.ToString(m.TreatMissingData),
		}
		texts[a.Name] = a.Text(aws.ToString(m.Namespace), m.AlarmActions)
	}
	for _, m := range out.CompositeAlarms {
		a := Alarm{Name: aws.ToString(m.AlarmName), Description: aws.ToString(m.AlarmDescription), Rule: aws.ToString(m.AlarmRule), Suppressor: nameOf(aws.ToString(m.ActionsSuppressor))}
		texts[a.Name] = a.Text("", m.AlarmActions)
	}
	return texts, nil
}

// nameOf is the name of an alarm that may be named by its ARN.
func nameOf(alarm string) string {
	if i := strings.Index(alarm, ":alarm:"); i >= 0 {
		return alarm[i+len(":alarm:"):]
	}
	return alarm
}

// DeleteAlarms removes those of the alarms that there are, and returns their names. One
// that others rest on goes after them.
func DeleteAlarms(ctx context.Context, api API, alarms []Alarm) (deleted []string, err error) {
	there, err := AppliedAlarms(ctx, api, alarms)
	if err != nil {
		return nil, err
	}
	for _, composite := range []bool{true, false} {
		var names []string
		for _, a := range alarms {
			if _, ok := there[a.Name]; ok && (a.Rule != "") == composite {
				names = append(names, a.Name)
			}
		}
		if len(names) == 0 {
			continue
		}
		if _, err := api.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names}); err != nil {
			return deleted, fmt.Errorf("delete alarms: %w", err)
		}
		deleted = append(deleted, names...)
	}
	return deleted, nil
}

// Actions are where an alarm sends.
func (a Alarm) Actions(topic string) []string {
	if a.Acts && topic != "" {
		return []string{topic}
	}
	return nil
}

// Text is the alarm for people, and to be compared.
func (a Alarm) Text(namespace string, actions []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", a.Name)
	if a.Rule != "" {
		fmt.Fprintf(&b, "  if %s, unless ALARM(%q)\n", a.Rule, a.Suppressor)
	} else {
		sign := ">="
		if a.Below {
			sign = "<"
		}
		fmt.Fprintf(&b, "  if %s of %s %s %s %d in %d of %d hours; missing data: %s\n", a.Statistic, namespace, a.Metric, sign, a.Threshold, a.Datapoints, a.Hours, a.Missing)
	}
	for _, action := range actions {
		fmt.Fprintf(&b, "  to %s\n", action)
	}
	fmt.Fprintf(&b, "  %s\n", a.Description)
	return b.String()
}
