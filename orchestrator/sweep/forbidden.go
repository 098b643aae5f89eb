package sweep

import (
	"strings"

	"aidefleet/node/result"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// forbidden says why a host let its agent run no script, or the script no node, if
// that is what the agent says in place of an answer; the reason is empty otherwise.
// The agent writes each script into its own folder, as _script.sh, and executes it
// there (amazon-ssm-agent 3.x, agent/plugins/runscript).
func forbidden(i runcommand.Invocation) (reason report.Reason, message string) {
	words := strings.ToLower(i.Output) // in English: the agent sets no locale
	denied := i.Code == 126 && (strings.Contains(words, ": permission denied") || strings.Contains(words, ": operation not permitted"))
	switch {
	case denied && strings.Contains(words, "/_script.sh: "):
		return report.Reason(result.NotExecutable), "the host does not let its SSM agent run scripts in /var/lib/amazon/ssm: look for /var mounted noexec, fapolicyd, SELinux"
	case denied: // by a document of an older version
		return report.Reason(result.NotExecutable), "the host does not let the node be run: look for a file system mounted noexec, fapolicyd, SELinux"
	case strings.Contains(words, "failed to create") && strings.Contains(words, "read-only file system"):
		return report.Reason(result.ReadOnly), "the SSM agent cannot write its script to /var/lib/amazon/ssm: the file system is mounted read-only"
	}
	return "", ""
}
