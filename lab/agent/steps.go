package agent

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// stepResult is what came of a step.
type stepResult struct {
	step   step
	status status
	code   int
	stdout text
	stderr text
	output string // both streams in one text, or why the step was not run
	start  time.Time
	end    time.Time
}

// fail ends a step that could not be run.
func (r *stepResult) fail(message string) {
	r.status, r.code, r.stderr = failed, 1, text{message, len(message)}
}

// verdict says what to do with a step.
type verdict int

const (
	run verdict = iota
	skip
	refuseStep
)

// decide looks at a step before it runs: the steps before it, its precondition
// and its action (agent/framework/runpluginutil).
func decide(s step, last bool, before []*stepResult) (verdict, string) {
	// A finallyStep anywhere but at the end is an ordinary step.
	if finally := last && s.modifier("finallyStep") == "true"; !finally && exited(before) {
		return skip, fmt.Sprintf("Plugin with name %s and id %s skipped due to prior step with an exit condition", s.action, s.name)
	}
	allowed, problems := s.evaluate()
	switch known := s.action == runShellScript || s.action == downloadContent; {
	case allowed && !known:
		return refuseStep, fmt.Sprintf("Plugin with name %s is not supported by the lab's agent, which knows %s and %s. Step name: %s",
			s.action, runShellScript, downloadContent, s.name)
	case !allowed && !known:
		return skip, fmt.Sprintf("Step execution skipped due to unsupported plugin: %s. Step name: %s", s.action, s.name)
	case !allowed:
		return skip, fmt.Sprintf("Step execution skipped due to unsatisfied preconditions: '%s'. Step name: %s",
			strings.Join(problems, ", "), s.name)
	case len(problems) > 0:
		return refuseStep, fmt.Sprintf("Unrecognized precondition(s): '%s', please update agent to latest version. Step name: %s",
			strings.Join(problems, ", "), s.name)
	}
	return run, ""
}

// exited says that a step before this one ended the document. A plain failure
// does not, and neither does a time-out.
func exited(before []*stepResult) bool {
	for _, r := range before {
		switch {
		case r.code == exitSkipRestSuccess, r.code == exitSkipRestFailure,
			r.status == failed && r.step.modifier("onFailure") == "exit",
			r.status == success && r.step.modifier("onSuccess") == "exit":
			return true
		}
	}
	return false
}

// runStep runs one step, or does not, and fills in its result.
func (a *agent) runStep(ctx context.Context, c *command, last bool, before []*stepResult, r *stepResult) {
	r.start = a.now()
	switch what, why := decide(r.step, last, before); {
	case what == skip:
		r.status, r.output = skipped, why
	case what == refuseStep:
		r.status, r.code, r.output = failed, 1, why
	case c.cancelled():
		r.status, r.code = cancelled, 1
	case r.step.action == downloadContent:
		a.runDownload(ctx, c, r.step, r)
		r.conclude()
	default:
		a.runScript(ctx, c, r.step, r)
		r.conclude()
	}
	r.end = a.now()
}

// conclude applies the exit codes and modifiers that end a document early.
func (r *stepResult) conclude() {
	if r.code == exitSkipRestSuccess {
		r.stderr = text{} // "exit status 168" would look like a failure
	}
	r.output = compose(r.stdout, r.stderr)
	onFailure := r.step.modifier("onFailure")
	switch {
	case r.code == exitSkipRestSuccess:
		r.status = success
		r.stdout = r.stdout.with("\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped.")
	case r.code == exitSkipRestFailure:
		r.note("\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped.")
	case r.status == failed && (onFailure == "exit" || onFailure == "successAndExit"):
		r.note("\nStep was found to have onFailure property. Further document steps will be skipped.")
		if onFailure == "successAndExit" {
			r.status, r.code = success, exitSkipRestSuccess
		}
	}
}

// note adds a sentence to both streams.
func (r *stepResult) note(sentence string) {
	r.stdout, r.stderr = r.stdout.with(sentence), r.stderr.with(sentence)
}
