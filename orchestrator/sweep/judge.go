package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// excerptChars is how much of an output that is no result line is shown.
const excerptChars = 160

// badOutput is the reason of a host whose output is not a result line.
const badOutput = "bad_output"

// judge makes the report of a command: each host that was meant, and each that
// was sent the command without being meant (a hybrid node, an instance that has
// been terminated since), exactly once.
//
// Silence counts as such only if allListed says that the answers are those of all
// hosts that were sent the command.
func (s *sweep) judge(c runcommand.Command, hosts []fleet.Host, answers map[string]runcommand.Invocation, allListed bool) report.Report {
	r := report.Report{V: report.Version, Fleet: s.FleetName, Started: c.Requested.UTC()}
	command := report.Command{ID: c.ID, Region: s.Name}

	list := make([]report.Host, 0, len(hosts))
	meant := make(map[string]bool, len(hosts))
	for _, h := range hosts {
		meant[h.ID] = true
		i, sent := answers[h.ID]
		if !sent && c.ID != "" && h.Launched.After(c.Requested) {
			continue // it was not there to be meant
		}
		if h.Account != "" {
			command.Account = h.Account
		}
		list = append(list, s.host(h, i, c, allListed))
	}
	for id, i := range answers {
		if !meant[id] {
			list = append(list, s.host(fleet.Host{ID: id, Name: i.Name, Ping: "Online"}, i, c, allListed))
		}
		if i.Finished.After(r.Finished) {
			r.Finished = i.Finished.UTC()
		}
	}
	if r.Finished.Before(r.Started) {
		r.Finished = s.now().UTC()
	}
	r.Add(list...)
	r.Commands = []report.Command{}
	if c.ID != "" {
		r.Commands = append(r.Commands, command)
	}
	return r
}

// host judges one host by its invocation; a Status of "" means that the command
// was not sent to it.
func (s *sweep) host(h fleet.Host, i runcommand.Invocation, c runcommand.Command, allListed bool) report.Host {
	out := report.Host{Instance: h.ID, Name: h.Name, Region: s.Name, Account: h.Account}
	if i.Status == runcommand.Answered {
		fill(&out, i)
	} else {
		out.Status, out.Reason = report.Missing, gap(h, i, c, allListed)
	}
	if out.Reason != "" {
		out.Next = report.Next(out.Reason, h.ID, c.ID)
	}
	return out
}

// gap is the reason why a host gave no answer. Of a list that is not whole a host
// may be missing that answered: it counts as unfinished if SSM knows its agent.
func gap(h fleet.Host, i runcommand.Invocation, c runcommand.Command, allListed bool) string {
	unreachable := string(h.Unreachable())
	switch {
	case i.Status == "" && !allListed && h.Ping != "":
		return string(runcommand.Unfinished)
	case i.Status == "" && unreachable != "":
		return unreachable
	case i.Status == "" && c.Done() && c.Detail == "rateexceeded":
		return string(runcommand.RateExceeded)
	case i.Status == "" && c.Done():
		return "not_targeted"
	case i.Status == "":
		return string(runcommand.Unfinished)
	case i.Status == runcommand.Unfinished && unreachable != "":
		return unreachable
	}
	return string(i.Status)
}

// fill reads the result line of a host that answered.
func fill(out *report.Host, i runcommand.Invocation) {
	line, err := result.Parse([]byte(i.Output))
	if err == nil {
		// The exit status is a second witness: 1 exactly when the check failed.
		if failed := i.Code != 0; failed != (line.Status == result.Failed) {
			err = fmt.Errorf("it says %s, but the script ended with exit status %d", line.Status, i.Code)
		}
	}
	if err != nil {
		out.Status, out.Reason, out.Message = report.Failed, badOutput, explain(i, err)
		if reason, message := forbidden(i); reason != "" {
			out.Reason, out.Message = string(reason), message
		}
		return
	}
	out.AIDE, out.Node, out.Seconds, out.Report = line.AIDE, line.Node, line.Seconds, line.Report
	out.Baseline, out.Config, out.Message = line.Baseline, line.Config, line.Message
	if line.Status == result.Failed {
		out.Status, out.Reason = report.Failed, string(line.Reason)
		return
	}
	out.Status, out.Counts = report.Status(line.Status), line.Counts
	out.Unread, out.UnreadPath = line.Unread, line.UnreadPath
	out.Fingerprint, out.Paths, out.More = line.Fingerprint, line.Paths, line.More
}

// isCut says that an output ends in the middle of its first line.
func isCut(output string) bool {
	return strings.HasPrefix(output, "{") && !strings.Contains(output, "\n") && !json.Valid([]byte(output))
}

// explain says what came instead of a result line, with its first characters.
func explain(i runcommand.Invocation, err error) string {
	if strings.TrimSpace(i.Output) == "" {
		return fmt.Sprintf("exit status %d and no output", i.Code)
	}
	text := fmt.Sprintf("exit status %d, output: %s", i.Code, report.Excerpt(i.Output, excerptChars))
	if !errors.Is(err, result.ErrNoLine) {
		text = err.Error() + "; " + text
	}
	return text
}

// selector turns the targets of a command back into who was meant. It is empty for
// a command whose targets are neither tags nor ids, such as a resource group: of
// that only those are known to whom it was sent.
func selector(targets []runcommand.Target) (s fleet.Selector) {
	for _, t := range targets {
		key, tag := strings.CutPrefix(t.Key, "tag:")
		switch {
		case tag:
			s.Tags = append(s.Tags, fleet.Tag{Key: key, Values: t.Values})
		case t.Key == "InstanceIds":
			s.Instances = append(s.Instances, t.Values...)
		default:
			return fleet.Selector{}
		}
	}
	return s
}
