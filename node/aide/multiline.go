package aide

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// MultilineNames are the true names of files with a newline in them. Without them nobody
// can read a report in which such names stand as they are.
type MultilineNames map[string][][]byte // by their first line as the report spells it, longest first

// Add takes a name, which is ignored if it has no newline.
func (o MultilineNames) Add(name []byte, json bool) {
	if bytes.IndexByte(name, '\n') < 0 {
		return
	}
	name = spellRaw(name, json)
	first, _, _ := bytes.Cut(name, []byte("\n"))
	if others := o[string(first)]; !slices.ContainsFunc(others, func(k []byte) bool { return bytes.Equal(k, name) }) {
		o[string(first)] = append(others, name)
		slices.SortFunc(o[string(first)], func(a, b []byte) int { return len(b) - len(a) })
	}
}

// spellRaw spells a name as upstream AIDE does that escapes nothing: up to
// 0.18.6, with backslashes doubled in JSON. The result is the caller's.
func spellRaw(name []byte, json bool) []byte {
	if json {
		return bytes.ReplaceAll(name, []byte(`\`), []byte(`\\`))
	}
	return bytes.Clone(name)
}

// ReadMultiline reads the lists of a report line by line, and knows the names with newlines
// in them. It reads plain reports in which a name imitates an entry, and the reports of
// upstream AIDE 0.18 that quotes and control characters in names make invalid JSON.
func ReadMultiline(r io.Reader, json bool, odd MultilineNames, visit func(Change) error) error {
	k := multilineReader{lines: lineReader{in: bufio.NewReaderSize(r, maxLine)}, odd: odd, visit: visit}
	step := k.plain
	if json {
		step = k.json
	}
	for !k.over {
		line, err := k.lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = step(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type multilineReader struct {
	lines lineReader
	odd   MultilineNames
	visit func(Change) error
	kind  Kind   // of the JSON list at hand; 0 outside of one
	title string // of the plain list at hand
	over  bool
}

// jsonLists are the lines a list begins with, at the report's first level.
var jsonLists = map[string]Kind{`  "added": {`: Added, `  "removed": {`: Removed, `  "changed": {`: Changed}

func (k *multilineReader) json(line []byte) error {
	const before, behind = `    "`, `": "`
	body, isMember := bytes.CutPrefix(line, []byte(before))
	switch {
	case k.kind == 0:
		k.kind = jsonLists[string(line)]
		k.over = bytes.Equal(line, []byte(`  "details": {`))
		return nil
	case !isMember:
		k.kind = 0 // the end of the list
		return nil
	}
	name := k.whole(body, []byte(behind))
	if name == nil {
		if at := bytes.LastIndex(body, []byte(behind)); at >= 0 {
			name = body[:at]
		}
	}
	return k.visit(Change{Kind: k.kind, Name: bytes.ReplaceAll(name, []byte(`\\`), []byte(`\`))})
}

func (k *multilineReader) plain(line []byte) error {
	if isRuler(line) {
		if ruler, err := k.lines.peek(1); err == nil && isRuler(ruler) {
			title, _ := k.lines.peek(0) // it stands before the ruler
			k.title, k.over = string(title), k.title != "" && !listTitles[string(title)]
			k.lines.drop(2)
		}
		return nil
	}
	kind, name, ok := parseEntry(line)
	if !listTitles[k.title] || !ok {
		return nil
	}
	if whole := k.whole(name, nil); whole != nil {
		name = whole
	}
	return k.visit(Change{Kind: kind, Name: name})
}

// whole is the longest of the known names that begins with the line first, goes on in the
// next lines, and ends at a line's end, or before behind if that is given.
func (k *multilineReader) whole(first, behind []byte) []byte {
	for _, name := range k.odd[string(first)] {
		lines := bytes.Count(name, []byte("\n"))
		text := bytes.Clone(first)
		for i := range lines {
			next, err := k.lines.peek(i)
			if err != nil {
				break
			}
			text = append(append(text, '\n'), next...)
		}
		if bytes.Equal(text, name) && behind == nil || behind != nil && bytes.HasPrefix(text, append(bytes.Clone(name), behind...)) {
			k.lines.drop(lines)
			return name
		}
	}
	return nil
}

// lineReader reads lines, and lines ahead.
type lineReader struct {
	in    *bufio.Reader
	ahead [][]byte
	ended bool
}

func (l *lineReader) next() ([]byte, error) {
	line, err := l.peek(0)
	if err == nil {
		l.drop(1)
	}
	return line, err
}

// peek returns the line that is n lines ahead, or io.EOF.
func (l *lineReader) peek(n int) ([]byte, error) {
	for len(l.ahead) <= n {
		if l.ended {
			return nil, io.EOF
		}
		line, err := readLine(l.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read report: %w", err)
		}
		l.ended = err != nil
		if len(line) > 0 || !l.ended {
			l.ahead = append(l.ahead, bytes.Clone(line))
		}
	}
	return l.ahead[n], nil
}

func (l *lineReader) drop(n int) { l.ahead = slices.Delete(l.ahead, 0, n) }
