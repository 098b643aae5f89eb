package cloudwatch

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestListMetrics(t *testing.T) {
	s := newTestService()
	web := func(name, value string) input {
		return with(good, "MetricName", name, "Dimensions", []any{dim("Instance", value)})
	}
	mustPut(t, s,
		web("added", "web-1"), web("added", "web-2"), web("removed", "web-1"),
		with(good, "Dimensions", []any{dim("InstanceId", "i-1"), dim("Instance", "web-1")}),
		with(good, "Timestamp", clock("01:00:00")),
		web("added", "web-1"), // a second point of the same metric
	)
	clients[1].call(t, s, "PutMetricData", with(put(good), "Namespace", "Other"))
	tests := []struct {
		in   input
		want string // "namespace name dimensions", comma-separated
	}{
		{input{}, "AIDE added Instance=web-1,AIDE added Instance=web-2,AIDE removed Instance=web-1,AIDE added Instance=web-1 InstanceId=i-1,AIDE added,Other added"},
		{input{"Namespace": "Other"}, "Other added"},
		{input{"MetricName": "removed"}, "AIDE removed Instance=web-1"},
		{input{"Dimensions": []any{dim("Instance", "web-1")}}, "AIDE added Instance=web-1,AIDE removed Instance=web-1,AIDE added Instance=web-1 InstanceId=i-1"},
		{input{"Dimensions": []any{input{"Name": "InstanceId"}}}, "AIDE added Instance=web-1 InstanceId=i-1"},
		{input{"Dimensions": []any{input{"Name": "InstanceId"}, dim("Instance", "web-2")}}, ""},
		{input{"RecentlyActive": "PT3H", "MetricName": "added", "Namespace": "AIDE"}, "AIDE added Instance=web-1,AIDE added Instance=web-2,AIDE added Instance=web-1 InstanceId=i-1"},
		{input{"OwningAccount": "123456789012", "Namespace": "Other"}, "Other added"},
		{input{"OwningAccount": "210987654321", "Namespace": "Other"}, ""},
		{input{"Namespace": "None"}, ""},
	}
	for _, tt := range tests {
		for _, c := range clients {
			got := c.call(t, s, "ListMetrics", tt.in)
			if got.status != http.StatusOK {
				t.Fatalf("%s %v: %s: %s", c.name, tt.in, got.code, got.message)
			}
			if text := metrics(got.output.(map[string]any)["Metrics"]); text != tt.want {
				t.Errorf("%s %v: got\n%s\nwant\n%s", c.name, tt.in, text, tt.want)
			}
		}
	}
	for _, c := range clients {
		out := c.call(t, s, "ListMetrics", input{"Namespace": "Other", "IncludeLinkedAccounts": true}).output.(map[string]any)
		if want := []any{"123456789012"}; !reflect.DeepEqual(out["OwningAccounts"], want) {
			t.Errorf("%s: owning accounts %v, want %v", c.name, out["OwningAccounts"], want)
		}
	}
}

func metrics(v any) string {
	l, _ := v.([]any)
	texts := make([]string, len(l))
	for i, item := range l {
		m := item.(map[string]any)
		text := fmt.Sprintf("%s %s", m["Namespace"], m["MetricName"])
		dimensions, _ := m["Dimensions"].([]any)
		for _, d := range dimensions {
			text += fmt.Sprintf(" %s=%s", d.(map[string]any)["Name"], d.(map[string]any)["Value"])
		}
		texts[i] = text
	}
	return strings.Join(texts, ",")
}

func TestListMetricsPages(t *testing.T) {
	for _, tt := range []struct{ metrics, pages int }{{0, 1}, {499, 1}, {500, 1}, {501, 2}, {1000, 2}, {1001, 3}} {
		s := newTestService()
		for i := range tt.metrics {
			s.store.add([]point{{metric: metric{namespace: "AIDE", name: fmt.Sprintf("m%d", i)}}})
			s.store.add([]point{{metric: metric{namespace: "Other", name: fmt.Sprintf("m%d", i)}}})
		}
		for _, c := range clients {
			seen, pages := map[string]bool{}, 0
			for in := (input{"Namespace": "AIDE"}); in != nil; pages++ {
				out := c.call(t, s, "ListMetrics", in).output.(map[string]any)
				l, _ := out["Metrics"].([]any)
				for _, m := range l {
					seen[m.(map[string]any)["MetricName"].(string)] = true
				}
				token, more := out["NextToken"]
				if in = nil; more {
					in = input{"Namespace": "AIDE", "NextToken": token}
				}
			}
			assert.Len(t, seen, tt.metrics, "%s: %d metrics on %d pages", c.name, len(seen), pages)
			assert.Equal(t, tt.pages, pages, c.name)
		}
	}
}
