package report

import (
	"strings"

	"aidefleet/node/result"
)

// next says what to do about a reason. {host} stands for the instance id.
var next = map[string]string{
	// What a host said of itself.
	string(result.AideMissing):      "orchestrator init --install-aide --instance {host}",
	string(result.AideFailed):       "see what AIDE said in the message; then sweep again",
	string(result.AideCrashed):      "exclude the file that the message names, or upgrade AIDE; where AIDE was killed, look for too little memory on the host",
	string(result.ConfigMissing):    "write /etc/aide.conf (or /etc/aide/aide.conf) on the host, or name it with --config; update-aide.conf makes it where the message says so",
	string(result.ConfigInvalid):    "see the message: mend what it names, on the host or in the profile; aide-node doctor says there whether it is well",
	string(result.BaselineMissing):  "orchestrator init --instance {host}",
	string(result.BaselineInvalid):  "find out who changed the database on the host; then take a new baseline",
	string(result.BaselineOutdated): "AIDE was upgraded, take a new baseline: orchestrator init --force --instance {host}",
	string(result.BaselineRemoved):  "find out who removed the database on the host, then take a new one: orchestrator init --force --instance {host}",
	string(result.Busy):             "another check is running there: sweep again when it has ended",
	string(result.Timeout):          "give it more time: --execution-timeout",
	string(result.Interrupted):      "the agent or the host was stopped meanwhile: sweep again",
	string(result.NotExecutable):    "let the host run what the message names (mount without noexec; trust it in fapolicyd; restorecon); the node can move: orchestrator install --bucket BUCKET --packages dist --to /opt/aidefleet --instance {host}",
	string(result.ReadOnly):         "make writable what the message names; where that is /usr, put the node elsewhere: orchestrator install --bucket BUCKET --packages dist --to /opt/aidefleet --instance {host}",
	string(result.ReportUnreadable): "read the report that was kept in /var/lib/aide-node on the host",
	string(result.StateUnwritable):  "see the message: it names the file or folder on the host, and what mends it",
	string(result.BadArguments):     "check the parameters of the document against the version of aide-node",
	string(result.Internal):         "report it with the message: it is a bug in aide-node",
	"node_missing":                  "orchestrator install --bucket BUCKET --packages dist --instance {host}",
	"download_failed":               "give its instance profile s3:GetObject and s3:ListBucket for the bucket, and see the download step of the command",
	"digest_mismatch":               "somebody has changed the package in the bucket: find out who, then orchestrator install again",
	"wrong_architecture":            "make dist for its architecture, then orchestrator install again",
	"program_unexpected":            "find out who can change what the message names, and what is there now; then chown root, chmod go-w and install again",
	"no_space":                      "make room in the node's folder and /var/lib/aide-node on the host",
	"tool_missing":                  "install coreutils, tar and gzip on the host",
	"bad_output":                    "check on the host what /usr/bin/aide-node is, and its version",

	// Why a host said nothing.
	"stopped":           "start the instance, or take the tag off it",
	"unmanaged":         "install the SSM agent and attach the policy AmazonSSMManagedInstanceCore",
	"agent_lost":        "on the host: systemctl restart amazon-ssm-agent",
	"not_found":         "check the id, the region and the account",
	"invalid_platform":  "take the tag off it: AIDE checks Linux hosts",
	"not_targeted":      "it joined after the command was sent: sweep again",
	"undeliverable":     "on the host: systemctl status amazon-ssm-agent; then sweep again",
	"delivery_timeout":  "the agent did not fetch the command in time: systemctl status amazon-ssm-agent on the host",
	"agent_failed":      "the SSM agent's own worker was killed there, as for want of memory: sweep again; journalctl -u amazon-ssm-agent on the host says more",
	"execution_timeout": "give it more time: --execution-timeout",
	"cancelled":         "sweep again",
	"terminated":        "too many other hosts failed for --max-errors: sweep again",
	"access_denied":     "the caller may not send commands to this host: check its IAM policy",
	"rate_exceeded":     "too many commands at once in this account: sweep again later",
	"incomplete":        "sweep again",
	"document_missing":  "publish the documents to its account and region: orchestrator documents publish",
	"not_sent":          "see the error of its account and region; then sweep again",
	"unfinished":        "it is still running, or its answer could not be read: orchestrator collect --command-id {command}",
}

// Next says what an operator can do about a reason; empty if nothing is known.
func Next(reason, instance, command string) string {
	if reason == "unfinished" && command == "" {
		return "it may have been sent a command: look for the comment that the error names, and collect it"
	}
	return strings.NewReplacer("{host}", instance, "{command}", command).Replace(next[reason])
}
