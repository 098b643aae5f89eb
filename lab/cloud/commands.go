package cloud

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits and defaults of SendCommand (Systems Manager API reference).
const (
	minTimeout     = 30      // seconds
	maxTimeout     = 2592000 // seconds, 30 days
	defaultTimeout = 3600    // seconds
	maxInstanceIDs = 50
	maxTargets     = 5
	maxValues      = 50 // of one target
	maxComment     = 100

	defaultConcurrency = "50"
	defaultErrors      = "0"
)

// target selects the nodes that have one of the values.
type target struct {
	Key    string // "tag:KEY", "tag-key" or "InstanceIds"
	Values []string
}

type sendCommandInput struct {
	DocumentName, DocumentVersion          string
	DocumentHash, DocumentHashType         string
	InstanceIDs                            []string `json:"InstanceIds"`
	Targets                                []target
	Parameters                             map[string][]string
	Comment                                string
	TimeoutSeconds                         *int
	MaxConcurrency, MaxErrors              string
	OutputS3BucketName                     string
	OutputS3KeyPrefix, OutputS3Region      string
	ServiceRoleArn                         string
	CloudWatchOutputConfig                 cloudWatchOutput
	NotificationConfig, AlarmConfiguration json.RawMessage // taken and not acted on
}

type cloudWatchOutput struct {
	CloudWatchLogGroupName  string
	CloudWatchOutputEnabled bool
}

// command is a document sent to nodes.
type command struct {
	sendCommandInput
	id        string
	version   *version
	timeout   time.Duration // for the delivery
	execution time.Duration // of the script, once it is delivered
	requested time.Time

	concurrency int // how many nodes at once
	errors      int // how many may fail before no more nodes are tried
	payload     string

	invocations []*invocation // in the order of their ids, in which they are sent
	tried       int           // those before this one have been sent, or never will be
	counts      counts        // of invocations
	events      events        // to come on simulated hosts
	cancelled   bool          // as a whole
}

type sendCommandOutput struct{ Command commandView }

func (c *Cloud) sendCommand(in sendCommandInput) (out sendCommandOutput, err error) {
	if err := in.check(); err != nil {
		return out, err
	}
	v, err := c.version(in.DocumentName, in.DocumentVersion)
	if err != nil {
		return out, err
	}
	if in.DocumentHash != "" && (!strings.EqualFold(in.DocumentHash, v.hash) || cmp.Or(in.DocumentHashType, "Sha256") != "Sha256") {
		return out, badRequest("InvalidDocument", "The hash of document %s is not %s.", in.DocumentName, in.DocumentHash)
	}
	if in.Parameters, err = v.body.resolve(in.Parameters); err != nil {
		return out, err
	}
	nodes, err := c.targeted(in.InstanceIDs, in.Targets)
	if err != nil {
		return out, err
	}

	command := &command{
		sendCommandInput: in,
		id:               newUUID(),
		version:          v,
		timeout:          time.Duration(*in.TimeoutSeconds) * time.Second,
		execution:        v.body.executionTimeout(in.Parameters),
		requested:        c.now(),
		concurrency:      max(1, share(in.MaxConcurrency, len(nodes))),
		errors:           share(in.MaxErrors, len(nodes)),
	}
	command.payload = command.message()
	command.invocations = make([]*invocation, len(nodes))
	for at, n := range nodes {
		i := &invocation{command: command, node: n, state: pending, changed: command.requested}
		command.invocations[at] = i
		command.tally(i, +1)
	}
	c.commands[command.id] = command
	c.history = append(c.history, command)
	c.sent[in.DocumentName]++
	c.active = append(c.active, command)
	c.config.Logger.Info("command sent", "command", command.id, "document", in.DocumentName, "nodes", len(nodes))
	out.Command = command.view()
	out.Command.hide()
	return out, nil
}

// The patterns of MaxConcurrency and MaxErrors.
var (
	concurrencyPattern = regexp.MustCompile(`^([1-9][0-9]{0,6}|[1-9][0-9]%|[1-9]%|100%)$`)
	errorsPattern      = regexp.MustCompile(`^([1-9][0-9]{0,6}|[0]|[1-9][0-9]%|[0-9]%|100%)$`)
)

// share is a number or percentage of nodes as a number. A percentage is rounded
// down.
func share(s string, nodes int) int {
	number, percent := strings.CutSuffix(s, "%")
	n, _ := strconv.Atoi(number) // checked by its pattern
	if percent {
		return n * nodes / 100
	}
	return n
}

// check validates what does not depend on the account, and fills in defaults.
func (in *sendCommandInput) check() error {
	if in.TimeoutSeconds == nil {
		timeout := defaultTimeout
		in.TimeoutSeconds = &timeout
	}
	in.DocumentVersion = cmp.Or(in.DocumentVersion, "$DEFAULT")
	in.MaxConcurrency = cmp.Or(in.MaxConcurrency, defaultConcurrency)
	in.MaxErrors = cmp.Or(in.MaxErrors, defaultErrors)
	switch timeout := *in.TimeoutSeconds; {
	case in.DocumentName == "":
		return invalid("documentName", "null", "Member must not be null")
	case timeout < minTimeout:
		return invalid("timeoutSeconds", itoa(timeout), "Member must have value greater than or equal to "+itoa(minTimeout))
	case timeout > maxTimeout:
		return invalid("timeoutSeconds", itoa(timeout), "Member must have value less than or equal to "+itoa(maxTimeout))
	case utf8.RuneCountInString(in.Comment) > maxComment:
		return invalid("comment", in.Comment, "Member must have length less than or equal to "+itoa(maxComment))
	case !concurrencyPattern.MatchString(in.MaxConcurrency):
		return invalid("maxConcurrency", in.MaxConcurrency, "Member must satisfy regular expression pattern: "+concurrencyPattern.String())
	case !errorsPattern.MatchString(in.MaxErrors):
		return invalid("maxErrors", in.MaxErrors, "Member must satisfy regular expression pattern: "+errorsPattern.String())
	case len(in.InstanceIDs) > 0 && len(in.Targets) > 0:
		return badRequest("ValidationException", "InstanceIds and Targets cannot be used together.")
	case len(in.InstanceIDs) == 0 && len(in.Targets) == 0:
		return badRequest("ValidationException", "InstanceIds or Targets must be given.")
	case len(in.InstanceIDs) > maxInstanceIDs:
		return invalid("instanceIds", strings.Join(in.InstanceIDs, ", "), "Member must have length less than or equal to "+itoa(maxInstanceIDs))
	case len(in.Targets) > maxTargets:
		return invalid("targets", itoa(len(in.Targets))+" targets", "Member must have length less than or equal to "+itoa(maxTargets))
	}
	seen := make(map[string]bool)
	for _, id := range in.InstanceIDs {
		if seen[id] {
			return badRequest("DuplicateInstanceId", "Instance %s is named twice.", id)
		}
		seen[id] = true
	}
	for _, t := range in.Targets {
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}

func (t target) check() error {
	if len(t.Values) == 0 || len(t.Values) > maxValues {
		return badRequest("ValidationException", "Target %s has %d values, want 1 to %d.", t.Key, len(t.Values), maxValues)
	}
	if name, ok := strings.CutPrefix(t.Key, "tag:"); ok && name != "" || t.Key == "tag-key" || t.Key == "InstanceIds" {
		return nil
	}
	return badRequest("ValidationException", "The lab has no target key %q.", t.Key)
}

// targeted are the nodes that a command is for. A node that is named must be
// managed; one that is not managed has no tags as far as a target goes.
func (c *Cloud) targeted(ids []string, targets []target) ([]*node, error) {
	for _, t := range targets {
		if t.Key == "InstanceIds" {
			ids = append(slices.Clone(ids), t.Values...)
		}
	}
	for _, id := range ids {
		if n, ok := c.nodes[id]; !ok || !n.managed() {
			return nil, badRequest("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", id, c.config.Account)
		}
	}
	var nodes []*node
	candidates := c.sorted
	if len(ids) > 0 {
		candidates = c.named(ids)
	}
	for _, n := range candidates {
		if n.managed() && n.matches(targets) {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

// matches says that a node has one of the values of every target.
func (n *node) matches(targets []target) bool {
	for _, t := range targets {
		if t.Key == "InstanceIds" {
			if !slices.Contains(t.Values, n.ID) {
				return false
			}
		} else if !n.tagged(t.Key, t.Values) {
			return false
		}
	}
	return true
}

// message is the payload of the command's messages, which are all the same.
func (c *command) message() string {
	b, err := json.Marshal(struct {
		Parameters              map[string]any
		DocumentContent         any
		CommandID               string `json:"CommandId"`
		DocumentName            string
		OutputS3KeyPrefix       string
		OutputS3BucketName      string
		CloudWatchLogGroupName  string
		CloudWatchOutputEnabled string
	}{
		Parameters: c.version.body.wire(c.Parameters), DocumentContent: c.version.body.content,
		CommandID: c.id, DocumentName: c.DocumentName,
		OutputS3KeyPrefix: c.OutputS3KeyPrefix, OutputS3BucketName: c.OutputS3BucketName,
		CloudWatchLogGroupName:  c.CloudWatchOutputConfig.CloudWatchLogGroupName,
		CloudWatchOutputEnabled: strconv.FormatBool(c.CloudWatchOutputConfig.CloudWatchOutputEnabled),
	})
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(b)
}
