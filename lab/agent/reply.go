package agent

import (
	"context"
	"encoding/json"
	"time"
)

// status is that of a step or of a document.
type status string

const (
	inProgress       status = "InProgress"
	success          status = "Success"
	successAndReboot status = "SuccessAndReboot"
	failed           status = "Failed"
	timedOut         status = "TimedOut"
	cancelled        status = "Cancelled"
	skipped          status = "Skipped"
)

// reply is the payload of SendReply (agent/runcommand/contracts).
type reply struct {
	AdditionalInfo      additionalInfo           `json:"additionalInfo"`
	DocumentStatus      status                   `json:"documentStatus"`
	DocumentTraceOutput string                   `json:"documentTraceOutput"`
	RuntimeStatus       map[string]runtimeStatus `json:"runtimeStatus"`
}

type additionalInfo struct {
	Agent               agentInfo      `json:"agent"`
	DateTime            string         `json:"dateTime"`
	RunID               string         `json:"runId"`
	RuntimeStatusCounts map[status]int `json:"runtimeStatusCounts"`
}

type agentInfo struct {
	Lang      string `json:"lang"`
	Name      string `json:"name"`
	OS        string `json:"os"`
	OSVersion string `json:"osver"`
	Version   string `json:"ver"`
}

// runtimeStatus is a step's part of a reply, by the name of the step.
type runtimeStatus struct {
	Status             status `json:"status"`
	Code               int    `json:"code"`
	Name               string `json:"name"` // of the plugin
	Output             string `json:"output"`
	StartDateTime      string `json:"startDateTime"`
	EndDateTime        string `json:"endDateTime"`
	OutputS3BucketName string `json:"outputS3BucketName"`
	OutputS3KeyPrefix  string `json:"outputS3KeyPrefix"`
	StepName           string `json:"stepName"` // set with an S3 bucket only
	StandardOutput     string `json:"standardOutput"`
	StandardError      string `json:"standardError"`
}

// documentReply says something of the document and nothing of its steps.
func (a *agent) documentReply(s status, trace string) reply {
	return reply{AdditionalInfo: a.additionalInfo(), DocumentStatus: s, DocumentTraceOutput: trace}
}

// stepReply reports the last of the results. Until the document has ended it is
// in progress, whatever its steps say.
func (a *agent) stepReply(results []*stepResult) reply {
	last := results[len(results)-1]
	r := a.documentReply(inProgress, "")
	r.AdditionalInfo.RuntimeStatusCounts = count(results)
	r.RuntimeStatus = map[string]runtimeStatus{last.step.name: last.wire()}
	return r
}

// finalReply ends the document. It holds a step's result only if there is just
// one step, because many would not fit into a message: the service has to keep
// what the earlier replies said (agent/contracts, DocumentResultAggregator).
func (a *agent) finalReply(results []*stepResult) reply {
	counts := count(results)
	r := a.documentReply(documentStatus(counts), "")
	r.AdditionalInfo.RuntimeStatusCounts = counts
	r.RuntimeStatus = make(map[string]runtimeStatus)
	if len(results) == 1 {
		r.RuntimeStatus[results[0].step.name] = results[0].wire()
	}
	return r
}

func (a *agent) additionalInfo() additionalInfo {
	return additionalInfo{
		Agent:    agentInfo{Lang: "en-US", Name: agentName, OS: "linux", OSVersion: "1", Version: a.AgentVersion},
		DateTime: date(a.now()),
	}
}

func count(results []*stepResult) map[status]int {
	counts := make(map[status]int)
	for _, r := range results {
		counts[r.status]++
	}
	return counts
}

// documentStatus is the gravest of the steps' states; a skipped step is a
// success.
func documentStatus(counts map[status]int) status {
	for _, s := range []status{successAndReboot, failed, timedOut, cancelled} {
		if counts[s] > 0 {
			return s
		}
	}
	return success
}

func (r *stepResult) wire() runtimeStatus {
	return runtimeStatus{
		Status:         r.status,
		Code:           r.code,
		Name:           r.step.action,
		Output:         r.output,
		StartDateTime:  date(r.start),
		EndDateTime:    date(r.end),
		StandardOutput: r.stdout.cut(maxStream),
		StandardError:  r.stderr.cut(maxStream),
	}
}

// date is ISO 8601 in UTC with milliseconds.
func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// send delivers a reply, however long that takes.
func (a *agent) send(ctx context.Context, messageID string, r reply) {
	payload, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and numbers
	}
	id := newUUID()
	a.retry(ctx, "send reply", func() error { return a.service.sendReply(ctx, messageID, id, string(payload)) })
}
