package check

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"syscall"

	"aidefleet/node/aide"
	"aidefleet/node/result"
)

// PastRun is a run of AIDE elsewhere of which the report is at hand.
type PastRun struct {
	Report io.ReadSeeker
	Exit   *int      // AIDE's exit status, or minus the signal that ended it; nil if it is not known
	Stderr io.Reader // nil if it was not saved
}

// Parse makes an answer from the report of an earlier run. Without its databases the answer
// has no fingerprint, and its names are only as good as the report's.
func Parse(s PastRun, version string) Answer {
	var a Answer
	a.V, a.Node = result.Version, version
	if err := a.parse(s); err != nil {
		var f failure
		if !errors.As(err, &f) {
			f = failure{result.ReportUnreadable, err}
		}
		a.Status, a.Counts, a.Paths, a.More = result.Failed, nil, nil, 0
		a.Unread, a.UnreadPath = 0, ""
		a.Reason, a.Message = f.reason, f.Error()
	}
	return a
}

func (a *Answer) parse(s PastRun) error {
	var o aide.Outcome
	if s.Stderr != nil {
		var err error
		if o, err = aide.ReadStderr(s.Stderr); err != nil {
			return err
		}
	}
	if s.Exit != nil {
		if o.Exit = *s.Exit; o.Exit < 0 {
			o.Exit, o.Signal = -1, syscall.Signal(-*s.Exit)
		}
		if err := failureOf(o); err != nil {
			return err
		}
	}
	is, err := o.Said.ReadReportFile(s.Report)
	if err != nil {
		return err
	}
	a.Unread, a.UnreadPath = o.Said.Unread.Entries, o.Said.Unread.First
	if is.Quiet {
		return a.parseEmpty(s.Exit)
	}
	report := &section{file: s.Report, ReportFile: is}
	if err := report.rewind(); err != nil {
		return err
	}
	if n, err := aide.CountReports(report); err != nil {
		return err
	} else if n > 1 {
		return fmt.Errorf("the file holds %d reports: save the one that is meant apart", n)
	}
	if err := report.rewind(); err != nil {
		return err
	}
	head, listed, err := readLists(report)
	a.AIDE, a.Started = head.Version, head.Started
	if err != nil && !errors.Is(err, aide.ErrInvalidJSON) {
		return fmt.Errorf("%w: %s", err, o.Complaint())
	}
	if err := head.validate(s.Exit, err); err != nil {
		return err
	}
	return a.setResult(head, listed, err)
}

// parseEmpty makes the answer from an empty report: with report_quiet a check without
// findings writes nothing.
func (a *Answer) parseEmpty(exit *int) error {
	switch {
	case exit == nil:
		return errors.New("the report is empty: only with --exit 0 does that mean that there are no changes")
	case *exit != 0:
		return fmt.Errorf("the report is empty, and AIDE ended with status %d", *exit)
	}
	a.Status, a.Counts = result.Clean, &result.Counts{}
	return nil
}

// lists are the entries that a report lists.
type lists struct {
	sample
	count map[aide.Kind]int
}

// head is the head of a report, which validate checks.
type head struct{ aide.Head }

func readLists(report *section) (h head, l lists, err error) {
	l.count = make(map[aide.Kind]int)
	spelled := false
	add := func(c aide.Change) error {
		l.count[c.Kind]++
		name := c.Name
		if spelled {
			name = aide.Unspell(name)
		}
		l.add(c.Kind, name, false)
		return nil
	}
	if report.JSON {
		h.Head, err = aide.ReadJSON(report, add)
		return h, l, err
	}
	if h.Head, err = aide.ReadHead(report); err != nil {
		return h, l, err
	}
	if err := report.rewind(); err != nil {
		return h, l, err
	}
	// A whole report has one spelling: it is decoded if all of its names can be.
	spelled = true
	if err := aide.ReadPlain(report, func(c aide.Change) error {
		spelled = spelled && aide.Unspellable(c.Name)
		return nil
	}); err != nil {
		return h, l, err
	}
	if err := report.rewind(); err != nil {
		return h, l, err
	}
	return h, l, aide.ReadPlain(report, add)
}

// section is the report in a file, whose lines may end with CR LF.
type section struct {
	file io.ReadSeeker
	aide.ReportFile
	in *bufio.Reader
}

func (s *section) rewind() error {
	var from int64
	if s.JSON {
		from = s.Start
	}
	_, err := s.file.Seek(from, io.SeekStart)
	s.in = bufio.NewReader(s.file)
	return err
}

func (s *section) Read(p []byte) (n int, err error) {
	if !s.CRLF || s.JSON {
		return s.in.Read(p)
	}
	for n < len(p) {
		c, err := s.in.ReadByte()
		if err != nil && n > 0 {
			return n, nil // the next read returns the error again
		} else if err != nil {
			return 0, err
		}
		if next, _ := s.in.Peek(1); c == '\r' && string(next) == "\n" {
			continue
		}
		p[n] = c
		n++
	}
	return n, nil
}

// validate fails if what a report says cannot be true.
func (h head) validate(exit *int, reading error) error {
	switch {
	case reading != nil && !h.Counted:
		return reading
	case !h.Headline:
		return errors.New("the report does not say whether there are differences: it is not that of a check")
	case h.Differences && !h.Counted:
		return errors.New("the report says that there are differences, and no counts (report_level=minimal)")
	case h.Counted && h.Differences != (h.Status() != 0):
		return errors.New("the report's headline and its counts disagree")
	case h.Counted && h.Total == 0 && h.Removed == 0:
		return failure{result.ConfigInvalid, errors.New("AIDE looked at no file")}
	case h.Added > h.Total:
		return fmt.Errorf("the report counts %d added entries of %d", h.Added, h.Total)
	case h.Added > 0 && h.Added == h.Total && h.Removed == 0:
		// Every file is new, and none is gone: nothing was in the baseline.
		return failure{result.BaselineInvalid, fmt.Errorf("all %d entries are added: the baseline was empty or no database", h.Total)}
	case exit != nil && *exit != h.Status():
		return fmt.Errorf("AIDE ended with status %d, its report says %d added, %d removed, %d changed", *exit, h.Added, h.Removed, h.Changed)
	}
	return nil
}

// setResult makes the answer from a valid report. Its lists may be missing, as at
// report_level=summary, or be unreadable, but may not contradict the counts.
func (a *Answer) setResult(h head, l lists, reading error) error {
	a.Counts = &result.Counts{Added: h.Added, Removed: h.Removed, Changed: h.Changed, Total: h.Total}
	a.Status = result.Clean
	if h.Differences {
		a.Status = result.Drift
	}
	listed := l.count[aide.Added] + l.count[aide.Removed] + l.count[aide.Changed]
	switch {
	case reading != nil:
		a.Notes = append(a.Notes, fmt.Sprintf("The changed files cannot be named: %v.", reading))
	case listed == 0 && h.Differences:
		a.Notes = append(a.Notes, "The report does not name the changed files.")
	case l.count[aide.Added] != h.Added || l.count[aide.Removed] != h.Removed || l.count[aide.Changed] != h.Changed:
		return fmt.Errorf("the report counts %d added, %d removed, %d changed entries and lists %d, %d, %d",
			h.Added, h.Removed, h.Changed, l.count[aide.Added], l.count[aide.Removed], l.count[aide.Changed])
	default:
		a.Paths = l.paths()
	}
	return nil
}
