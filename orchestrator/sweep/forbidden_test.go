package sweep

import (
	"testing"

	"aidefleet/node/result"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

func TestForbidden(t *testing.T) {
	const script = "/var/lib/amazon/ssm/i-0/document/orchestration/c/check/_script.sh"
	for name, tc := range map[string]struct {
		code   int
		output string
		want   result.Reason
	}{
		"noexec, dash":         {126, "\n----------ERROR-------\nsh: 1: " + script + ": Permission denied\nfailed to run commands: exit status 126", result.NotExecutable},
		"noexec, bash":         {126, "\n----------ERROR-------\nsh: " + script + ": Permission denied\nfailed to run commands: exit status 126", result.NotExecutable},
		"fapolicyd, bash":      {126, "\n----------ERROR-------\nsh: line 1: " + script + ": Operation not permitted\n", result.NotExecutable},
		"read-only":            {1, "\n----------ERROR-------\nfailed to create script file. open " + script + ": read-only file system", result.ReadOnly},
		"a program behind it":  {126, "\n----------ERROR-------\nsh: 1: /usr/bin/aide-node: Permission denied\n", result.NotExecutable},
		"another format":       {126, "\n----------ERROR-------\nsh: 1: /usr/bin/aide-node: Exec format error\n", result.Reason(report.BadOutput)},
		"another status":       {1, "sh: 1: " + script + ": Permission denied\n", result.Reason(report.BadOutput)},
		"nothing":              {126, "", result.Reason(report.BadOutput)},
		"a result line before": {1, `{"v":1,"status":"failed","reason":"busy","message":"failed to create: read-only file system"}` + "\n", result.Busy},
	} {
		t.Run(name, func(t *testing.T) {
			var h report.Host
			fill(&h, decode(runcommand.Invocation{Status: runcommand.Answered, Code: tc.code, Output: tc.output}))
			if h.Status != report.Failed {
				t.Errorf("status %s, want failed", h.Status)
			}
			if h.Reason != report.Reason(tc.want) {
				t.Errorf("reason %q, want %q", h.Reason, tc.want)
			}
			if h.Message == "" {
				t.Error("no message")
			}
		})
	}
}
