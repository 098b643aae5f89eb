package report

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSONLine prints a line of JSON from a host: compact, on one line, and escaped as by
// WriteJSON. It fails if the line is no JSON.
func JSONLine(line string) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, bytes.ToValidUTF8([]byte(line), []byte("\ufffd"))); err != nil {
		return nil, fmt.Errorf("%s: %w", Excerpt(line, 80), err)
	}
	return EscapeJSON(b.Bytes()), nil
}
