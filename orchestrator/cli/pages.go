package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aidefleet/node/result"
	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/report"
	"aidefleet/orchestrator/runcommand"
	"aidefleet/orchestrator/sweep"
	documents "aidefleet/ssm-documents"
)

// maxOffset is the largest offset that the document AideFleet-Report takes.
const maxOffset = 999_999_999

// pageDelivery is how long a host may be unreachable while a person waits.
const pageDelivery = time.Minute

// hostError is a host that failed: what it said, and what to do.
type hostError struct {
	host                  fleet.Host
	reason, message, next string
}

func (e hostError) Error() string {
	text := e.host.ID + ": " + e.reason
	if e.host.Name != "" {
		text = e.host.Name + " " + text
	}
	if e.message != "" {
		text += ": " + e.message
	}
	if e.next != "" {
		text += " → " + e.next
	}
	return text
}

// viewer prints the report of one host, a page at a time. Each page is a run of
// AideFleet-Report. All pages are of the report that the first one came from.
type viewer struct {
	out    output
	region sweep.Region
	host   fleet.Host
	report string // id; empty for the newest
	pages  int    // at most; 0 is no limit
	// unexplained leaves out the changes that packages explain.
	unexplained bool

	// page runs the document; nil for sweep.Page.
	page func(context.Context, sweep.Region, string, sweep.Query) (runcommand.Output, error)
}

// cursor is the first line of a page; docs/node.md describes it.
type cursor struct {
	V      int    `json:"v"`
	Report string `json:"report"`
	Kind   string `json:"kind"` // changes, failed or text
	Total  int    `json:"total"`
	Offset int    `json:"offset"`
	Count  int    `json:"count"`
	Next   int    `json:"next"`
	Older  string `json:"older"`
	// Explained is how many changes of the report packages explain.
	Explained int    `json:"explained"`
	Problem   string `json:"problem"`
}

func (v viewer) show(ctx context.Context) error {
	if reason := report.Reason(v.host.Unreachable()); reason != "" {
		return v.fail(reason, "")
	}
	for offset, n := 0, 1; ; n++ {
		at, body, err := v.read(ctx, offset)
		if err != nil {
			return err
		}
		if n == 1 {
			v.head(at)
			v.report = at.Report
		}
		if err := v.write(at, body); err != nil {
			return err
		}
		switch {
		case at.Next == 0:
			return nil
		case n == v.pages:
			v.out.note("%d of %d are shown; --all shows the rest", at.Offset+at.Count, at.Total)
			return nil
		}
		offset = at.Next
	}
}

func (v viewer) label() string {
	return strings.TrimSpace(report.Escape(v.host.Name) + " " + v.host.ID)
}

// head says what follows.
func (v viewer) head(at cursor) {
	what := strconv.Itoa(at.Total) + " changes"
	switch {
	case at.Kind == "changes" && at.Total == 1:
		what = "1 change"
	case at.Kind == "failed":
		what = "the check failed, and AIDE said"
	case at.Kind == "text":
		what = "it cannot be taken apart, and AIDE wrote"
	}
	switch {
	case at.Explained > 0 && v.unexplained:
		what += fmt.Sprintf(" beside %d that packages explain", at.Explained)
	case at.Explained > 0:
		what += fmt.Sprintf(", of which packages explain %d", at.Explained)
	}
	if at.Problem != "" {
		what += " (" + report.Escape(at.Problem) + ")"
	}
	v.out.note("%s, report %s: %s", v.label(), at.Report, what)
	if reportIDPattern.MatchString(at.Older) {
		v.out.note("the report before: orchestrator show %s --id %s", v.host.ID, at.Older)
	}
}

// read runs the document and returns a page with its cursor. It checks both, because a host
// could keep its reader busy for ever.
func (v viewer) read(ctx context.Context, offset int) (at cursor, body string, err error) {
	format := "text"
	if v.out.format == "json" {
		format = "json"
	}
	page := v.page
	if page == nil {
		page = sweep.Page
	}
	parameters := map[string]string{"id": v.report, "offset": strconv.Itoa(offset), "limit": "99999", "format": format}
	if v.unexplained {
		parameters["unexplained"] = "true" // earlier documents do not know it
	}
	said, err := page(ctx, v.region, v.host.ID, sweep.Query{Name: newName("show"), Request: runcommand.Request{
		Document:        documents.Report,
		Parameters:      parameters,
		DeliveryTimeout: pageDelivery, MaxConcurrency: "1", MaxErrors: "0",
	}})
	if err != nil {
		return at, "", err
	}
	if said.Status != runcommand.Answered {
		return at, "", v.fail(report.Reason(said.Status), "")
	}
	first, body, _ := strings.Cut(said.Stdout, "\n")
	if line, err := result.Parse([]byte(first)); err == nil && line.Status == result.Failed && report.Reason(line.Reason).OfHost() {
		said := ""
		if line.Message != "" {
			said = report.HostSays(line.Message)
		}
		return at, "", v.fail(report.Reason(line.Reason), said)
	}
	if err := json.Unmarshal([]byte(first), &at); err != nil || said.Code != 0 {
		return at, "", v.fail(report.BadOutput, fmt.Sprintf("exit status %d, output: %s", said.Code, report.Excerpt(said.Stdout+said.Stderr, 160)))
	}
	if err := v.check(at, offset, body); err != nil {
		return at, "", v.fail(report.BadOutput, err.Error())
	}
	return at, body, nil
}

// check compares a page with its cursor and with what was asked for.
func (v viewer) check(at cursor, offset int, body string) error {
	last := at.Next == 0
	switch {
	case at.V != 1:
		return fmt.Errorf("a page of version %d", at.V)
	case !reportIDPattern.MatchString(at.Report) || v.report != "" && at.Report != v.report:
		return fmt.Errorf("a page of report %q", at.Report)
	case at.Kind != "changes" && at.Kind != "failed" && at.Kind != "text":
		return fmt.Errorf("a page of kind %q", at.Kind)
	case at.Offset != offset || at.Count < 0 || at.Explained < 0 || !last && (at.Next <= offset || at.Next > maxOffset):
		return fmt.Errorf("a page from %d on, of %d, and the next from %d on", at.Offset, at.Count, at.Next)
	case last && offset+at.Count != at.Total || !last && at.Next != offset+at.Count:
		return fmt.Errorf("a page of %d from %d on is not followed by %d of %d", at.Count, offset, at.Next, at.Total)
	case at.Kind == "changes" && entries(body) != at.Count:
		return fmt.Errorf("%d changes on a page of %d: it was cut short", entries(body), at.Count)
	}
	return nil
}

// entries counts the changes of a page, in either format.
func entries(body string) (n int) {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "~ ") || strings.HasPrefix(line, `{"kind":`) {
			n++
		}
	}
	return n
}

// write prints a page, escaped.
func (v viewer) write(at cursor, body string) error {
	var b strings.Builder
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if v.out.format != "json" {
			b.WriteString(report.Escape(line) + "\n")
			continue
		}
		text, err := report.JSONLine(line)
		if err != nil {
			return v.fail(report.BadOutput, fmt.Sprintf("report %s: %v", at.Report, err))
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	if _, err := v.out.stdout.Write([]byte(b.String())); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (v viewer) fail(reason report.Reason, message string) error {
	e := hostError{host: v.host, reason: string(reason), message: message, next: reason.Next(v.host.ID, "")}
	if reason == report.Reason(result.BadArguments) {
		e.next = "orchestrator sweep --instance " + v.host.ID + " makes a new report"
	}
	return e
}

// isHostError says that an error comes from the host that was asked.
func isHostError(err error) bool {
	var e hostError
	return errors.As(err, &e)
}
