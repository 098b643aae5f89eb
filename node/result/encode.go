package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds Message in bytes, so that the fixed fields of a line always fit.
const maxMessage = 300

// Encode returns the line without a newline. It shortens what may be shortened:
// Message to its first bytes, and Paths to what fits into MaxBytes, counting the
// rest in More. It fails only if the line breaks the contract it is to carry.
func (l Line) Encode() ([]byte, error) {
	l.V = Version
	l.Message = clip(printable(l.Message), maxMessage)
	l.Started = l.Started.UTC().Truncate(time.Second)
	l.Seconds = math.Round(l.Seconds*10) / 10
	if l.Baseline != nil {
		b := *l.Baseline
		b.Created = b.Created.UTC().Truncate(time.Second)
		l.Baseline = &b
	}
	paths := make([]string, len(l.Paths))
	for i, p := range l.Paths {
		paths[i] = EscapeInvalid(p)
	}
	l.Paths, l.More = nil, 0
	if l.Counts != nil {
		l.More = l.Sum()
	}
	if err := l.validate(); err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	l.Paths = l.fit(paths)
	if l.Counts != nil {
		l.More = l.Sum() - len(l.Paths)
	}
	b, err := marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode result line: %w", err)
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("encode result line: %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	return b, nil
}

// fit returns the paths that leave the line within MaxBytes. A path that does
// not fit is passed over, since a shorter one behind it may.
func (l Line) fit(paths []string) []string {
	l.More = math.MaxInt32
	b, err := marshal(l)
	if err != nil {
		return nil
	}
	room := MaxBytes - len(b) - len(`,"paths":[]`)
	var kept []string
	for _, p := range paths {
		quoted, err := marshal(p)
		if err != nil || len(quoted)+1 > room {
			continue
		}
		room -= len(quoted) + 1
		kept = append(kept, p)
	}
	return kept
}

// marshal is json.Marshal without HTML escapes, and with every control
// character escaped: JSON itself allows DEL and the C1 controls in a string.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if !bytes.ContainsFunc(line, unicode.IsControl) {
		return line, nil
	}
	var out bytes.Buffer
	for _, r := range string(line) {
		if unicode.IsControl(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.Bytes(), nil
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

// printable makes one line of text: control characters become spaces.
func printable(s string) string {
	return strings.Join(strings.FieldsFunc(EscapeInvalid(s), func(r rune) bool {
		return unicode.IsControl(r) || r == ' '
	}), " ")
}

// clip returns at most n bytes of s, cut between characters and marked as cut.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = "…"
	s = s[:n-len(mark)]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if r, size := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && size == 1 {
		s = s[:len(s)-1]
	}
	return s + mark
}
