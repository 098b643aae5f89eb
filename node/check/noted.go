package check

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"aidefleet/node/baseline"
)

// mostNoted bounds of how many baselines the configuration is known: the present
// one, and those that an undo can go back to.
const mostNoted = 64

// otherConfig is the message of a check whose configuration is not the one that its
// baseline was taken with. AIDE compares only attributes that both have, and passes
// over what is in the baseline and no rule holds for any more (populate_tree in its
// gen_list.c, 0.16 to 0.19).
const otherConfig = "AIDE's configuration was changed since the baseline was taken: what it excludes now, and attributes that only one of the two has, were not compared. Review the configuration; then accept, or aide-node init --force"

// noteConfig keeps with which configuration a baseline was taken; both are SHA-256.
// It is a line in a file of the node's, the newest first: the folder of the baseline
// can be another's.
func (s state) noteConfig(taken, config string) error {
	text := fmt.Appendf(nil, "%s %s\n", taken, config)
	n := 1
	for line := range bytes.Lines(s.readNoted()) {
		if known, _, ok := noted(line); ok && known != taken && n < mostNoted {
			text = append(text, line...)
			n++
		}
	}
	if err := s.write(s.noted(), text); err != nil {
		return fmt.Errorf("note the configuration of the baseline: %w", err)
	}
	return nil
}

// configOf is the configuration that a baseline was taken with; empty if that is not
// known, as of one that AIDE itself has taken.
func (s state) configOf(taken string) string {
	for line := range bytes.Lines(s.readNoted()) {
		if known, config, ok := noted(line); ok && known == taken {
			return config
		}
	}
	return ""
}

// readNoted reads what is noted. What cannot be read is not known.
func (s state) readNoted() []byte {
	f, err := os.Open(s.noted())
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, 2*mostNoted*noteBytes))
	return text
}

// noteBytes is the length of a line: two SHA-256 in hex, a space and a newline.
const noteBytes = 64 + 1 + 64 + 1

// noted takes a line apart; ok is false for one that noteConfig has not written.
func noted(line []byte) (taken, config string, ok bool) {
	if len(line) != noteBytes || line[64] != ' ' || line[noteBytes-1] != '\n' {
		return "", "", false
	}
	taken, config = string(line[:64]), string(line[65:noteBytes-1])
	return taken, config, isDigest(taken) && isDigest(config)
}

func isDigest(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// noteUnknown takes the configuration so far for the one that the baseline was taken
// with, before that is changed, where a baseline is there and nothing else is known.
func (r *runner) noteUnknown() error {
	// Of a baseline that is none a check tells.
	if base, err := baseline.Inspect(r.config.Database, nil); err == nil && r.state.configOf(base.SHA256) == "" {
		return r.state.noteConfig(base.SHA256, r.config.SHA256)
	}
	return nil
}

// compareConfig says so where the configuration is not the baseline's.
func (r *runner) compareConfig(base baseline.Info) {
	if known := r.state.configOf(base.SHA256); known != "" && known != r.config.SHA256 {
		r.answer.Message = otherConfig
	}
}
