package result

import (
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
	l.Seconds = math.Round(l.Seconds*10) / 10
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
	b := l.bytes()
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("encode result line: %d bytes, at most %d are allowed", len(b), MaxBytes)
	}
	return b, nil
}

// fit returns the paths that leave the line within MaxBytes. A path that does
// not fit is passed over, since a shorter one behind it may.
func (l Line) fit(paths []string) []string {
	l.More = math.MaxInt32
	room := MaxBytes - len(l.bytes()) - len(`,"paths":[]`)
	var kept []string
	for _, p := range paths {
		quoted := len(Quote(p)) + len(",")
		if quoted > room {
			continue
		}
		room -= quoted
		kept = append(kept, p)
	}
	return kept
}

// Members writes the line's members to an object.
func (l Line) Members(o *Object) {
	o.Number("v", l.V).Text("status", string(l.Status))
	for _, m := range []struct{ name, value string }{{"reason", string(l.Reason)}, {"message", l.Message}} {
		if m.value != "" {
			o.Text(m.name, m.value)
		}
	}
	if l.Counts != nil {
		o.Number("added", l.Added).Number("removed", l.Removed).Number("changed", l.Changed)
		if l.Total != 0 {
			o.Number("total", l.Total)
		}
	}
	for _, m := range []struct{ name, value string }{{"fingerprint", l.Fingerprint}, {"aide", l.AIDE}, {"node", l.Node}, {"started", stamp(l.Started)}} {
		if m.value != "" {
			o.Text(m.name, m.value)
		}
	}
	if l.Seconds != 0 {
		o.Decimal("seconds", l.Seconds)
	}
	if l.Report != "" {
		o.Text("report", l.Report)
	}
	if l.Baseline != nil {
		b := &Object{lines: o.lines}
		b.Text("sha256", l.Baseline.SHA256)
		if created := stamp(l.Baseline.Created); created != "" {
			b.Text("created", created)
		}
		o.Object("baseline", b)
	}
	if l.Config != "" {
		o.Text("config", l.Config)
	}
	if len(l.Paths) > 0 {
		o.Texts("paths", l.Paths)
	}
	if l.More != 0 {
		o.Number("more", l.More)
	}
}

// stamp is a time as JSON has it, to the second; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func (l Line) bytes() []byte {
	var o Object
	l.Members(&o)
	return o.Bytes()
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
