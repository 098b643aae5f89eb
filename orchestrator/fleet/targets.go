package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxTargets bounds a file of targets, in bytes: some 200,000 hosts as JSON.
const maxTargets = 64 << 20

// Target is a host in the list of the command targets.
type Target struct {
	Instance string `json:"instance"`
	Name     string `json:"name,omitempty"`
	Account  string `json:"account,omitempty"`
	Region   string `json:"region,omitempty"`
	State    string `json:"state,omitempty"` // of the EC2 instance; a hybrid node has none
	// Reachable says that a command can reach it; Reason why not.
	Reachable bool   `json:"reachable"`
	Reason    Reason `json:"reason,omitempty"`
}

// ReadTargets reads a list of hosts: the JSON array that the command targets prints, or one
// id a line with # for comments. It drops hosts that are there twice. Errors name the line
// or, in an array, the entry from 1 on.
func ReadTargets(r io.Reader) ([]Target, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTargets+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxTargets:
		return nil, fmt.Errorf("it is larger than %d MiB", maxTargets>>20)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as some editors write it
	read := readLines
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		read = readArray
	}
	list, err := read(text)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it names no host")
	}
	return dropRepeated(list), nil
}

func readLines(text []byte) (list []Target, err error) {
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		id, _, _ := strings.Cut(line, "#")
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if err := validateInstance(id); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, Target{Instance: id})
	}
	return list, nil
}

func readArray(text []byte) (list []Target, err error) {
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("want the JSON of orchestrator targets: %w", err)
	}
	for i, t := range list {
		if err := validateInstance(t.Instance); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	return list, nil
}

// dropRepeated drops hosts that came before.
func dropRepeated(list []Target) []Target {
	seen := make(map[string]bool, len(list))
	kept := list[:0]
	for _, t := range list {
		if !seen[t.Instance] {
			seen[t.Instance] = true
			kept = append(kept, t)
		}
	}
	return kept
}
