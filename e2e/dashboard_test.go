package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/dashboard"
)

// run runs the orchestrator, and wants an exit code.
func (s simulated) run(want int, args ...string) (stdout, stderr string) {
	s.tb.Helper()
	cmd := s.program(args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	_ = cmd.Run() // the exit code tells
	require.Equal(s.tb, want, cmd.ProcessState.ExitCode(), "%q: %s%s", args, out.String(), said.String())
	return out.String(), said.String()
}

// queries are what a widget asks CloudWatch, as GetMetricData takes it.
func queries(t *testing.T, w dashboard.Widget) (list []types.MetricDataQuery) {
	t.Helper()
	period := int32(w.Properties["period"].(float64))
	for i, m := range w.Properties["metrics"].([]any) {
		series := m.([]any)
		options, _ := series[len(series)-1].(map[string]any)
		q := types.MetricDataQuery{Id: aws.String(fmt.Sprintf("q%d", i))}
		if id, ok := options["id"].(string); ok {
			q.Id = aws.String(id)
		}
		if visible, ok := options["visible"].(bool); ok {
			q.ReturnData = aws.Bool(visible)
		}
		if expression, ok := options["expression"].(string); ok {
			q.Expression, q.Period = aws.String(expression), aws.Int32(period)
			list = append(list, q)
			continue
		}
		stat := w.Properties["stat"].(string)
		if own, ok := options["stat"].(string); ok {
			stat = own
		}
		q.MetricStat = &types.MetricStat{Stat: aws.String(stat), Period: aws.Int32(period), Metric: &types.Metric{
			Namespace: aws.String(series[0].(string)), MetricName: aws.String(series[1].(string)),
			Dimensions: []types.Dimension{{Name: aws.String(series[2].(string)), Value: aws.String(series[3].(string))}},
		}}
		list = append(list, q)
	}
	return list
}

// TestDashboardShowsItsFleet: each widget has the points of its fleet, and none of another.
func TestDashboardShowsItsFleet(t *testing.T) {
	t.Parallel()
	s := simulate(t, 60, "--latency", "2ms", "--speed", "600", "--drift", "0.3", "--fail", "0.1")
	mine, other := s.sweep("sweep", "--tag", "env=prod", "--fleet", "mine"), s.sweep("sweep", "--tag", "env=prod,dev", "--fleet", "other")
	require.NotEqual(t, mine.Summary.Targeted, other.Summary.Targeted)
	printed, _ := s.run(0, "dashboard", "print", "--fleet", "mine")
	var body struct{ Widgets []dashboard.Widget }
	require.NoError(t, json.Unmarshal([]byte(printed), &body))
	changes, worst := 0, 0
	names := map[string]bool{}
	for _, h := range mine.Hosts {
		if h.Counts != nil && h.Sum() > 0 {
			changes += h.Sum()
			worst = max(worst, h.Sum())
			names[h.Name] = true
		}
	}
	client := cloudwatch.NewFromConfig(s.sdk())
	points := map[string][]float64{} // by title and label
	hosts := map[string]bool{}
	for _, w := range body.Widgets {
		if w.Type != "metric" {
			continue
		}
		out, err := client.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(time.Now().Add(-24 * time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)), MetricDataQueries: queries(t, w),
		})
		require.NoError(t, err, w.Properties["title"])
		for _, r := range out.MetricDataResults {
			assert.Len(t, r.Values, 1, "%v %s", w.Properties["title"], aws.ToString(r.Label))
			if w.Properties["title"] == "Hosts with the most changes" {
				hosts[aws.ToString(r.Label)] = true
			}
			points[aws.ToString(r.Label)] = r.Values
		}
	}
	assert.Equal(t, []float64{float64(mine.Summary.Targeted)}, points["HostsTargeted"])
	assert.Equal(t, []float64{float64(mine.Summary.Failed)}, points["HostsFailed"])
	assert.InDelta(t, changes, points["all"][0], 0.001)
	assert.Equal(t, names, hosts)
}

// TestDashboardAndAlarms: what is put is the same when it is looked at, and is removed.
func TestDashboardAndAlarms(t *testing.T) {
	t.Parallel()
	s := simulate(t, 10, "--latency", "2ms", "--speed", "600")
	for _, what := range []string{"dashboard", "alarms"} {
		at := func(verb string) []string { return []string{what, verb, "--fleet", "mine"} }
		out, _ := s.run(3, at("diff")...)
		assert.Contains(t, out, "would be made")
		s.run(0, at("put")...)
		out, _ = s.run(0, at("diff")...)
		assert.Contains(t, out, "the same")
		out, _ = s.run(3, append(at("diff"), "--namespace", "Other")...)
		assert.Contains(t, out, "would be replaced")
		out, _ = s.run(0, at("delete")...)
		assert.Contains(t, out, "deleted")
		out, _ = s.run(0, at("delete")...)
		assert.Contains(t, out, "there")
	}
	for _, what := range []string{"dashboard", "alarms"} {
		_, said := s.run(2, what, "delete")
		assert.Contains(t, said, "no fleet: give --fleet NAME", "nothing is removed by default")
	}
	_, said := s.run(2, "alarms", "put", "--fleet", "mine", "--topic", "ops")
	assert.Contains(t, said, `--topic "ops": want an ARN`)
}
