// Package doctor says what is missing before a sweep can work: in the account, at the
// agents, and on the hosts. It calls AWS through the operations it is given, and changes
// nothing.
package doctor

import (
	"context"
	"strings"
	"sync"
)

// Status says what a finding means for a sweep.
type Status string

// The answers to one question.
const (
	OK      Status = "ok"
	Warning Status = "warning" // a sweep works, but somebody should know this
	Failed  Status = "failed"
	Untried Status = "not tried" // there is no way to try it without its effect
)

// Finding is the answer to one question.
type Finding struct {
	Name    string `json:"name"`
	Status  Status `json:"status"`
	Message string `json:"message,omitempty"`
	Next    string `json:"next,omitempty"` // what to do; not with OK

	// Unanswered says that a call failed before anybody answered it: for want of
	// credentials, or of a network. Such calls fail alike.
	Unanswered bool `json:"-"`
}

// Question is one thing that a sweep depends on. Ask may take as long as an AWS call.
type Question struct {
	Name string
	Ask  func(context.Context) []Finding
}

// Found is an answer with one finding.
func Found(s Status, message, next string) []Finding {
	return []Finding{{Status: s, Message: message, Next: next}}
}

// sideBySide bounds how many questions are asked at once. All questions of one region are:
// if AWS cannot be reached, each takes as long as its retries.
const sideBySide = 20

// Examine asks all questions, some at once, and returns the findings in the order of the
// questions. The name of a finding is that of its question, followed by its own if it has
// one.
func Examine(ctx context.Context, questions []Question) Diagnosis {
	answers := make([][]Finding, len(questions))
	slots := make(chan struct{}, sideBySide)
	var all sync.WaitGroup
	for i, q := range questions {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			answers[i] = q.Ask(ctx)
		})
	}
	all.Wait()
	var d Diagnosis
	for i, found := range answers {
		for _, f := range found {
			f.Name = strings.TrimSpace(questions[i].Name + " " + f.Name)
			d = append(d, f)
		}
	}
	return d.merged()
}

// merged drops what was said before of calls that nobody answered. The messages of such
// calls differ only in parentheses.
func (d Diagnosis) merged() Diagnosis {
	said := map[string]string{}
	for i, f := range d {
		if !f.Unanswered {
			continue
		}
		cause, _, _ := strings.Cut(f.Message, " (")
		if first, ok := said[cause]; ok {
			d[i] = Finding{Name: f.Name, Status: Untried, Message: "as " + first}
			continue
		}
		said[cause] = f.Name
	}
	return d
}
