package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// WriteJSON writes the report as one indented JSON object, a host at a time;
// docs/report.schema.json describes it. It escapes what hosts said, so that a terminal can
// print it: a character that is not printable is a \u escape.
func WriteJSON(w io.Writer, r Report) error {
	hosts := r.Hosts
	r.Hosts, r.Groups = []Host{}, nil
	text, err := indented(r, "")
	if err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	// Two spaces stand before a key of the report and of nothing else, and a
	// newline in no string.
	head, tail, _ := bytes.Cut(text, []byte("\n  \"hosts\": []"))
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n  \"hosts\": [", head)
	for i, h := range hosts {
		if text, err = indented(h, "    "); err != nil {
			return fmt.Errorf("write report as JSON: host %s: %w", h.Instance, err)
		}
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, "\n    %s", bytes.TrimRight(text, "\n"))
	}
	if len(hosts) > 0 {
		fmt.Fprint(out, "\n  ")
	}
	fmt.Fprintf(out, "]%s", bytes.TrimSuffix(tail, []byte("\n}\n")))
	if err := writeCohorts(out, hosts); err != nil {
		return fmt.Errorf("write report as JSON: %w", err)
	}
	fmt.Fprint(out, "\n}\n")
	if err := out.Flush(); err != nil { // it keeps the first error
		return fmt.Errorf("write report as JSON: %w", err)
	}
	return nil
}

// writeCohorts writes the groups of all hosts behind the other keys of a report, one at a
// time. Without groups it writes nothing.
func writeCohorts(out io.Writer, hosts []Host) error {
	shared, _ := SharedGroups(hosts)
	for i, g := range shared {
		before := ","
		if i == 0 {
			before = ",\n  \"cohorts\": ["
		}
		c := GroupCohort{Group: g.At, Fingerprint: g.Fingerprint, Changes: g.N, Versions: g.Versions, Hosts: make([]string, len(g.Hosts))}
		for i, h := range g.Hosts {
			c.Hosts[i] = h.Instance
		}
		text, err := indented(c, "    ")
		if err != nil {
			return fmt.Errorf("group %.80q: %w", g.At, err)
		}
		if _, err := fmt.Fprintf(out, "%s\n    %s", before, bytes.TrimRight(text, "\n")); err != nil {
			return err
		}
	}
	if len(shared) > 0 {
		_, err := fmt.Fprint(out, "\n  ]")
		return err
	}
	return nil
}

// indented is a value as JSON whose lines behind the first begin with prefix.
func indented(value any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return EscapeJSON(b.Bytes()), nil
}

// EscapeJSON escapes what json.Encoder leaves: DEL, the C1 controls, and characters that
// are invisible or turn the direction of text. They only stand in strings: the rest of JSON
// is printable ASCII and newlines.
func EscapeJSON(text []byte) []byte {
	hidden := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(text, hidden) {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
