package report

import (
	"strings"

	"aidefleet/node/result"
)

// Reason says why a host has no counts.
type Reason string

// Reasons of the documents' scripts, which speak if the node cannot.
const (
	NodeMissing       Reason = "node_missing"
	DownloadFailed    Reason = "download_failed"
	DigestMismatch    Reason = "digest_mismatch"
	WrongArchitecture Reason = "wrong_architecture"
	ProgramUnexpected Reason = "program_unexpected"
	NoSpace           Reason = "no_space"
	ToolMissing       Reason = "tool_missing"
)

// Reasons of the orchestrator itself, which no host gives: the output of a host is no
// result line, or a host said nothing.
const (
	BadOutput        Reason = "bad_output"
	Stopped          Reason = "stopped"
	Unmanaged        Reason = "unmanaged"
	AgentLost        Reason = "agent_lost"
	NotFound         Reason = "not_found"
	InvalidPlatform  Reason = "invalid_platform"
	NotTargeted      Reason = "not_targeted"
	Undeliverable    Reason = "undeliverable"
	DeliveryTimeout  Reason = "delivery_timeout"
	AgentFailed      Reason = "agent_failed"
	ExecutionTimeout Reason = "execution_timeout"
	Cancelled        Reason = "cancelled"
	Terminated       Reason = "terminated"
	AccessDenied     Reason = "access_denied"
	RateExceeded     Reason = "rate_exceeded"
	Incomplete       Reason = "incomplete"
	DocumentMissing  Reason = "document_missing"
	NotSent          Reason = "not_sent"
	Unfinished       Reason = "unfinished"
)

// reasons are all that this version knows, with what to do about each: {host} stands
// for the instance id, {command} for the id of the command.
var reasons = []struct {
	reason Reason
	next   string
}{
	// The node's own.
	{Reason(result.AideMissing), "orchestrator init --install-aide --instance {host}"},
	{Reason(result.AideFailed), "see what AIDE said in the message; then sweep again"},
	{Reason(result.AideCrashed), "exclude the file that the message names, or upgrade AIDE; where AIDE was killed, look for too little memory on the host"},
	{Reason(result.ConfigMissing), "write /etc/aide.conf (or /etc/aide/aide.conf) on the host, or name it with --config; update-aide.conf makes it where the message says so"},
	{Reason(result.ConfigInvalid), "see the message: mend what it names, on the host or in the profile; aide-node doctor says there whether it is well"},
	{Reason(result.BaselineMissing), "orchestrator init --instance {host}"},
	{Reason(result.BaselineInvalid), "find out who changed the database on the host; then take a new baseline"},
	{Reason(result.BaselineOutdated), "AIDE was upgraded, take a new baseline: orchestrator init --force --instance {host}"},
	{Reason(result.BaselineRemoved), "find out who removed the database on the host, then take a new one: orchestrator init --force --instance {host}"},
	{Reason(result.Busy), "another check is running there: sweep again when it has ended"},
	{Reason(result.Timeout), "give it more time: --execution-timeout"},
	{Reason(result.Interrupted), "the agent or the host was stopped meanwhile: sweep again"},
	{Reason(result.NotExecutable), "let the host run what the message names (mount without noexec; trust it in fapolicyd; restorecon); the node can move: orchestrator install --bucket BUCKET --packages dist --to /opt/aidefleet --instance {host}"},
	{Reason(result.ReadOnly), "make writable what the message names; where that is /usr, put the node elsewhere: orchestrator install --bucket BUCKET --packages dist --to /opt/aidefleet --instance {host}"},
	{Reason(result.ReportUnreadable), "read the report that was kept in /var/lib/aide-node on the host"},
	{Reason(result.StateUnwritable), "see the message: it names the file or folder on the host, and what mends it"},
	{Reason(result.Refused), "sweep it again, and review what is found: orchestrator sweep --instance {host}"},
	{Reason(result.BadArguments), "check the parameters of the document against the version of aide-node"},
	{Reason(result.Internal), "report it with the message: it is a bug in aide-node"},

	// The documents' scripts'.
	{NodeMissing, "orchestrator install --bucket BUCKET --packages dist --instance {host}"},
	{DownloadFailed, "give its instance profile s3:GetObject and s3:ListBucket for the bucket, and see the download step of the command"},
	{DigestMismatch, "somebody has changed the package in the bucket: find out who, then orchestrator install again"},
	{WrongArchitecture, "make dist for its architecture, then orchestrator install again"},
	{ProgramUnexpected, "find out who can change what the message names, and what is there now; then chown root, chmod go-w and install again"},
	{NoSpace, "make room in the node's folder and /var/lib/aide-node on the host"},
	{ToolMissing, "install coreutils, tar and gzip on the host"},

	// The orchestrator's.
	{BadOutput, "check on the host what /usr/bin/aide-node is, and its version"},
	{Stopped, "start the instance, or take the tag off it"},
	{Unmanaged, "install the SSM agent and attach the policy AmazonSSMManagedInstanceCore"},
	{AgentLost, "on the host: systemctl restart amazon-ssm-agent"},
	{NotFound, "check the id, the region and the account"},
	{InvalidPlatform, "take the tag off it: AIDE checks Linux hosts"},
	{NotTargeted, "it joined after the command was sent: sweep again"},
	{Undeliverable, "on the host: systemctl status amazon-ssm-agent; then sweep again"},
	{DeliveryTimeout, "the agent did not fetch the command in time: systemctl status amazon-ssm-agent on the host"},
	{AgentFailed, "the SSM agent's own worker was killed there, as for want of memory: sweep again; journalctl -u amazon-ssm-agent on the host says more"},
	{ExecutionTimeout, "give it more time: --execution-timeout"},
	{Cancelled, "sweep again"},
	{Terminated, "too many other hosts failed for --max-errors: sweep again"},
	{AccessDenied, "the caller may not send commands to this host: check its IAM policy"},
	{RateExceeded, "too many commands at once in this account: sweep again later"},
	{Incomplete, "sweep again"},
	{DocumentMissing, "publish the documents to its account and region: orchestrator documents publish"},
	{NotSent, "see the error of its account and region; then sweep again"},
	{Unfinished, "it is still running, or its answer could not be read: orchestrator collect --command-id {command}"},
}

// OfHost says that a host may give this reason: the node or a script does, or a later
// version of them. All others only the orchestrator gives.
func (r Reason) OfHost() bool {
	switch r {
	case BadOutput, Stopped, Unmanaged, AgentLost, NotFound, InvalidPlatform, NotTargeted, Undeliverable, DeliveryTimeout, AgentFailed,
		ExecutionTimeout, Cancelled, Terminated, AccessDenied, RateExceeded, Incomplete, DocumentMissing, NotSent, Unfinished:
		return false
	}
	return true
}

// Reasons are all that this version knows.
func Reasons() []Reason {
	list := make([]Reason, 0, len(reasons))
	for _, r := range reasons {
		list = append(list, r.reason)
	}
	return list
}

// Next says what an operator can do about a reason; empty if nothing is known.
func (r Reason) Next(instance, command string) string {
	if r == Unfinished && command == "" {
		return "it may have been sent a command: look for the comment that the error names, and collect it"
	}
	for _, entry := range reasons {
		if entry.reason == r {
			return strings.NewReplacer("{host}", instance, "{command}", command).Replace(entry.next)
		}
	}
	return ""
}
