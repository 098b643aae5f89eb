package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/urfave/cli/v2"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy"
	"aidefleet/orchestrator/deploy/iamtest"
	"aidefleet/orchestrator/report"
)

func doc(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// understood runs a command line of an example where there is no AWS, and no
// packages have been built. It is only refused for that.
func understood(t *testing.T, example string, args []string) {
	t.Helper()
	isolate(t)
	code, _, stderr := run(t, args...)
	built := code != exitUsage || !strings.Contains(stderr, "make dist makes it")
	if !built {
		return
	}
	assert.LessOrEqual(t, code, 1, "%s: orchestrator %q: %s", example, args, stderr)
	if code == 1 {
		assert.Contains(t, stderr, "no AWS ", "%s: orchestrator %q", example, args)
	}
}

// TestPages runs every command of these pages.
func TestPages(t *testing.T) {
	for _, name := range []string{"deploy.md", "console.md"} {
		found := regexp.MustCompile(`(?m)^ {4,}orchestrator ([^>#|\n]+)`).FindAllStringSubmatch(doc(t, name), -1)
		if len(found) == 0 {
			t.Errorf("%s has no command", name)
		}
		for _, m := range found {
			understood(t, name, strings.Fields(strings.ReplaceAll(m[1], "BUCKET", "bucket")))
		}
	}
}

func TestCron(t *testing.T) {
	line := regexp.MustCompile(`^(?:[0-9*/,-]+ ){5}[a-z]+ /usr/local/bin/orchestrator ([^>]+)>/\S+$`)
	setting := regexp.MustCompile(`^(SHELL|MAILTO|AWS_REGION)=\S+$`)
	jobs := 0
	for text := range strings.Lines(doc(t, "deploy/cron")) {
		text = strings.TrimSpace(text)
		switch m := line.FindStringSubmatch(text); {
		case m != nil:
			understood(t, "cron", strings.Fields(m[1]))
			jobs++
		case !strings.HasPrefix(text, "#") && !setting.MatchString(text):
			t.Errorf("cron takes no line %q", text)
		}
	}
	if jobs != 1 {
		t.Errorf("%d jobs, want 1", jobs)
	}
}

func TestSystemd(t *testing.T) {
	service := doc(t, "deploy/aidefleet-sweep.service")
	m := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/orchestrator (.+)$`).FindStringSubmatch(service)
	if m == nil {
		t.Fatalf("there is nothing to start in %s", service)
	}
	understood(t, "systemd", strings.Fields(m[1]))
	if want := fmt.Sprintf("SuccessExitStatus=%d %d\n", exitDrift, exitIncomplete); !strings.Contains(service, want) {
		t.Errorf("want %s", want)
	}
	line := regexp.MustCompile(`^(#.*|\[(Unit|Service|Timer|Install)\]|[A-Z][A-Za-z]+=.*|)$`)
	timer := doc(t, "deploy/aidefleet-sweep.timer")
	for text := range strings.Lines(service + timer) {
		if !line.MatchString(strings.TrimSpace(text)) {
			t.Errorf("systemd takes no line %q", text)
		}
	}
	assert.Contains(t, timer, "\n[Timer]\nOnCalendar=", "the timer never starts")
	assert.Contains(t, timer, "\nWantedBy=timers.target\n", "the timer never starts")
}

// TestECS runs what the task runs, and holds the task's role against it.
func TestECS(t *testing.T) {
	text := doc(t, "deploy/ecs.yaml")
	template, err := iamtest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, c := range template.Resource("Task")["ContainerDefinitions"].([]any) {
		for _, a := range c.(map[string]any)["Command"].([]any) {
			args = append(args, resolve(template, a))
		}
	}
	assert.Contains(t, args, "env=prod")
	assert.Contains(t, args, "AIDE")
	understood(t, "ecs.yaml", args)

	var o aws.Operations
	iamtest.Record(&o)
	iamtest.Role(t, text, "TaskRole", iamtest.Calls(connect([]aws.Place{{}}, []aws.Operations{o}), ledgerAPI(o)))
	target := template.Resource("Schedule")["Target"].(map[string]any)
	assert.NotEmpty(t, resolve(template, target["Arn"]), "the schedule's target: %v", target)
	assert.Equal(t, 0, target["RetryPolicy"].(map[string]any)["MaximumRetryAttempts"], "the schedule's target")
}

// TestAlarms runs what the stack's alarms tell whoever is woken by them.
func TestAlarms(t *testing.T) {
	template, err := iamtest.Parse(deploy.Template("1.2.3"))
	if err != nil {
		t.Fatal(err)
	}
	template.Parameters()["TagValues"]["Default"] = "prod,test"
	example := strings.NewReplacer(`"`, "", "HOST", "web-1", "--command-id ID", "--command-id 0e19ff82-ad8b-443d-96ef-bccf002838fd",
		"--instance ID", "--instance i-0123456789abcdef0")
	var commands []string
	alarms := maps.Collect(template.OfType("AWS::CloudWatch::Alarm"))
	maps.Insert(alarms, template.OfType("AWS::CloudWatch::CompositeAlarm"))
	for name, p := range alarms {
		text := resolve(template, p["AlarmDescription"])
		for _, m := range regexp.MustCompile(`orchestrator ([a-z]+[^.;]*)`).FindAllStringSubmatch(text, -1) {
			commands = append(commands, m[1])
			understood(t, name, strings.Fields(example.Replace(m[1])))
		}
	}
	if failed := resolve(template, template.Resource("HostsFailed")["AlarmDescription"]); !strings.Contains(failed, "log group ${CollectLog}") {
		t.Errorf("it is not said where the ID of a command is: %s", failed)
	}
	slices.Sort(commands)
	want := []string{
		"collect --no-publish --command-id ID", "doctor", `history --fleet "env=prod" --since 2d`, "hold list", "show HOST", "show HOST",
		`targets --tag "env=prod,test"`, "trust --instance ID --why TEXT",
	}
	if !slices.Equal(commands, want) {
		t.Errorf("alarms name %q, want %q", commands, want)
	}
}

// TestNextSteps runs what a report says to do about each reason of operations.md,
// where that is a command.
func TestNextSteps(t *testing.T) {
	commands := 0
	for _, m := range regexp.MustCompile("(?m)^\\| (`[a-z_]+`(?:, `[a-z_]+`)*) \\|").FindAllStringSubmatch(doc(t, "operations.md"), -1) {
		for _, reason := range strings.Split(m[1], ", ") {
			next := report.Reason(strings.Trim(reason, "`")).Next("i-0a1de0000000000c1", "0e19ff82-ad8b-443d-96ef-bccf002838fd")
			if c := regexp.MustCompile(`(?:^|: )orchestrator (.+)$`).FindStringSubmatch(next); c != nil {
				understood(t, reason, strings.Fields(strings.ReplaceAll(c[1], "BUCKET", "bucket")))
				commands++
			}
		}
	}
	if commands < 5 {
		t.Errorf("%d commands, want those of aide_missing, baseline_missing, node_missing, document_missing and unfinished", commands)
	}
}

// TestPlaces: operations.md says that every command that calls AWS but collect and
// documents takes several places, and those that read one ledger alone.
func TestPlaces(t *testing.T) {
	for _, c := range newApp(io.Discard, io.Discard).Commands {
		several := false
		for _, f := range c.Flags {
			if _, ok := f.(*cli.StringSliceFlag); ok && (f.Names()[0] == "region" || f.Names()[0] == "role-arn") {
				several = true
			}
		}
		if want := !slices.Contains([]string{"collect", "documents", "deploy", "dashboard", "alarms", "completion", "version", "history", "evidence", "ledger"}, c.Name); several != want {
			t.Errorf("%s takes several places: %v, want %v", c.Name, several, want)
		}
	}
}

// TestInstalled: pages that build the program put it where they call it from.
func TestInstalled(t *testing.T) {
	for name, calls := range map[string]string{
		"../README.md": "\n    orchestrator ", "deploy.md": "\n        orchestrator ",
		"deploy/cron": " /usr/local/bin/orchestrator ", "deploy/aidefleet-sweep.service": "=/usr/local/bin/orchestrator ",
	} {
		text := doc(t, name)
		_, onAWS, _ := strings.Cut(text, "make dist")
		install, call := strings.Index(onAWS, "sudo install dist/linux-amd64/orchestrator /usr/local/bin/"), strings.Index(onAWS, calls)
		assert.GreaterOrEqual(t, install, 0, "%s calls a program that is on no PATH", name)
		assert.GreaterOrEqual(t, call, install, name)
	}
}

// resolve is a value with the defaults of the parameters in it.
func resolve(template iamtest.Template, value any) string {
	call, _ := value.(map[string]any)
	text := fmt.Sprint(value)
	if list, ok := call["Fn::Sub"].([]any); ok {
		text = list[0].(string)
		for name, v := range list[1].(map[string]any) {
			text = strings.ReplaceAll(text, "${"+name+"}", resolve(template, v))
		}
	}
	if join, ok := call["Fn::Join"].([]any); ok {
		return resolve(template, join[1]) // by the commas that a list's default has
	}
	if name, ok := call["Ref"].(string); ok {
		text = "${" + name + "}"
	} else if sub, ok := call["Fn::Sub"].(string); ok {
		text = sub
	}
	for name, p := range template.Parameters() {
		if p["Default"] != nil {
			text = strings.ReplaceAll(text, "${"+name+"}", fmt.Sprint(p["Default"]))
		}
	}
	return text
}
