// Package dashboard is what people look at in CloudWatch, and what mails them: the body of
// a dashboard, and alarms. The stack has both; accounts without a stack get them by
// commands.
package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// day is the period of every widget, in seconds: a fleet is swept once a day, and points of
// a shorter period would not be joined by a line.
const day = 86400

// Options say what a dashboard is of. In the template of the stack each text is a reference.
type Options struct {
	Fleet, Namespace, Region string
	Alarms                   []string // ARNs; without any there is no widget of them
	// Widget is the ARN of the function that draws the findings. Without it they are Text.
	Widget string
	Text   string // Markdown: the last suspects
}

// Widget is a part of a dashboard (CloudWatch API reference, "Dashboard Body Structure and
// Syntax").
type Widget struct {
	Type       string         `json:"type"`
	X          int            `json:"x"`
	Y          int            `json:"y"`
	Width      int            `json:"width"`
	Height     int            `json:"height"`
	Properties map[string]any `json:"properties"`
}

// Widgets are those of the dashboard, from the top.
func Widgets(o Options) (list []Widget) {
	y := 0
	add := func(x, width, height int, kind string, properties map[string]any) {
		list = append(list, Widget{kind, x, y, width, height, properties})
	}
	if len(o.Alarms) > 0 {
		add(0, 24, 2, "alarm", map[string]any{"title": o.Fleet, "alarms": o.Alarms})
		y += 2
	}
	switch {
	case o.Widget != "":
		add(0, 24, 8, "custom", map[string]any{
			"title": "Findings", "endpoint": o.Widget, "params": map[string]any{"fleet": o.Fleet},
			"updateOn": map[string]any{"refresh": true, "resize": false, "timeRange": false},
		})
		y += 8
	case o.Text != "":
		add(0, 24, 4, "text", map[string]any{"markdown": o.Text})
		y += 4
	}
	series := func(metric string, options map[string]any) []any {
		one := []any{o.Namespace, metric, "Fleet", o.Fleet}
		if len(options) > 0 {
			one = append(one, options)
		}
		return one
	}
	right := map[string]any{"yAxis": "right"}
	add(0, 12, 7, "metric", o.graph("Hosts; failed, missing and suspect at the right",
		series("HostsTargeted", nil), series("HostsClean", nil), series("HostsChanged", nil), series("HostsHeld", nil),
		series("HostsFailed", right), series("HostsMissing", right), series("HostsSuspect", right)))
	add(12, 12, 7, "metric", o.graph("Changes: all of a sweep, of the worst host, new and unread ones",
		series("HostChanges", map[string]any{"id": "each", "stat": "Average", "visible": false}),
		series("HostsReported", map[string]any{"id": "hosts", "stat": "Average", "visible": false}),
		[]any{map[string]any{"expression": "each*hosts", "label": "all hosts", "id": "all"}},
		series("HostChanges", map[string]any{"label": "the worst host"}),
		series("NewChanges", map[string]any{"stat": "Sum", "label": "new since the check before", "yAxis": "right"}),
		series("EntriesUnread", map[string]any{"label": "unread entries, the worst host", "yAxis": "right"})))
	y += 7
	if !strings.Contains(o.Fleet, "'") { // a query has no way to write it
		add(0, 24, 7, "metric", o.graph("Hosts with the most changes", []any{map[string]any{"expression": o.worst(), "id": "worst"}}))
		y += 7
	}
	add(0, 24, 5, "metric", o.graph("Seconds until the last host had answered", series("SweepSeconds", nil)))
	return list
}

// worst ranks hosts of the fleet alone, by CloudWatch Metrics Insights.
func (o Options) worst() string {
	return fmt.Sprintf(`SELECT MAX(WorstChanges) FROM SCHEMA("%s", Fleet, Instance) WHERE Fleet = '%s' GROUP BY Instance ORDER BY MAX() DESC LIMIT 20`, o.Namespace, o.Fleet)
}

func (o Options) graph(title string, metrics ...any) map[string]any {
	return map[string]any{
		"title": title, "region": o.Region, "view": "timeSeries", "stat": "Maximum", "period": day,
		"yAxis": map[string]any{"left": map[string]any{"min": 0}, "right": map[string]any{"min": 0}}, "metrics": metrics,
	}
}

// Body is the dashboard as JSON.
func Body(o Options) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	body := map[string]any{"start": "-P14D", "widgets": Widgets(o)} // Metrics Insights looks back two weeks
	if err := e.Encode(body); err != nil {
		panic(err) // plain values
	}
	return b.String()
}
