package cli

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aidefleet/orchestrator/aws"
	"aidefleet/orchestrator/deploy/iamtest"
)

func page(t *testing.T, name string) string {
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
	if built && (code > 1 || code == 1 && !strings.Contains(stderr, "no AWS ")) {
		t.Errorf("%s: orchestrator %q: exit %d, %s", example, args, code, stderr)
	}
}

// TestPages runs every command of these pages.
func TestPages(t *testing.T) {
	for _, name := range []string{"deploy.md", "console.md"} {
		found := regexp.MustCompile(`(?m)^ {4,}orchestrator ([^>#|\n]+)`).FindAllStringSubmatch(page(t, name), -1)
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
	for text := range strings.Lines(page(t, "deploy/cron")) {
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
	service := page(t, "deploy/aidefleet-sweep.service")
	m := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/orchestrator (.+)$`).FindStringSubmatch(service)
	if m == nil {
		t.Fatalf("there is nothing to start in %s", service)
	}
	understood(t, "systemd", strings.Fields(m[1]))
	if want := fmt.Sprintf("SuccessExitStatus=%d %d\n", exitDrift, exitIncomplete); !strings.Contains(service, want) {
		t.Errorf("want %s", want)
	}
	line := regexp.MustCompile(`^(#.*|\[(Unit|Service|Timer|Install)\]|[A-Z][A-Za-z]+=.*|)$`)
	timer := page(t, "deploy/aidefleet-sweep.timer")
	for text := range strings.Lines(service + timer) {
		if !line.MatchString(strings.TrimSpace(text)) {
			t.Errorf("systemd takes no line %q", text)
		}
	}
	if !strings.Contains(timer, "\n[Timer]\nOnCalendar=") || !strings.Contains(timer, "\nWantedBy=timers.target\n") {
		t.Error("the timer never starts")
	}
}

// TestECS runs what the task runs, and holds the task's role against it.
func TestECS(t *testing.T) {
	text := page(t, "deploy/ecs.yaml")
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
	if !slices.Contains(args, "env=prod") || !slices.Contains(args, "AIDE") {
		t.Errorf("the task runs %q: its parameters are not in it", args)
	}
	understood(t, "ecs.yaml", args)

	var o aws.Operations
	iamtest.Record(&o)
	iamtest.Role(t, text, "TaskRole", iamtest.Calls(connect([]aws.Place{{}}, []aws.Operations{o})))
	if target := template.Resource("Schedule")["Target"].(map[string]any); resolve(template, target["Arn"]) == "" ||
		target["RetryPolicy"].(map[string]any)["MaximumRetryAttempts"] != 0 {
		t.Errorf("the schedule's target: %v", target)
	}
}

// resolve is a value with the defaults of the parameters in it.
func resolve(template iamtest.Template, value any) string {
	call, _ := value.(map[string]any)
	text := fmt.Sprint(value)
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
