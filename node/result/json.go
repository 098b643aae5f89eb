package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
)

// Marshal is a value as one line of JSON without control characters: JSON itself
// allows some in strings.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it too
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	var out []byte
	for _, r := range bytes.Runes(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) {
		if unicode.IsControl(r) { // in a string: it has no place elsewhere
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, string(r)...)
		}
	}
	return out, nil
}

// MarshalLines is Marshal with a line for each member, and a newline at the end.
func MarshalLines(v any) ([]byte, error) {
	line, err := Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, line, "", " "); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '\n'), nil
}

// quoted is the length of a text as JSON, without the quotes.
func quoted(s string) int {
	text, err := Marshal(s)
	if err != nil {
		panic(err) // any text is a string of JSON
	}
	return len(text) - len(`""`)
}
