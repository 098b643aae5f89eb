package report

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSONLine is a line of JSON from a host as it may be printed: compact, on one
// line, and escaped like WriteJSON does it. An error says that it is no JSON.
func JSONLine(line string) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, bytes.ToValidUTF8([]byte(line), []byte("\ufffd"))); err != nil {
		return nil, fmt.Errorf("%s: %w", Excerpt(line, 80), err)
	}
	return escapeJSON(b.Bytes()), nil
}
