package agent

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFlow runs documents of several steps. A step's result is written as the
// first letter of its status.
func TestFlow(t *testing.T) {
	tests := []struct {
		name  string
		steps []string
		want  string
		final status
	}{
		{"a failure ends nothing", []string{shell("a", "exit 1"), shell("b", "echo")}, "FS", failed},
		{"onFailure exit", []string{shell("a", "exit 1", `"onFailure":"exit"`), shell("b", "echo"), shell("c", "echo")}, "FSkSk", failed},
		{"onFailure exit without a failure", []string{shell("a", "exit 0", `"onFailure":"exit"`), shell("b", "echo")}, "SS", success},
		{"onFailure exit on a time-out", []string{shell("a", "exit 137", `"onFailure":"exit"`), shell("b", "echo")}, "TS", timedOut},
		{"onFailure successAndExit", []string{shell("a", "exit 1", `"onFailure":"successAndExit"`), shell("b", "echo")}, "SSk", success},
		{"onSuccess exit", []string{shell("a", "exit 0", `"onSuccess":"exit"`), shell("b", "echo")}, "SSk", success},
		{"onSuccess exit without success", []string{shell("a", "exit 1", `"onSuccess":"exit"`), shell("b", "echo")}, "FS", failed},
		{"168 skips the rest", []string{shell("a", "exit 168"), shell("b", "echo")}, "SSk", success},
		{"169 skips the rest", []string{shell("a", "exit 169"), shell("b", "echo")}, "FSk", failed},
		{"finallyStep runs after an exit", []string{shell("a", "exit 169"), shell("b", "echo"), shell("c", "echo", `"finallyStep":"true"`)}, "FSkS", failed},
		{"finallyStep as a boolean", []string{shell("a", "exit 169"), shell("b", "echo", `"finallyStep":true`)}, "FS", failed},
		{"finallyStep must be last", []string{shell("a", "exit 169"), shell("b", "echo", `"finallyStep":true`), shell("c", "echo")}, "FSkSk", failed},
		{"failure is graver than a time-out", []string{shell("a", "exit 137"), shell("b", "exit 1")}, "TF", failed},
		{"unknown plugin", []string{plain("a", "aws:runPowerShellScript", ""), shell("b", "echo")}, "FS", failed},
		{"unknown plugin elsewhere", []string{plain("a", "aws:runPowerShellScript", `{"StringEquals":["platformType","Windows"]}`), shell("b", "echo")}, "SkS", success},
	}
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps, final := f.run(fmt.Sprint("command-", i), content(tt.steps...), nil)
			var got strings.Builder
			for _, s := range steps {
				if s.Status == skipped {
					got.WriteString("Sk")
				} else {
					got.WriteString(string(s.Status[:1]))
				}
			}
			assert.Equal(t, tt.want, got.String(), "got %s %s", got.String(), final.DocumentStatus)
			assert.Equal(t, tt.final, final.DocumentStatus)
		})
	}
}

func TestPrecondition(t *testing.T) {
	tests := []struct {
		precondition string
		status       status
		output       string
	}{
		{`{"StringEquals":["platformType","Linux"]}`, success, ""},
		{`{"StringEquals":["LINUX","platformType"]}`, success, ""},
		{`{}`, success, ""},
		{`{"StringEquals":["{{ mode }}","full"]}`, success, ""},
		{`{"StringEquals":["{{ mode }}","quick"]}`, skipped, `unsatisfied preconditions: '"StringEquals": [{{ mode }}, quick]'`},
		{`{"StringEquals":["platformType","Windows"]}`, skipped, `unsatisfied preconditions: '"StringEquals": [platformType, Windows]'`},
		{`{"StringEquals":["platformType","{{ mode }}"]}`, failed, "can't contain document parameters"},
		{`{"StringEquals":["platformType","platformType"]}`, failed, "can't be identical"},
		{`{"StringEquals":["platformType"]}`, failed, "exactly 2 arguments"},
		{`{"StringEquals":["a","b"]}`, failed, "must contain a valid document parameter"},
		{`{"StringEquals":["{{ mode }}","{{ssm:x}}"]}`, failed, "can't contain SSM parameters"},
		{`{"StringNotEquals":["platformType","Linux"]}`, failed, `unrecognized operator: "StringNotEquals"`},
		{`{"StringEquals":["platformType","Windows"],"StringLike":["a","b"]}`, skipped, "unsatisfied preconditions"},
	}
	f := newFakeService(t)
	f.start(t.TempDir(), nil)
	for i, tt := range tests {
		t.Run(tt.precondition, func(t *testing.T) {
			doc := fmt.Sprintf(`{"schemaVersion":"2.2","parameters":{"mode":{"type":"String","default":"full"}},
				"mainSteps":[{"action":"aws:runShellScript","name":"s","precondition":%s,"inputs":{"runCommand":["true"]}}]}`, tt.precondition)
			steps, _ := f.run(fmt.Sprint("command-", i), doc, nil)
			require.Equal(t, tt.status, steps[0].Status)
			assert.Contains(t, steps[0].Output, tt.output, "got %s %q", steps[0].Status, steps[0].Output)
		})
	}
}

// plain writes a step without inputs.
func plain(name, action, precondition string) string {
	if precondition == "" {
		precondition = "{}"
	}
	return fmt.Sprintf(`{"action":%q,"name":%q,"precondition":%s,"inputs":{}}`, action, name, precondition)
}
