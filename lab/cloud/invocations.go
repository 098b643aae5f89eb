package cloud

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The cuts, in bytes. They keep the head and can split a character (Systems
// Manager API reference; agent/framework/processor/executer/iohandler).
const (
	maxOutput = 2500 // of both streams, in ListCommandInvocations
	maxStdout = 24000
	maxStderr = 8000

	errorTitle = "\n----------ERROR-------\n"
)

// stepReport is what an agent reported of one step.
type stepReport struct {
	Status         string `json:"status"`
	Code           int    `json:"code"`
	Output         string `json:"output"`
	StandardOutput string `json:"standardOutput"`
	StandardError  string `json:"standardError"`
	StartDateTime  string `json:"startDateTime"`
	EndDateTime    string `json:"endDateTime"`

	name string
}

// report takes over what a reply says of the steps. The last reply of a document
// with more than one step says nothing of them: what was said before stays.
func (i *invocation) report(r reply) {
	i.trace = cmp.Or(r.DocumentTraceOutput, i.trace)
	for name, s := range r.RuntimeStatus {
		if s == nil {
			continue
		}
		s.name = name
		i.steps = slices.DeleteFunc(i.steps, func(old *stepReport) bool { return old.name == name })
		i.steps = append(i.steps, s)
	}
	position := make(map[string]int)
	for n, s := range i.command.version.body.steps {
		position[s.name] = n
	}
	slices.SortFunc(i.steps, func(a, b *stepReport) int {
		return cmp.Or(cmp.Compare(position[a.name], position[b.name]), strings.Compare(a.name, b.name))
	})
}

// output is what ListCommandInvocations shows of a step: what the agent
// composed, if that is short enough, or both streams cut.
func (s *stepReport) output() string {
	if s.Output != "" && len(s.Output) <= maxOutput {
		return s.Output
	}
	if s.StandardOutput == "" && s.StandardError == "" {
		return head(s.Output, maxOutput)
	}
	return compose(s.StandardOutput, s.StandardError)
}

// compose puts both streams into maxOutput bytes. When both are long each gets
// half; otherwise the short one is whole and the long one gets the rest.
func compose(stdout, stderr string) string {
	if stderr == "" {
		return head(stdout, maxOutput)
	}
	room := maxOutput - len(errorTitle)
	switch half := room / 2; {
	case len(stdout) <= half:
		stderr = head(stderr, room-len(stdout))
	case len(stderr) <= half:
		stdout = head(stdout, room-len(stderr))
	default:
		stdout, stderr = head(stdout, half), head(stderr, half)
	}
	return stdout + errorTitle + stderr
}

func head(s string, limit int) string { return s[:min(len(s), limit)] }

// state reads the status of a step as that of an invocation. A step that was
// skipped is a success, as is one before a reboot.
func (s *stepReport) state() state {
	switch s.Status {
	case "Success", "Skipped", "SuccessAndReboot", "PassedAndReboot":
		return succeeded
	case "Failed":
		return failed
	case "TimedOut":
		return executionTimedOut
	case "Cancelled":
		return cancelled
	}
	return inProgress
}

// date reads a date of a reply. One that cannot be read is left out.
func date(text string) *epoch {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil
	}
	return &epoch{t}
}

type listCommandInvocationsInput struct {
	paging
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	Details    bool
	Filters    []commandFilter
}

type listCommandInvocationsOutput struct {
	CommandInvocations []invocationView
	NextToken          string `json:",omitempty"`
}

type invocationView struct {
	CommandID              string `json:"CommandId"`
	InstanceID             string `json:"InstanceId"`
	InstanceName           string
	Comment                string
	DocumentName           string
	DocumentVersion        string
	RequestedDateTime      epoch
	Status                 string
	StatusDetails          string
	TraceOutput            string
	StandardOutputURL      string `json:"StandardOutputUrl"`
	StandardErrorURL       string `json:"StandardErrorUrl"`
	CommandPlugins         []pluginView
	ServiceRole            string
	NotificationConfig     notificationView
	CloudWatchOutputConfig cloudWatchOutput
}

// notificationView is that of a command without notifications.
type notificationView struct {
	NotificationArn    string
	NotificationEvents []string
	NotificationType   string
}

type pluginView struct {
	Name                   string
	Status                 string
	StatusDetails          string
	ResponseCode           int
	ResponseStartDateTime  *epoch `json:",omitempty"`
	ResponseFinishDateTime *epoch `json:",omitempty"`
	Output                 string
	StandardOutputURL      string `json:"StandardOutputUrl"`
	StandardErrorURL       string `json:"StandardErrorUrl"`
	OutputS3Region         string
	OutputS3BucketName     string
	OutputS3KeyPrefix      string
}

// listCommandInvocations lists the newest command first.
func (c *Cloud) listCommandInvocations(in listCommandInvocationsInput) (out listCommandInvocationsOutput, err error) {
	commands, err := c.asked(in.CommandID)
	if err != nil {
		return out, err
	}
	if err := checkCommandFilters(in.Filters, false); err != nil {
		return out, err
	}
	var visible []*invocation
	for _, command := range commands {
		if c.showsResults(command) {
			visible = append(visible, command.invocations...)
		}
	}
	found, next, err := scan(visible, func(i *invocation) bool {
		return (in.InstanceID == "" || in.InstanceID == i.node.ID) && i.command.passes(in.Filters, i.state)
	}, in.paging, 1, 50, 50)
	out.NextToken = next
	if err != nil {
		return out, err
	}
	out.CommandInvocations = make([]invocationView, len(found))
	for n, i := range found {
		out.CommandInvocations[n] = c.view(i, in.Details)
	}
	return out, nil
}

func (c *Cloud) view(i *invocation, details bool) invocationView {
	v := invocationView{
		CommandID: i.command.id, InstanceID: i.node.ID, InstanceName: i.node.Name, Comment: i.command.Comment,
		DocumentName: i.command.DocumentName, DocumentVersion: i.command.DocumentVersion,
		RequestedDateTime: epoch{i.command.requested}, Status: i.state.status, StatusDetails: i.state.details,
		TraceOutput: i.trace, CommandPlugins: []pluginView{}, ServiceRole: i.command.ServiceRoleArn,
		NotificationConfig:     notificationView{NotificationEvents: []string{}},
		CloudWatchOutputConfig: i.command.CloudWatchOutputConfig,
	}
	if !details {
		return v
	}
	for _, s := range i.reports() {
		state := s.state()
		v.CommandPlugins = append(v.CommandPlugins, pluginView{
			Name: s.name, Status: state.status, StatusDetails: state.details, ResponseCode: s.Code,
			ResponseStartDateTime: date(s.StartDateTime), ResponseFinishDateTime: date(s.EndDateTime),
			Output: s.output(), OutputS3Region: c.config.Region,
			OutputS3BucketName: i.command.OutputS3BucketName, OutputS3KeyPrefix: i.command.OutputS3KeyPrefix,
		})
	}
	return v
}

type getCommandInvocationInput struct {
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	PluginName string
}

type getCommandInvocationOutput struct {
	CommandID              string `json:"CommandId"`
	InstanceID             string `json:"InstanceId"`
	Comment                string
	DocumentName           string
	DocumentVersion        string
	PluginName             string
	ResponseCode           int
	ExecutionStartDateTime string
	ExecutionElapsedTime   string
	ExecutionEndDateTime   string
	Status                 string
	StatusDetails          string
	StandardOutputContent  string
	StandardOutputURL      string `json:"StandardOutputUrl"`
	StandardErrorContent   string
	StandardErrorURL       string `json:"StandardErrorUrl"`
	CloudWatchOutputConfig cloudWatchOutput
}

// getCommandInvocation shows one step. The name may be left out where the
// document has only one.
func (c *Cloud) getCommandInvocation(in getCommandInvocationInput) (out getCommandInvocationOutput, err error) {
	command, err := c.command(in.CommandID)
	if err != nil {
		return out, err
	}
	i := command.on(in.InstanceID)
	if i == nil || c.hidden(command) || !c.showsResults(command) {
		return out, badRequest("InvocationDoesNotExist", "")
	}
	steps := command.version.body.steps
	known := func(s step) bool { return s.name == in.PluginName }
	switch {
	case in.PluginName != "" && !slices.ContainsFunc(steps, known):
		return out, badRequest("InvalidPluginName", "")
	case in.PluginName == "" && len(steps) == 1:
		in.PluginName = steps[0].name
	}
	out = getCommandInvocationOutput{
		CommandID: command.id, InstanceID: i.node.ID, Comment: command.Comment, DocumentName: command.DocumentName,
		DocumentVersion: command.DocumentVersion, PluginName: in.PluginName, ResponseCode: -1,
		Status: i.state.status, StatusDetails: i.state.details, CloudWatchOutputConfig: command.CloudWatchOutputConfig,
	}
	for _, s := range i.reports() {
		if s.name == in.PluginName {
			out.fill(s)
		}
	}
	return out, nil
}

// fill takes over what was reported of the step.
func (out *getCommandInvocationOutput) fill(s *stepReport) {
	// A step that was not reported as ended has ended with its invocation.
	if state := s.state(); state.ended() {
		out.Status, out.StatusDetails = state.status, state.details
	}
	out.ResponseCode = s.Code
	out.StandardOutputContent = head(s.StandardOutput, maxStdout)
	out.StandardErrorContent = head(s.StandardError, maxStderr)
	out.ExecutionStartDateTime, out.ExecutionEndDateTime = s.StartDateTime, s.EndDateTime
	if begin, end := date(s.StartDateTime), date(s.EndDateTime); begin != nil && end != nil {
		out.ExecutionElapsedTime = isoDuration(end.Sub(begin.Time))
	}
}
