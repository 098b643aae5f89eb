package cloud

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// consistent says that a command has been there for long enough to be seen
// whole: the service shows its targets and invocations a little later.
func (c *Cloud) consistent(command *command) bool {
	return c.now().Sub(command.requested) >= c.config.Consistency
}

// showsResults says that the results of a command are shown.
func (c *Cloud) showsResults(command *command) bool {
	return c.consistent(command) && c.now().Sub(command.requested) >= c.config.Faults.HideResults
}

// hidden says that a command cannot be found yet.
func (c *Cloud) hidden(command *command) bool {
	return c.now().Sub(command.requested) < c.config.Faults.HideCommand
}

// asked is one command or, without an id, all of them, the newest first.
func (c *Cloud) asked(id string) ([]*command, error) {
	if id != "" {
		found, err := c.command(id)
		if err == nil && c.hidden(found) {
			err = badRequest("InvalidCommandId", "")
		}
		return []*command{found}, err
	}
	all := slices.DeleteFunc(slices.Clone(c.history), c.hidden)
	slices.Reverse(all)
	return all, nil
}

// commandFilter is a filter of ListCommands and ListCommandInvocations.
type commandFilter struct {
	Key   string `json:"key"`
	Value string `json:"value"`

	date time.Time // of InvokedAfter and InvokedBefore
}

// checkCommandFilters reads the dates. ListCommandInvocations has no stages.
func checkCommandFilters(filters []commandFilter, stages bool) error {
	for n := range filters {
		f := &filters[n]
		switch {
		case f.Key == "InvokedAfter" || f.Key == "InvokedBefore":
			var err error
			if f.date, err = time.Parse(time.RFC3339, f.Value); err != nil {
				return badRequest("ValidationException", "Filter %s: %q is no date such as 2026-11-23T05:00:00Z.", f.Key, f.Value)
			}
		case f.Key == "Status" || f.Key == "DocumentName":
		case f.Key == "ExecutionStage" && stages:
			if f.Value != "Executing" && f.Value != "Complete" {
				return badRequest("ValidationException", "Filter ExecutionStage: %q is neither Executing nor Complete.", f.Value)
			}
		default:
			return badRequest("InvalidFilterKey", "")
		}
	}
	return nil
}

// passes says that a command in a state, or one of its invocations, passes all
// filters.
func (c *command) passes(filters []commandFilter, s state) bool {
	for _, f := range filters {
		var ok bool
		switch f.Key {
		case "InvokedAfter":
			ok = !c.requested.Before(f.date)
		case "InvokedBefore":
			ok = c.requested.Before(f.date)
		case "DocumentName":
			ok = c.DocumentName == f.Value
		case "ExecutionStage":
			ok = s.ended() == (f.Value == "Complete")
		default:
			ok = s.status == f.Value || strings.ReplaceAll(s.details, " ", "") == f.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

type listCommandsInput struct {
	paging
	CommandID  string `json:"CommandId"`
	InstanceID string `json:"InstanceId"`
	Filters    []commandFilter
}

type listCommandsOutput struct {
	Commands  []commandView
	NextToken string `json:",omitempty"`
}

type commandView struct {
	CommandID              string `json:"CommandId"`
	DocumentName           string
	DocumentVersion        string
	Comment                string
	ExpiresAfter           epoch
	Parameters             map[string][]string
	InstanceIDs            []string `json:"InstanceIds"`
	Targets                []target
	RequestedDateTime      epoch
	Status                 string
	StatusDetails          string
	OutputS3Region         string
	OutputS3BucketName     string
	OutputS3KeyPrefix      string
	MaxConcurrency         string
	MaxErrors              string
	TargetCount            int
	CompletedCount         int
	ErrorCount             int
	DeliveryTimedOutCount  int
	ServiceRole            string
	NotificationConfig     notificationView
	CloudWatchOutputConfig cloudWatchOutput
	TimeoutSeconds         int
}

func (c *command) view() commandView {
	n, s := c.counts, c.state()
	return commandView{
		CommandID: c.id, DocumentName: c.DocumentName, DocumentVersion: c.DocumentVersion, Comment: c.Comment,
		ExpiresAfter: epoch{c.requested.Add(c.timeout + c.execution)}, Parameters: c.Parameters,
		InstanceIDs: present(c.InstanceIDs), Targets: present(c.Targets),
		RequestedDateTime: epoch{c.requested}, Status: s.status, StatusDetails: s.details,
		OutputS3Region: c.OutputS3Region, OutputS3BucketName: c.OutputS3BucketName, OutputS3KeyPrefix: c.OutputS3KeyPrefix,
		MaxConcurrency: c.MaxConcurrency, MaxErrors: c.MaxErrors,
		TargetCount: n.targets, CompletedCount: n.completed, ErrorCount: n.errors(), DeliveryTimedOutCount: n.deliveryTimedOut,
		ServiceRole: c.ServiceRoleArn, NotificationConfig: notificationView{NotificationEvents: []string{}},
		CloudWatchOutputConfig: c.CloudWatchOutputConfig, TimeoutSeconds: *c.TimeoutSeconds,
	}
}

// hide makes a command look as it does right after it was sent.
func (v *commandView) hide() {
	v.Status, v.StatusDetails = pending.status, pending.details
	v.TargetCount, v.CompletedCount, v.ErrorCount, v.DeliveryTimedOutCount = 0, 0, 0, 0
}

// listCommands lists the newest first.
func (c *Cloud) listCommands(in listCommandsInput) (out listCommandsOutput, err error) {
	commands, err := c.asked(in.CommandID)
	if err != nil {
		return out, err
	}
	if err := checkCommandFilters(in.Filters, true); err != nil {
		return out, err
	}
	found := []commandView{}
	for _, command := range commands {
		s, v := command.state(), command.view()
		if !c.consistent(command) {
			s = pending
			v.hide()
		}
		if (in.InstanceID == "" || command.on(in.InstanceID) != nil) && command.passes(in.Filters, s) {
			found = append(found, v)
		}
	}
	out.Commands, out.NextToken, err = page(found, in.paging, 1, 50, 50)
	return out, err
}

// isoDuration is ISO 8601: "PT12.345S".
func isoDuration(d time.Duration) string {
	return fmt.Sprintf("PT%sS", strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", d.Seconds()), "0"), "."))
}
