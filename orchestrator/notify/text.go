package notify

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of a message.
const (
	// maxText is of a mail, in bytes. SNS takes 256 KB for all forms of a message.
	maxText = 20_000
	// lastLines is the room for what stands below the lists, in bytes.
	lastLines = 600
	// maxSubject is of its subject, in characters (Amazon SNS API reference, Publish).
	maxSubject = 99
	// fewEach is how many suspects, groups and failures a message has.
	fewEach = 20
	// fewPaths is how many paths of each of them.
	fewPaths = 5
)

// sum counts what is new.
func (d Digest) sum() string {
	var parts []string
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{len(d.Suspects), "suspect host", "suspect hosts"}, {len(d.Groups), "new group of changes", "new groups of changes"},
		{d.failed("failed"), "failed host", "failed hosts"}, {d.failed("missing"), "missing host", "missing hosts"},
	} {
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+part.one)
		case part.n > 1:
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.many))
		}
	}
	return strings.Join(parts, ", ")
}

func (d Digest) failed(status string) (n int) {
	for _, f := range d.Failures {
		if f.Status == status {
			n += f.Count
		}
	}
	return n
}

// message is the digest for people. The most important comes first.
func (d Digest) message() Message {
	return Message{Subject: subject(d.Fleet + ": " + d.sum()), Text: d.text()}
}

// subject is a text as SNS takes it for a subject.
func subject(text string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "aidefleet "+text)
	return ascii[:min(len(ascii), maxSubject)]
}

func (d Digest) text() string {
	t := &text{}
	t.line("%s in fleet %s", d.sum(), d.Fleet)
	t.line("Account %s, region %s, sweep of %s.", d.Account, d.Region, d.Started.UTC().Format(time.RFC3339))
	if d.Early {
		t.line("The sweep goes on: this is of the hosts that have answered.")
	}
	if d.First {
		t.line("Nobody was told of anything before: this is all that is open.")
	}
	t.suspects(d.Suspects)
	t.groups(d.Groups)
	t.failures(d.Failures)
	if t.full {
		t.WriteString("… and more, for which there is no room.\n")
	}
	if d.Explained > 0 {
		fmt.Fprintf(t, "\n%d more changes are new, and packages explain them.\n", d.Explained)
	}
	if line := "\nAll of it: " + d.History + "\n"; len(line) < lastLines/2 {
		t.WriteString(line)
	}
	return t.String()
}

// text is a message that stops before it is too long.
type text struct {
	strings.Builder
	full bool
}

func (t *text) line(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	switch {
	case t.full:
	case t.Len()+len(line)+1 > maxText-lastLines:
		t.full = true
	default:
		t.WriteString(line + "\n")
	}
}

func (t *text) more(n int, of string) {
	if n > 0 {
		t.line("And %d more %s.", n, of)
	}
}

func (t *text) paths(paths []string) {
	for _, path := range paths[:min(len(paths), fewPaths)] {
		t.line("    %s", path)
	}
}

func (t *text) suspects(list []Suspect) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("SUSPECT")
	for _, s := range list[:min(len(list), fewEach)] {
		t.line("%s", strings.TrimSpace(s.Name+" "+s.Instance))
		for _, f := range s.Findings {
			t.line("  %s: %s", f.Finding, f.Message)
		}
		t.paths(s.Paths)
		t.line("  see what changed: orchestrator show %s --unexplained", s.Instance)
		t.line("  if it is well: orchestrator trust --instance %s --why TEXT", s.Instance)
	}
	t.more(len(list)-fewEach, "suspect hosts")
}

func (t *text) groups(list []Group) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("NEW CHANGES THAT NO PACKAGE EXPLAINS")
	for _, g := range list[:min(len(list), fewEach)] {
		t.line("%s, %d on %s", g.Group, g.Changes, g.Hosts)
		t.paths(g.Paths)
		if g.Next != "" {
			t.line("  %s", g.Next)
		}
	}
	t.more(len(list)-fewEach, "groups")
}

func (t *text) failures(list []Failure) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("FAILED AND MISSING")
	for _, f := range list[:min(len(list), fewEach)] {
		t.line("%s, %s: %s", f.Reason, f.Status, f.Hosts)
		if f.Next != "" {
			t.line("  what to do: %s", f.Next)
		}
	}
	t.more(len(list)-fewEach, "reasons")
}

// String is a list of hosts for people: their number, and the first names.
func (h Hosts) String() string {
	names := strings.Join(h.Names, ", ")
	more := h.Count - len(h.Names)
	switch {
	case h.Count == 1:
		return "1 host: " + names
	case more > 0:
		return fmt.Sprintf("%d hosts: %s and %d more", h.Count, names, more)
	}
	return fmt.Sprintf("%d hosts: %s", h.Count, names)
}
