package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCount bounds each count. No file system that AIDE can read has more entries, and sums
// over a fleet do not overflow.
const maxCount = 1 << 40

// ErrNoLine is returned by Parse when stdout holds no result line at all.
var ErrNoLine = errors.New("no result line")

// What the fields of a line look like.
var (
	reasonPattern      = regexp.MustCompile(`^[a-z][a-z_]{0,31}$`)
	fingerprintPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)
	shortDigestPattern = fingerprintPattern
	groupPattern       = regexp.MustCompile(`^[0-9a-f]{16}$`)
	digestPattern      = regexp.MustCompile(`^[0-9a-f]{64}$`)
	tokenPattern       = regexp.MustCompile(`^[A-Za-z0-9.+~:_-]{0,40}$`) // of versions and ids
)

// Parse reads the result line from what a host printed to stdout. What follows the first
// line is for people, and is ignored. The host is not trusted: a line that is too long,
// breaks an invariant or has a field out of bounds is an error.
func Parse(stdout []byte) (Line, error) {
	first, _, _ := bytes.Cut(stdout, []byte("\n"))
	first = bytes.TrimSuffix(first, []byte("\r"))
	switch {
	case len(bytes.TrimSpace(first)) == 0:
		return Line{}, ErrNoLine
	case first[0] != '{':
		return Line{}, fmt.Errorf("%w: it does not begin with {", ErrNoLine)
	case len(first) > MaxBytes:
		return Line{}, fmt.Errorf("result line has %d bytes, at most %d are allowed", len(first), MaxBytes)
	case !utf8.Valid(first):
		return Line{}, errors.New("result line is not valid UTF-8")
	}
	var l Line
	if err := json.Unmarshal(first, &l); err != nil {
		return Line{}, fmt.Errorf("result line is not the JSON of one: %w", err)
	}
	keys, err := keyset(first)
	if err != nil {
		return Line{}, fmt.Errorf("result line: %w", err)
	}
	// Counts that are not all there would read as zeros.
	said := func(key string) bool { return slices.Contains(keys, key) }
	if l.Counts != nil && (!said("added") || !said("removed") || !said("changed")) {
		return Line{}, errors.New("result line: added, removed and changed are not all there")
	}
	if err := l.validate(); err != nil {
		return Line{}, fmt.Errorf("result line: %w", err)
	}
	return l, nil
}

// validate checks the invariants that hold for every line, written or read.
func (l Line) validate() error {
	if l.V != Version {
		return fmt.Errorf("version %d, this program reads version %d", l.V, Version)
	}
	switch l.Status {
	case Clean, Drift:
		if err := l.validateCounts(); err != nil {
			return err
		}
		if l.Reason != "" {
			return fmt.Errorf("status %s with reason %q", l.Status, l.Reason)
		}
	case Failed:
		if l.Counts != nil {
			return errors.New("status failed with counts")
		}
		if !reasonPattern.MatchString(string(l.Reason)) {
			return fmt.Errorf("reason %q is not a word of lower-case letters and _", l.Reason)
		}
	default:
		return fmt.Errorf("status %q is none of clean, drift, failed", l.Status)
	}
	switch {
	case l.Fingerprint != "" && l.Status != Drift:
		return fmt.Errorf("status %s with a fingerprint", l.Status)
	case l.Fingerprint != "" && !fingerprintPattern.MatchString(l.Fingerprint):
		return fmt.Errorf("fingerprint %q is not 32 hex digits", l.Fingerprint)
	case l.Config != "" && !digestPattern.MatchString(l.Config):
		return fmt.Errorf("config %q is not a SHA-256", l.Config)
	case l.Baseline != nil && !digestPattern.MatchString(l.Baseline.SHA256):
		return fmt.Errorf("baseline %q is not a SHA-256", l.Baseline.SHA256)
	case l.Baseline != nil && l.Baseline.Was != "" && !digestPattern.MatchString(l.Baseline.Was):
		return fmt.Errorf("the baseline before, %q, is not a SHA-256", l.Baseline.Was)
	case l.Next != "" && !digestPattern.MatchString(l.Next):
		return fmt.Errorf("next %q is not a SHA-256", l.Next)
	case l.AIDESHA256 != "" && !shortDigestPattern.MatchString(l.AIDESHA256):
		return fmt.Errorf("aide_sha256 %q is not 32 hex digits", l.AIDESHA256)
	case l.NodeSHA256 != "" && !shortDigestPattern.MatchString(l.NodeSHA256):
		return fmt.Errorf("node_sha256 %q is not 32 hex digits", l.NodeSHA256)
	case l.New < 0 || l.New > 0 && (l.Counts == nil || l.New > l.Sum()):
		return fmt.Errorf("%d new changes, more than all changes", l.New)
	case l.Explained < 0 || l.Explained > 0 && (l.Status != Drift || l.Explained > l.Sum()):
		return fmt.Errorf("%d changes explained, more than all changes", l.Explained)
	case l.Since != "" && l.Counts == nil:
		return errors.New("status failed with a report to compare with")
	case l.Unread < 0 || l.Unread > maxCount:
		return fmt.Errorf("%d entries unread", l.Unread)
	case l.Unread > 0 && l.Counts == nil:
		return errors.New("status failed with unread entries")
	case l.UnreadPath != "" && l.Unread == 0:
		return errors.New("an unread path without unread entries")
	case len(l.UnreadPath) > maxUnreadPath:
		return fmt.Errorf("unread_path has %d bytes, at most %d are allowed", len(l.UnreadPath), maxUnreadPath)
	case len(l.Message) > maxMessage:
		return fmt.Errorf("message has %d bytes, at most %d are allowed", len(l.Message), maxMessage)
	case strings.ContainsFunc(l.Message, unicode.IsControl):
		return fmt.Errorf("message %.80q has control characters", l.Message)
	case l.Seconds < 0:
		return fmt.Errorf("seconds %g is negative", l.Seconds)
	}
	for name, s := range map[string]string{"aide": l.AIDE, "node": l.Node, "report": l.Report, "since": l.Since} {
		if !tokenPattern.MatchString(s) {
			return fmt.Errorf("%s %q is not a version or an id", name, s)
		}
	}
	if err := l.validateGroups(); err != nil {
		return err
	}
	return l.validatePaths()
}

// validateGroups wants groups that are no more than the changes, and none of them twice.
func (l Line) validateGroups() error {
	if len(l.Groups) > 0 && l.Status != Drift {
		return fmt.Errorf("status %s with groups", l.Status)
	}
	sum := 0
	for i, g := range l.Groups {
		if err := g.validate(); err != nil {
			return err
		}
		if slices.ContainsFunc(l.Groups[:i], func(other Group) bool { return other.At == g.At }) {
			return fmt.Errorf("group %.80q is there twice", g.At)
		}
		sum += g.N
	}
	if len(l.Groups) > 0 && sum > l.Sum() {
		return fmt.Errorf("%d changes in groups, more than all changes", sum)
	}
	return nil
}

// maxGroupName bounds the name of a group, in bytes.
const maxGroupName = 300

func (g Group) validate() error {
	switch {
	case !strings.HasPrefix(g.At, "/") && g.At != PackagesGroup, len(g.At) > maxGroupName:
		return fmt.Errorf("group %.80q is neither %s nor a path of at most %d bytes", g.At, PackagesGroup, maxGroupName)
	case g.Versions != "" && (g.At != PackagesGroup || !groupPattern.MatchString(g.Versions)):
		return fmt.Errorf("versions %.80q of group %.80q are not %d hex digits of %s", g.Versions, g.At, GroupDigits, PackagesGroup)
	case !groupPattern.MatchString(g.Fingerprint):
		return fmt.Errorf("group %.80q has the fingerprint %.40q, which is not %d hex digits", g.At, g.Fingerprint, GroupDigits)
	case g.N < 1 || g.N > maxCount:
		return fmt.Errorf("group %.80q has %d changes", g.At, g.N)
	}
	return nil
}

func (l Line) validateCounts() error {
	if l.Counts == nil {
		return fmt.Errorf("status %s without counts", l.Status)
	}
	for _, n := range []int{l.Added, l.Removed, l.Changed, l.Total} {
		if n < 0 || n > maxCount {
			return fmt.Errorf("a count of %d", n)
		}
	}
	if (l.Sum() == 0) != (l.Status == Clean) {
		return fmt.Errorf("status %s with %d changes", l.Status, l.Sum())
	}
	return nil
}

func (l Line) validatePaths() error {
	if len(l.Paths) == 0 && l.More == 0 {
		return nil
	}
	if l.Counts == nil {
		return errors.New("paths without counts")
	}
	if l.More < 0 || len(l.Paths)+l.More != l.Sum() {
		return fmt.Errorf("%d paths and %d more, but %d changes", len(l.Paths), l.More, l.Sum())
	}
	for _, p := range l.Paths {
		if len(p) < 2 || (p[0] != '+' && p[0] != '-' && p[0] != '~') {
			return fmt.Errorf("path %q has no +, - or ~ before it", p)
		}
	}
	return nil
}
