package result

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Texts from people and names of files are bounded as they are encoded, so that the fixed
// fields of a line always fit.
const (
	maxText       = 280 // bytes of UnreadPath and Message together
	maxMessage    = 300 // bytes of Message that earlier nodes wrote
	maxUnreadPath = 120 // bytes of UnreadPath
)

// Encode returns the line without a newline. It cuts Message and UnreadPath. It keeps
// the first of the Paths, then the Groups, then the other Paths that fit into MaxBytes, and
// counts the paths that do not fit in More. It fails only if the line breaks the contract.
func (l Line) Encode() ([]byte, error) {
	l.V = Version
	l.UnreadPath = clip(EscapeInvalid(l.UnreadPath), maxUnreadPath)
	l.Message = clip(printable(l.Message), maxText-quoted(l.UnreadPath))
	l.Seconds = math.Round(l.Seconds*10) / 10
	paths := make([]string, len(l.Paths))
	for i, p := range l.Paths {
		paths[i] = EscapeInvalid(p)
	}
	groups := make([]Group, len(l.Groups))
	for i, g := range l.Groups {
		g.At = EscapeInvalid(g.At)
		groups[i] = g
	}
	l.Groups, l.Paths, l.More = nil, nil, 0
	if l.Counts != nil {
		l.More = l.Sum()
	}
	if err := l.validate(); err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	l = l.ToSecond()
	var err error
	if l.Groups, err = l.fitGroups(groups, paths); err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	if l.Paths, err = l.fit(paths); err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	if l.Counts != nil {
		l.More = l.Sum() - len(l.Paths)
	}
	b, err := Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("encode result line: %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	return b, nil
}

// room is how many bytes the line leaves for what is in a list, whatever More will be. list
// is the empty list as JSON.
func (l Line) room(list string) (int, error) {
	l.More = math.MaxInt32
	b, err := Marshal(l)
	return MaxBytes - len(b) - len(list), err
}

// fitGroups returns the groups that leave the line within MaxBytes and are valid. The path
// that matters most goes before them.
func (l Line) fitGroups(groups []Group, paths []string) ([]Group, error) {
	var err error
	if l.Paths, err = l.fit(paths[:min(1, len(paths))]); err != nil {
		return nil, err
	}
	room, err := l.room(`,"groups":[]`)
	if err != nil {
		return nil, err
	}
	var kept []Group
	for _, g := range groups {
		text, err := Marshal(g)
		if err != nil {
			return nil, err
		}
		// Names of other bytes can be written alike.
		there := slices.ContainsFunc(kept, func(other Group) bool { return other.At == g.At })
		if size := len(text) + len(`,`); size <= room && !there && g.validate() == nil {
			room -= size
			kept = append(kept, g)
		}
	}
	return kept, nil
}

// fit returns the paths that leave the line within MaxBytes. It passes over a path that
// does not fit, since a shorter one may follow.
func (l Line) fit(paths []string) ([]string, error) {
	room, err := l.room(`,"paths":[]`)
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, p := range paths {
		size := quoted(p) + len(`"",`)
		if size > room {
			continue
		}
		room -= size
		kept = append(kept, p)
	}
	return kept, nil
}

// ToSecond is the line with times in UTC, cut to the second.
func (l Line) ToSecond() Line {
	l.Started = l.Started.UTC().Truncate(time.Second)
	if l.Baseline != nil {
		b := *l.Baseline
		b.Created = b.Created.UTC().Truncate(time.Second)
		l.Baseline = &b
	}
	return l
}

// EscapeInvalid writes each byte of s that is not part of valid UTF-8 as a
// backslash and three octal digits.
func EscapeInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\%03o`, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// printable turns control characters into spaces, so that a text is one line.
func printable(s string) string {
	return strings.Join(strings.FieldsFunc(EscapeInvalid(s), func(r rune) bool {
		return unicode.IsControl(r) || r == ' '
	}), " ")
}

// clip returns the beginning of s that takes at most n bytes when it is encoded. It cuts
// between characters, and marks the cut.
func clip(s string, n int) string {
	if quoted(s) <= n {
		return s
	}
	const mark = "…"
	room := n - len(mark)
	for at, r := range s {
		if room -= quoted(string(r)); room < 0 {
			return s[:at] + mark
		}
	}
	return s + mark
}
