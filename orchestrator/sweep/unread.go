package sweep

import (
	"fmt"
	"slices"
	"strings"

	"aidefleet/orchestrator/metrics"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	documents "aidefleet/ssm-documents"
)

// UnreadError says that not all that the hosts of an account and region said could
// be read. Nothing was published of them.
type UnreadError struct {
	Commands []string // the ids of those that the hosts were sent
	Collect  string   // the command line that reads them again; empty if none can
	Err      error
}

func (e *UnreadError) Error() string {
	text := "not all answers could be read, and nothing was published of them"
	if e.Collect != "" {
		text += "; " + e.Collect + " picks them up"
	}
	return text + ": " + e.Err.Error()
}

func (e *UnreadError) Unwrap() error { return e.Err }

// allKnown says that the report has what became of every host.
func (p *part) allKnown(r report.Report) bool {
	return !slices.ContainsFunc(p.sent(), func(b *batch) bool { return !b.allListed() }) &&
		!slices.ContainsFunc(r.Hosts, func(h report.Host) bool { return h.Reason == string(runcommand.Unfinished) })
}

// unread is an UnreadError if a command of the part was lost.
func (p *part) unread() error {
	sent := p.sent()
	at := slices.IndexFunc(sent, func(b *batch) bool { return b.lost != nil })
	if at < 0 {
		return nil
	}
	e := &UnreadError{Err: sent[at].lost}
	for _, b := range sent {
		e.Commands = append(e.Commands, b.command.ID)
	}
	if p.Document == documents.Check {
		e.Collect = p.collectLine(e.Commands)
	}
	return e
}

// unpublished says how to publish what was not.
func (p *part) unpublished(err error) error {
	sent := p.sent()
	if len(sent) == 0 {
		return err
	}
	ids := make([]string, 0, len(sent))
	for _, b := range sent {
		ids = append(ids, b.command.ID)
	}
	return fmt.Errorf("not everything was published; %s picks it up: %w", p.collectLine(ids), err)
}

// collectLine is the command line that collects the commands of the part.
func (p *part) collectLine(ids []string) string {
	var b strings.Builder
	b.WriteString("orchestrator collect")
	if p.Name != "" {
		fmt.Fprintf(&b, " --region %s", p.Name)
	}
	if p.Role != "" {
		fmt.Fprintf(&b, " --role-arn %s", p.Role)
	}
	switch p.Namespace {
	case "":
		b.WriteString(" --no-publish")
	case metrics.DefaultNamespace:
	default:
		fmt.Fprintf(&b, " --namespace %s", p.Namespace)
	}
	for _, id := range ids {
		fmt.Fprintf(&b, " --command-id %s", id)
	}
	return b.String()
}
