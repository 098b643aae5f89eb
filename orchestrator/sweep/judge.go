package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
)

// excerptChars is how much of an output that is no result line is shown.
const excerptChars = 160

// judge is a stage: it makes the report. Each targeted host is in it exactly
// once, and so is each host that was sent a command without being targeted (a hybrid
// node, an instance that has been terminated since).
func (r *run) judge() {
	r.report = report.Report{V: report.Version, Fleet: r.metrics.Fleet, Target: r.target(), Commands: []report.Command{}}
	r.report.Started, r.report.Finished = r.times()
	l := hostList{at: make(map[string]int, len(r.hosts)), hosts: make([]report.Host, 0, len(r.hosts))}
	nothing := &command{}
	for _, h := range r.unsent {
		l.add(r.host(h, answer{}, nothing))
	}
	for _, c := range r.commands {
		if c.refused != nil {
			r.judgeRefused(&l, c)
			continue
		}
		r.report.Commands = append(r.report.Commands, report.Command{ID: c.ID, Region: r.Name})
		r.judgeCommand(&l, c)
	}
	r.report.Hosts = l.hosts
	r.nameAccount()
	r.report.Count()
	r.release()
}

// release lets go of the answers, which the report has: those of a large fleet take as much
// room again. What remains is which of several commands a host was sent.
func (r *run) release() {
	sent := r.sent()
	if len(sent) > 1 {
		r.sentTo = map[string]*command{}
	}
	for _, c := range sent {
		for id := range c.answers {
			if r.sentTo != nil {
				r.sentTo[id] = c
			}
		}
		c.listed, c.answers = len(c.answers), nil
	}
}

// judgeCommand judges the hosts of a command that was sent.
func (r *run) judgeCommand(l *hostList, c *command) {
	targeted := make(map[string]bool, len(c.hosts))
	for _, h := range c.hosts {
		targeted[h.ID] = true
		a, sent := c.answers[h.ID]
		if !sent && h.Launched.After(c.Requested) {
			continue // it was not there yet
		}
		l.add(r.host(h, a, c))
	}
	for id, a := range c.answers {
		if !targeted[id] {
			l.add(r.host(fleet.Host{ID: id, Name: a.Name, Ping: "Online"}, a, c))
		}
	}
}

// judgeRefused judges the hosts of a command that was not sent.
func (r *run) judgeRefused(l *hostList, c *command) {
	why := answer{Invocation: runcommand.Invocation{Status: runcommand.Refusal(c.refused)}}
	for _, h := range c.hosts {
		if h.Unreachable() == "" {
			l.add(r.host(h, why, c))
		} else {
			l.add(r.host(h, answer{}, c))
		}
	}
}

// hostList has every host once. One that is in two commands, since those overlap,
// is taken as it answered.
type hostList struct {
	hosts []report.Host
	at    map[string]int
}

func (l *hostList) add(h report.Host) {
	i, twice := l.at[h.Instance]
	switch {
	case !twice:
		l.at[h.Instance] = len(l.hosts)
		l.hosts = append(l.hosts, h)
	case l.hosts[i].Status == report.Missing:
		l.hosts[i] = h
	}
}

// target are the hosts that the run was for, as text.
func (r *run) target() string {
	if text := r.selector.String(); text != "" {
		return text
	}
	var commands []runcommand.Command
	for _, c := range r.sent() {
		commands = append(commands, c.Command)
	}
	return targetText(commands)
}

// times are those of the first request and of the last host's end. If nothing was
// sent both are the time of the run.
func (r *run) times() (started, finished time.Time) {
	for _, c := range r.sent() {
		var ended time.Time
		for _, a := range c.answers {
			if a.Finished.After(ended) {
				ended = a.Finished.UTC()
			}
		}
		requested := c.Requested.UTC()
		if ended.Before(requested) {
			ended = r.now().UTC()
		}
		if started.IsZero() || requested.Before(started) {
			started = requested
		}
		if ended.After(finished) {
			finished = ended
		}
	}
	if started.IsZero() {
		finished = r.now().UTC()
		if started = finished; !r.requested.IsZero() {
			started = r.requested.UTC()
		}
	}
	return started, finished
}

// nameAccount names the account of hosts that do not say whose they are, as hybrid
// nodes, by that of the others.
func (r *run) nameAccount() {
	account := r.Account
	for _, h := range r.report.Hosts {
		if account == "" {
			account = h.Account
		}
	}
	for i := range r.report.Commands {
		r.report.Commands[i].Account = account
	}
	for i := range r.report.Hosts {
		r.report.Hosts[i].Account = cmp.Or(r.report.Hosts[i].Account, account)
	}
}

// host judges one host by its answer; a Status of "" means that the command was not
// sent to it.
func (r *run) host(h fleet.Host, a answer, c *command) report.Host {
	out := report.Host{Instance: h.ID, Name: h.Name, Region: r.Name, Account: h.Account}
	if a.Status == runcommand.Answered {
		fill(&out, a)
	} else {
		out.Status, out.Reason = report.Missing, gap(h, a.Status, c)
	}
	if out.Reason != "" {
		out.Next = out.Reason.Next(h.ID, c.ID)
	}
	return out
}

// gap is the reason why a host gave no answer. Of a list that is not whole a host
// may be missing that answered: it counts as unfinished if SSM knows its agent.
func gap(h fleet.Host, status runcommand.Status, c *command) report.Reason {
	unreachable := report.Reason(h.Unreachable())
	switch {
	case status == "" && c.ID != "" && !c.allListed() && h.Ping != "":
		return report.Unfinished
	case status == "" && unreachable != "":
		return unreachable
	case status == "" && c.Done() && c.Detail == "rateexceeded":
		return report.RateExceeded
	case status == "" && c.Done():
		return report.NotTargeted
	case status == "":
		return report.Unfinished
	case status == runcommand.Unfinished && unreachable != "":
		return unreachable
	}
	return report.Reason(status)
}

// allListed says that the answers of all hosts that were sent the command are known,
// if only as not given yet.
func (c *command) allListed() bool {
	return c.lost == nil && c.AllListed(max(len(c.answers), c.listed))
}

// allKnown says that the report has what became of every host.
func (r *run) allKnown() bool {
	return !slices.ContainsFunc(r.sent(), func(c *command) bool { return !c.allListed() }) &&
		!slices.ContainsFunc(r.report.Hosts, func(h report.Host) bool { return h.Reason == report.Unfinished })
}

// fill takes over the result line of a host that answered.
func fill(out *report.Host, a answer) {
	line, err := a.line, a.bad
	if err == nil {
		// The exit status is a second witness: 1 exactly when the check failed.
		if failed := a.Code != 0; failed != (line.Status == result.Failed) {
			err = fmt.Errorf("it says %s, but the script ended with exit status %d", line.Status, a.Code)
		}
		if reason := report.Reason(line.Reason); reason != "" && !reason.OfHost() {
			err = fmt.Errorf("it gives the reason %s, which only the orchestrator gives", reason)
		}
	}
	if err != nil {
		out.Status, out.Reason, out.Message = report.Failed, report.BadOutput, explain(a, err)
		if reason, message := forbidden(a.Invocation); reason != "" {
			out.Reason, out.Message = reason, message
		}
		return
	}
	out.AIDE, out.AIDESHA256, out.Node, out.NodeSHA256 = line.AIDE, line.AIDESHA256, line.Node, line.NodeSHA256
	out.Began, out.Seconds, out.Report = line.Started, line.Seconds, line.Report
	out.Baseline, out.NextBaseline, out.Config = line.Baseline, line.Next, line.Config
	if line.Message != "" {
		out.Message, out.MessageFrom = line.Message, report.FromHost
	}
	if line.Status == result.Failed {
		out.Status, out.Reason = report.Failed, report.Reason(line.Reason)
		return
	}
	out.Status, out.Counts = report.Status(line.Status), line.Counts
	out.Unread, out.UnreadPath, out.New, out.Since = line.Unread, line.UnreadPath, line.New, line.Since
	out.Explained = line.Explained
	out.Fingerprint, out.Groups, out.Paths, out.More = line.Fingerprint, line.Groups, line.Paths, line.More
}

// explain says what came instead of a result line, with its first characters.
func explain(a answer, err error) string {
	if strings.TrimSpace(a.Output) == "" {
		return fmt.Sprintf("exit status %d and no output", a.Code)
	}
	text := fmt.Sprintf("exit status %d, the host printed: %s", a.Code, report.Excerpt(a.Output, excerptChars))
	if !errors.Is(err, result.ErrNoLine) {
		text = err.Error() + "; " + text
	}
	return text
}
