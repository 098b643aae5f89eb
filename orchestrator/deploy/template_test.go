package deploy

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/deploy/iamtest"
	documents "aidefleet/ssm-documents"
)

var golden = flag.Bool("update", false, "write the golden files")

func parse(t *testing.T) iamtest.Template {
	t.Helper()
	template, err := iamtest.Parse(Template("1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestTemplate(t *testing.T) {
	text := Template("1.2.3")
	if text != Template("1.2.3") {
		t.Error("the same version gives two templates")
	}
	assert.NotContains(t, text, "@@", "not all marks were replaced")
	assert.Contains(t, text, "aidefleet 1.2.3", "not all marks were replaced")
	assert.NotContains(t, text, "\t", "a tab, or a blank at the end of a line")
	assert.False(t, regexp.MustCompile(`(?m) $`).MatchString(text), "a tab, or a blank at the end of a line")
}

// TestTemplateDocuments: the documents of the stack are those of orchestrator
// documents publish, their tag too, and an operator may run each of them that cannot
// hide a change.
func TestTemplateDocuments(t *testing.T) {
	template := parse(t)
	found := map[string]string{}
	for name, properties := range template.OfType("AWS::SSM::Document") {
		content, _ := properties["Content"].(string)
		found[fmt.Sprint(properties["Name"])] = content
		delete(properties, "Content")
		delete(properties, "Name")
		if want := map[string]any{
			"DocumentType": "Command", "DocumentFormat": "YAML", "UpdateMethod": "NewVersion", "TargetType": map[string]any{"Ref": "DocumentTargetType"},
			"Tags": []any{map[string]any{"Key": "aidefleet", "Value": "1.2.3"}},
		}; !reflect.DeepEqual(properties, want) {
			t.Errorf("%s: %v, want %v", name, properties, want)
		}
	}
	var want []string
	for _, d := range documents.All() {
		if found[d.Name] != d.Content {
			t.Errorf("%s is not byte for byte what is published", d.Name)
		}
		if d.Name == documents.Configure {
			continue
		}
		want = append(want, "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:document/"+d.Name)
	}
	if len(found) != len(documents.All()) {
		t.Errorf("%d documents, want %d", len(found), len(documents.All()))
	}
	statements, err := template.Statements("OperatorRole")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range statements {
		if s.Sid == "WhatCommandsRun" {
			for _, r := range s.Resources {
				got = append(got, r.(map[string]any)["Fn::Sub"].(string))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("an operator may run %q, want %q", got, want)
	}
}

func TestDocumentResource(t *testing.T) {
	d := documents.Document{Name: "AideFleet-Check", Content: "schemaVersion: \"2.2\"\n\nmainSteps:\n  - |-\n    #!/bin/sh\n\n    echo \"${HOME}\" '{{ config }}'\n"}
	got := documentResource(d, "0.1.0~rc.1")
	file := filepath.Join("testdata", "document.yaml")
	if *golden {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	assert.NoError(t, err, "got\n%s\nwant\n%s", got, want)
	assert.Equal(t, string(want), got)
}

// values are parameters as somebody may give them, and what AWS puts in.
var values = strings.NewReplacer("${TagKey}", "cost center", "${Values}", `a","b c`, "${FleetName}", "cost=a,b", "${ExecutionTimeout}", "90m",
	"${Namespace}", "AIDE/prod", "${AWS::Region}", "eu-central-1", "${AWS::Partition}", "aws", "${AWS::AccountId}", "123456789012",
	"${HostsSuspect.Arn}", "s", "${SweepIncomplete.Arn}", "a", "${HostsFailed.Arn}", "b", "${HostsMissing.Arn}", "c", "${ChangesExtreme.Arn}", "d", "${EventsLost.Arn}", "e", "${FindingsFunction.Arn}", "f")

// decode reads JSON text in which CloudFormation puts parameters.
func decode(t *testing.T, sub any, v any) {
	t.Helper()
	value := sub.(map[string]any)["Fn::Sub"]
	if list, ok := value.([]any); ok {
		value = list[0]
	}
	text := values.Replace(value.(string))
	if strings.Contains(text, "${") {
		t.Errorf("the test knows no value for all of %s", text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

func TestEvents(t *testing.T) {
	template := parse(t)
	target := func(schedule string) map[string]any { return template.Resource(schedule)["Target"].(map[string]any) }
	var sweep struct {
		Sweep struct {
			Tags             map[string][]string
			Fleet            string
			ExecutionTimeout string `json:"execution_timeout"`
		}
		Scheduled string
	}
	input := target("SweepSchedule")["Input"]
	decode(t, input, &sweep)
	assert.Equal(t, []string{"a", "b c"}, sweep.Sweep.Tags["cost center"], "the schedule sends %+v", sweep)
	assert.Equal(t, "cost=a,b", sweep.Sweep.Fleet)
	assert.Equal(t, "90m", sweep.Sweep.ExecutionTimeout)
	assert.Equal(t, "<aws.scheduler.scheduled-time>", sweep.Scheduled)
	if output := template["Outputs"].(map[string]any)["SweepEvent"].(map[string]any)["Value"]; !reflect.DeepEqual(output, input) {
		t.Errorf("the output SweepEvent is %v, the schedule sends %v", output, input)
	}
	if got := target("ReconcileSchedule")["Input"]; got != `{"reconcile":{"hours":72},"scheduled":"<aws.scheduler.scheduled-time>"}` {
		t.Errorf("the second schedule sends %v", got)
	}
	want := map[string]any{
		"source": []any{"aws.ssm"}, "detail-type": []any{"EC2 Command Status-change Notification"},
		"detail": map[string]any{"document-name": []any{documents.Check}, "status": []any{"Success", "Failed", "TimedOut", "Cancelled"}},
	}
	if got := template.Resource("CheckEnded")["EventPattern"]; !reflect.DeepEqual(got, want) {
		t.Errorf("the rule is for %v, want %v", got, want)
	}
}

// TestDocumentedEvents: those of docs/deploy.md are JSON.
func TestDocumentedEvents(t *testing.T) {
	page, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^    \{"(?:.+\n)+`).FindAllString(string(page), -1)
	if len(found) != 3 {
		t.Errorf("%d events, want 3", len(found))
	}
	for _, event := range found {
		if !json.Valid([]byte(event)) {
			t.Errorf("not JSON: %s", event)
		}
	}
}

// TestInvocations: nothing is served twice at a time or tried again by itself, and
// nothing is lost.
func TestInvocations(t *testing.T) {
	template := parse(t)
	letters := map[string]any{"Fn::GetAtt": "DeadLetters.Arn"}
	for name, p := range template.OfType("AWS::Lambda::Function") {
		if name == "FindingsFunction" {
			continue // it only shows, to people who wait for it
		}
		assert.Equal(t, 1, p["ReservedConcurrentExecutions"], "%s: %v", name, p)
		assert.Equal(t, 900, p["Timeout"], name)
		assert.Equal(t, "provided.al2023", p["Runtime"], name)
		assert.Equal(t, "bootstrap", p["Handler"], name)
		found := false
		for _, c := range template.OfType("AWS::Lambda::EventInvokeConfig") {
			found = found || c["FunctionName"].(map[string]any)["Ref"] == name && c["MaximumRetryAttempts"] == 0 &&
				reflect.DeepEqual(c["DestinationConfig"], map[string]any{"OnFailure": map[string]any{"Destination": letters}})
		}
		if !found {
			t.Errorf("%s: failed events are tried again, or lost", name)
		}
	}
	for name, p := range template.OfType("AWS::Scheduler::Schedule") {
		target := p["Target"].(map[string]any)
		assert.Equal(t, map[string]any{"Arn": letters}, target["DeadLetterConfig"], "%s: %v", name, p)
		assert.NotNil(t, target["RetryPolicy"], name)
		assert.Equal(t, "OFF", p["FlexibleTimeWindow"].(map[string]any)["Mode"], name)
	}
	for name, p := range template.OfType("AWS::Events::Rule") {
		for _, target := range p["Targets"].([]any) {
			target := target.(map[string]any)
			assert.Equal(t, map[string]any{"Arn": letters}, target["DeadLetterConfig"], "%s loses events: %v", name, target)
			assert.NotNil(t, target["RetryPolicy"], "%s loses events", name)
		}
	}
}

// TestAlarms holds them against the limits of CloudWatch: an alarm looks back at
// most a day, or seven where a period is an hour or longer (PutMetricAlarm).
func TestAlarms(t *testing.T) {
	template := parse(t)
	names := map[string]bool{}
	for name, p := range template.OfType("AWS::CloudWatch::Alarm") {
		for _, metric := range metricNames(p) {
			names[metric] = true
		}
		periods, ok := p["EvaluationPeriods"].(int)
		if !ok {
			periods = template.Parameters()[p["EvaluationPeriods"].(map[string]any)["Ref"].(string)]["MaxValue"].(int)
		}
		seconds := p["Period"].(int)
		if limit := map[bool]int{true: 7 * 86400, false: 86400}[seconds >= 3600]; seconds*periods > limit {
			t.Errorf("%s looks back %d s, at most %d are possible", name, seconds*periods, limit)
		}
		if name != "SweepIncomplete" && name != "FleetHeld" { // which the composite alarm looks at
			assert.Equal(t, []any{map[string]any{"Ref": "Alarms"}}, p["AlarmActions"], "%s mails at %v and %v", name, p["AlarmActions"], p["OKActions"])
		}
		assert.Nil(t, p["OKActions"], name)
		missing := map[string][]any{"SweepCompleted": {"breaching"}, "ApproximateNumberOfMessagesVisible": {"notBreaching"}, "FleetHeld": {"notBreaching"}}[fmt.Sprint(p["MetricName"])]
		if missing == nil {
			missing = []any{nil, "ignore"}
		}
		assert.Contains(t, missing, p["TreatMissingData"], "%s: missing data", name)
	}
	if want := map[string]bool{"SweepCompleted": true, "HostsSuspect": true, "HostsFailedUnheld": true, "HostsMissingUnheld": true, "HostChangesUnheld": true, "ChangesUnexplained": true, "FleetHeld": true, "ApproximateNumberOfMessagesVisible": true}; !reflect.DeepEqual(names, want) {
		t.Errorf("alarms on %v, want %v", names, want)
	}
}

// TestSuppressedAlarm: who is mailed that nobody looked is not mailed while all of the
// fleet is held. If that is not known the mail goes out.
func TestSuppressedAlarm(t *testing.T) {
	template := parse(t)
	composite := template.Resource("NobodyLooked")
	assert.Equal(t, map[string]any{"Fn::Sub": `ALARM("${SweepIncomplete}")`}, composite["AlarmRule"])
	assert.Equal(t, map[string]any{"Ref": "FleetHeld"}, composite["ActionsSuppressor"])
	assert.Equal(t, []any{map[string]any{"Ref": "Alarms"}}, composite["AlarmActions"])
	assert.Equal(t, "notBreaching", template.Resource("FleetHeld")["TreatMissingData"])
}

// TestAlarmWindow: a daily sweep is not late for taking its time on the day when the
// clocks go back, with an hour for its delivery and for who collects it.
func TestAlarmWindow(t *testing.T) {
	parameters := parse(t).Parameters()
	took, err := time.ParseDuration(parameters["ExecutionTimeout"]["Default"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if window, least := parameters["AlarmWindow"]["Default"].(int), 25+int(took.Hours())+1; window < least {
		t.Errorf("an alarm after %d hours, and a sweep may be complete after %d", window, least)
	}
}

// TestDashboard: the body is JSON once the references are replaced, and is of one fleet.
func TestDashboard(t *testing.T) {
	var body struct {
		Start   string
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title, View, Region, Stat, Endpoint string
				Period                              int
				Alarms                              []string
				Metrics                             [][]any
				Params                              map[string]string
				UpdateOn                            map[string]bool `json:"updateOn"`
				YAxis                               map[string]any  `json:"yAxis"`
			}
		}
	}
	decode(t, parse(t).Resource("Dashboard")["DashboardBody"], &body)
	var searches []string
	for _, w := range body.Widgets {
		assert.LessOrEqual(t, w.X+w.Width, 24, "widget %+v", w)
		if w.Type == "metric" {
			assert.Equal(t, 86400, w.Properties.Period, "points of a daily sweep are joined")
			assert.Equal(t, "eu-central-1", w.Properties.Region, "widget %+v", w)
		}
		for _, m := range w.Properties.Metrics {
			if options, ok := m[0].(map[string]any); ok {
				searches = append(searches, options["expression"].(string))
			}
		}
	}
	assert.Equal(t, []string{
		"each*hosts",
		`SELECT MAX(WorstChanges) FROM SCHEMA("AIDE/prod", Fleet, Instance) WHERE Fleet = 'cost=a,b' GROUP BY Instance ORDER BY MAX() DESC LIMIT 20`,
	}, searches)
}

// TestParameters: each says what it is and what it may be, is asked for once, and
// lets nothing into the JSON texts that would end a text there.
func TestParameters(t *testing.T) {
	template := parse(t)
	form := template["Metadata"].(map[string]any)["AWS::CloudFormation::Interface"].(map[string]any)
	var asked []string
	for _, g := range form["ParameterGroups"].([]any) {
		for _, p := range g.(map[string]any)["Parameters"].([]any) {
			asked = append(asked, p.(string))
		}
	}
	slices.Sort(asked)
	parameters := template.Parameters()
	var names, labelled []string
	for name := range form["ParameterLabels"].(map[string]any) {
		labelled = append(labelled, name)
	}
	slices.Sort(labelled)
	for name, p := range parameters {
		names = append(names, name)
		if p["Description"] == nil {
			t.Errorf("%s is not described", name)
		}
		if p["AllowedValues"] != nil {
			continue
		}
		if p["ConstraintDescription"] == nil {
			t.Errorf("%s does not say what it may be", name)
		}
		if p["Type"] == "Number" {
			if p["MinValue"] == nil {
				t.Errorf("%s may be negative", name)
			}
			continue
		}
		pattern := regexp.MustCompile("^(?:" + p["AllowedPattern"].(string) + ")$")
		if value, ok := p["Default"].(string); ok && !pattern.MatchString(value) {
			t.Errorf("%s: its default %q is not allowed", name, value)
		}
		for _, evil := range []string{`a"b`, `a\b`, "a\nb", "a${b}", "a@b\"", "arn:aws:iam::123456789012:role/a\"", "cron(0 5 * * ? \")"} {
			if pattern.MatchString(evil) {
				t.Errorf("%s may be %q", name, evil)
			}
		}
	}
	slices.Sort(names)
	assert.Equal(t, asked, names, "parameters %q, asked for %q, labelled %q", names, asked, labelled)
	assert.Equal(t, labelled, names)
}
