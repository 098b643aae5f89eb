package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Summary is what a report says of all entries together.
type Summary struct {
	Differences bool // the headline
	Total       int  // entries on disk now
	Added       int
	Removed     int
	Changed     int
}

// ErrNoSummary says that a report has a headline but no counts, as at
// report_level=minimal.
var ErrNoSummary = errors.New("the report holds no counts")

// The headlines (0.16 to 0.19). AIDE 0.16 linked with gcrypt may glue a message
// of the library to the front of a report's first line.
var (
	headDiffers = []byte("AIDE found differences between database and filesystem!!")
	headClean   = []byte("AIDE found NO differences between database and filesystem. Looks okay!!")
)

// isRuler says whether a line is one of the rulers around titles.
func isRuler(line []byte) bool {
	return len(line) >= 20 && len(bytes.Trim(line, "-")) == 0
}

// countLine reads a line of a summary, "  Added entries:\t\t2", or the one count
// of a clean report, "Number of entries:\t12".
func countLine(line []byte) (what string, n int, ok bool) {
	label, digits, found := bytes.Cut(line, []byte(" entries:\t"))
	digits = bytes.TrimLeft(digits, "\t")
	if !found || len(digits) == 0 || len(digits) > 12 {
		return "", 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return "", 0, false
		}
		n = n*10 + int(c-'0')
	}
	switch what = string(label); what {
	case "Number of":
		return total, n, true
	case "  Total number of", "  Added", "  Removed", "  Changed":
		return what[2:], n, true
	}
	return "", 0, false
}

const total = "Total number of"

// ReadSummary reads the headline and the counts of a plain report, up to its first ruler:
// names of files follow. Two headlines or two summaries are an error, because one of them
// is a file's name. If there is only a headline, the error is ErrNoSummary.
func ReadSummary(r io.Reader) (Summary, error) {
	h, err := ReadHead(r)
	if err == nil && !h.Counted {
		err = ErrNoSummary
	}
	return h.Summary, err
}

// ReadHead reads a plain report like ReadSummary, and accepts a headline alone.
func ReadHead(r io.Reader) (Head, error) {
	var s summaryReader
	in := bufio.NewReaderSize(r, maxLine)
	for n := 0; ; n++ {
		line, err := readLine(in)
		if len(line) > 0 || err == nil {
			if isRuler(line) {
				break
			}
			if n == 0 {
				s.start(string(line))
			}
			// A line without its end may have lost digits.
			if _, _, count := countLine(line); count && err != nil {
				return Head{}, errors.New("the report is cut short in its summary")
			}
			if err := s.line(line); err != nil {
				return Head{}, err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Head{}, fmt.Errorf("read report: %w", err)
		}
	}
	return s.end()
}

// CountReports counts the reports in a file, of which a log that is appended to
// has several.
func CountReports(r io.Reader) (n int, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	for err == nil {
		var line []byte
		line, err = readLine(in)
		var s summaryReader
		// Of a million lines hardly one is worth a look at its time.
		if head := line[:min(len(line), 200)]; bytes.Contains(head, []byte(" (AIDE ")) {
			s.start(string(head))
		}
		if !s.Started.IsZero() || string(line) == "{" {
			n++
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

type summaryReader struct {
	Head
	headlines int
	seen      map[string]bool // the counts that were there
}

// start reads "Start timestamp: 2026-11-23 04:55:33 +0000 (AIDE 0.18.6)".
func (s *summaryReader) start(line string) {
	at, version, ok := strings.Cut(strings.TrimPrefix(line, "Start timestamp: "), " (AIDE ")
	if started, err := time.Parse(timeLayout, at); ok && err == nil {
		s.Started, s.Version = started, strings.TrimSuffix(version, ")")
	}
}

func (s *summaryReader) line(line []byte) error {
	if bytes.HasSuffix(line, headDiffers) || bytes.HasSuffix(line, headClean) {
		s.Differences = bytes.HasSuffix(line, headDiffers)
		s.headlines++
		return nil
	}
	what, n, ok := countLine(line)
	if !ok {
		return nil
	}
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	if s.seen[what] {
		return fmt.Errorf("the report says %q twice", what+" entries")
	}
	s.seen[what] = true
	switch what {
	case total:
		s.Total = n
	case "Added":
		s.Added = n
	case "Removed":
		s.Removed = n
	case "Changed":
		s.Changed = n
	}
	return nil
}

func (s *summaryReader) end() (Head, error) {
	s.Headline = s.headlines == 1
	s.Counted = s.Differences && len(s.seen) > 0 || s.seen[total]
	switch {
	case s.headlines == 0:
		return Head{}, errors.New("the report has no headline")
	case s.headlines > 1:
		return Head{}, errors.New("the report has more than one headline")
	case !s.Counted:
		return s.Head, nil
	case s.Differences && len(s.seen) != 4:
		return Head{}, errors.New("the report's summary is not complete")
	}
	return s.Head, s.contradiction()
}

// contradiction is an error if the headline and the counts disagree.
func (s Summary) contradiction() error {
	if s.Differences != (s.Added+s.Removed+s.Changed > 0) {
		return errors.New("the report's headline and its counts disagree")
	}
	return nil
}

// Status is the exit status that goes with the counts.
func (s Summary) Status() (status int) {
	for bit, n := range map[int]int{1: s.Added, 2: s.Removed, 4: s.Changed} {
		if n > 0 {
			status |= bit
		}
	}
	return status
}
