package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBody(t *testing.T) {
	o := Options{Fleet: "env=prod", Namespace: "AIDE", Region: "eu-central-1", Text: "no suspects"}
	var body struct{ Widgets []Widget }
	require.NoError(t, json.Unmarshal([]byte(Body(o)), &body))
	assert.Equal(t, "text", body.Widgets[0].Type)
	assert.Equal(t, Canonical(o), canonical(Body(o)))
	o.Widget = "arn:aws:lambda:eu-central-1:123456789012:function:findings"
	assert.Equal(t, "custom", Widgets(o)[0].Type)
	bottom := map[int]int{} // by column: widgets stand below each other
	for _, w := range Widgets(o) {
		for x := w.X; x < w.X+w.Width; x++ {
			assert.GreaterOrEqual(t, w.Y, bottom[x], "%+v", w)
			bottom[x] = w.Y + w.Height
		}
	}
	o.Fleet = "bob's"
	assert.NotContains(t, Body(o), "SELECT", "a query cannot write it")
}

func TestName(t *testing.T) {
	assert.Equal(t, "aidefleet_-env_3Dprod-eu-central-1", Name("env=prod", "eu-central-1"))
	assert.Equal(t, "aidefleet_-a_20b_2Ec-eu-central-1", Name("a b.c", "eu-central-1"))
}

// TestFails: an error names what it was about.
func TestFails(t *testing.T) {
	broken := errors.New("no answer")
	api := API{
		PutDashboard: func(context.Context, *cloudwatch.PutDashboardInput) (*cloudwatch.PutDashboardOutput, error) {
			return nil, broken
		},
		GetDashboard: func(context.Context, *cloudwatch.GetDashboardInput) (*cloudwatch.GetDashboardOutput, error) {
			return nil, broken
		},
		PutMetricAlarm: func(context.Context, *cloudwatch.PutMetricAlarmInput) (*cloudwatch.PutMetricAlarmOutput, error) {
			return nil, broken
		},
		DescribeAlarms: func(context.Context, *cloudwatch.DescribeAlarmsInput) (*cloudwatch.DescribeAlarmsOutput, error) {
			return nil, broken
		},
	}
	assert.EqualError(t, Put(t.Context(), api, "x", "{}"), "put dashboard x: no answer")
	_, err := Applied(t.Context(), api, "x")
	assert.EqualError(t, err, "read dashboard x: no answer")
	alarms := Alarms("prod", Default)
	assert.EqualError(t, PutAlarms(t.Context(), api, Place{}, alarms), `put alarm "aidefleet/cli: no complete sweep of prod": no answer`)
	_, err = DeleteAlarms(t.Context(), api, alarms)
	assert.EqualError(t, err, "read alarms: no answer")
}

// TestNames: two fleets have two dashboards, and neither replaces what a stack has made.
func TestNames(t *testing.T) {
	assert.Equal(t, "aidefleet_-env_3Dprod-eu-central-1", Name("env=prod", "eu-central-1"))
	assert.NotEqual(t, Name("env_prod", "eu-central-1"), Name("env=prod", "eu-central-1"))
	assert.Less(t, len(Name(strings.Repeat("=", 40), "ap-southeast-1")), 256)
	stack := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*: `)
	for _, a := range Alarms("env=prod", Default) {
		assert.False(t, stack.MatchString(a.Name), a.Name)
	}
}
