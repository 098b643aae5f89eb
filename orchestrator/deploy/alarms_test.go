package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/dashboard"
)

// TestAlarmsWithoutStack: the alarms of the command are those of the stack, but for the one
// on its queue.
func TestAlarmsWithoutStack(t *testing.T) {
	template := parse(t)
	parameters := template.Parameters()
	text := func(v any) string {
		if v, ok := v.(map[string]any); ok {
			if sub, ok := v["Fn::Sub"].(string); ok {
				return strings.NewReplacer("${AWS::StackName}", "aidefleet/cli", "${FleetName}", "prod", "${SweepIncomplete}", "aidefleet/cli: no complete sweep of prod").Replace(sub)
			}
			if name, ok := v["Ref"].(string); ok {
				return fmt.Sprint(parameters[name]["Default"])
			}
			if choice, ok := v["Fn::If"].([]any); ok {
				return fmt.Sprint(choice[2])
			}
		}
		return fmt.Sprint(v)
	}
	stack := map[string]string{}
	for name, p := range template.OfType("AWS::CloudWatch::Alarm") {
		if name == "EventsLost" {
			continue
		}
		stack[text(p["AlarmName"])] = fmt.Sprintln(text(p["MetricName"]), p["Statistic"], p["Period"], text(p["EvaluationPeriods"]), text(p["DatapointsToAlarm"]),
			p["ComparisonOperator"], text(p["Threshold"]), p["TreatMissingData"], p["AlarmActions"] != nil)
	}
	for _, p := range template.OfType("AWS::CloudWatch::CompositeAlarm") {
		stack[text(p["AlarmName"])] = fmt.Sprintln(text(p["AlarmRule"]), p["AlarmActions"] != nil)
	}
	ours := map[string]string{}
	for _, a := range dashboard.Alarms("prod", dashboard.Default) {
		comparison := "GreaterThanOrEqualToThreshold"
		if a.Below {
			comparison = "LessThanThreshold"
		}
		ours[a.Name] = fmt.Sprintln(a.Metric, a.Statistic, 3600, a.Hours, a.Datapoints, comparison, a.Threshold, a.Missing, a.Acts)
		if a.Rule != "" {
			ours[a.Name] = fmt.Sprintln(a.Rule, a.Acts)
		}
	}
	assert.Equal(t, stack, ours)
}
