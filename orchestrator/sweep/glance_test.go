package sweep

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// TestGlance: at a terminal hosts are shown as they answer, each once, and seldom.
func TestGlance(t *testing.T) {
	now := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	var answered []types.CommandInvocation
	calls := 0
	answer := func(id, line string) {
		answered = append(answered, types.CommandInvocation{
			InstanceId: aws.String(id), Status: types.CommandInvocationStatusSuccess, StatusDetails: aws.String("Success"),
			CommandPlugins: []types.CommandPlugin{{Output: aws.String(line + "\n"), Status: types.CommandPluginStatusSuccess, ResponseCode: 0}},
		})
	}
	var shown []string
	r := &run{Region: Region{Name: "eu-central-1", Commands: runcommand.API{
		ListCommandInvocations: func(context.Context, *ssm.ListCommandInvocationsInput) (*ssm.ListCommandInvocationsOutput, error) {
			calls++
			return &ssm.ListCommandInvocationsOutput{CommandInvocations: answered}, nil
		},
	}}, settings: settings{now: func() time.Time { return now }, observer: &observer{onFound: func(hosts []report.Host) {
		for _, h := range hosts {
			shown = append(shown, fmt.Sprint(h.Label(), " ", h.Status))
		}
	}}}}
	c := &command{Command: runcommand.Command{ID: commandID}, hosts: []fleet.Host{{ID: "i-01", Name: "web-1", Ping: "Online"}, {ID: "i-02", Name: "web-2", Ping: "Online"}}}
	look := func(after time.Duration) {
		now = now.Add(after)
		r.glanceAt(t.Context(), c, runcommand.Command{Completed: len(answered), Targeted: 3})
	}
	answer("i-01", `{"v":1,"status":"drift","added":1,"removed":0,"changed":0,"total":9,"paths":["+/etc/x"]}`)
	answer("i-02", `{"v":1,"status":"clean","added":0,"removed":0,"changed":0,"total":9}`)
	look(0)
	look(firstGlance - time.Second)
	assert.Zero(t, calls, "a short sweep shows its report alone")
	look(time.Second)
	assert.Equal(t, []string{"web-1 drift"}, shown)
	look(time.Minute)
	assert.Equal(t, 1, calls, "no host has ended since")
	answer("i-03", `{"v":1,"status":"drift","added":0,"removed":0,"changed":2,"total":9}`)
	look(time.Minute)
	assert.Equal(t, []string{"web-1 drift", "i-03 drift"}, shown)

	r.observer.onFound = nil
	answer("i-04", "")
	look(time.Hour)
	assert.Equal(t, 2, calls, "nobody watches")
}
