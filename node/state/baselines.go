package state

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aidefleet/node/regular"
)

// mostBaselines bounds how many baselines are recorded: the present one, and those that
// an undo can go back to.
const mostBaselines = 64

// Baseline is what is known of a baseline: a line in a file of the node's folder, since
// the folder of the baseline can be another's.
type Baseline struct {
	SHA256 string // of the database
	Config string // SHA-256 of the configuration it was taken with; empty if not known
	// Since is when this node took, accepted or went back to it; zero if AIDE itself or
	// somebody else put it there. What follows is known only with Since.
	Since   time.Time
	Size    int64 // bytes
	Entries int
	Written string // when AIDE wrote it, as the database says
	Path    string
}

// line writes a record. Those of earlier versions end behind the configuration.
func (b Baseline) line() []byte {
	config := b.Config
	if config == "" {
		config = unknown
	}
	text := fmt.Appendf(nil, "%s %s", b.SHA256, config)
	if !b.Since.IsZero() {
		text = fmt.Appendf(text, " %s %d %d %q %q", b.Since.UTC().Format(time.RFC3339), b.Size, b.Entries, b.Written, b.Path)
	}
	return append(text, '\n')
}

// unknown stands for a configuration that is not known.
const unknown = "-"

// parseBaseline reads a line; ok is false for one that line has not written.
func parseBaseline(line []byte) (b Baseline, ok bool) {
	text, whole := strings.CutSuffix(string(line), "\n")
	words := strings.SplitN(text, " ", 6)
	if !whole || len(words) != 2 && len(words) != 6 || !isDigest(words[0]) || words[1] != unknown && !isDigest(words[1]) {
		return b, false
	}
	b.SHA256, b.Config = words[0], strings.TrimPrefix(words[1], unknown)
	if len(words) == 2 {
		return b, true
	}
	var err1, err2, err3, err4 error
	b.Since, err1 = time.Parse(time.RFC3339, words[2])
	b.Size, err2 = strconv.ParseInt(words[3], 10, 64)
	b.Entries, err3 = strconv.Atoi(words[4])
	written, err4 := strconv.QuotedPrefix(words[5])
	path, err5 := strconv.Unquote(strings.TrimPrefix(words[5][len(written):], " "))
	if errors.Join(err1, err2, err3, err4, err5) != nil {
		return b, false
	}
	b.Written, err1 = strconv.Unquote(written)
	b.Path = path
	return b, err1 == nil
}

// RecordBaseline keeps what is known of a baseline, in place of what was.
func (f Folder) RecordBaseline(b Baseline) error {
	text := b.line()
	kept := 1
	for _, other := range f.Baselines() {
		if other.SHA256 != b.SHA256 && kept < mostBaselines {
			text = append(text, other.line()...)
			kept++
		}
	}
	if err := write(f.baselines(), text); err != nil {
		return fmt.Errorf("record what the baseline was taken with: %w", err)
	}
	return nil
}

// Baselines are all that are recorded, the newest first. What cannot be read is not known.
func (f Folder) Baselines() (all []Baseline) {
	text, _ := regular.Read(f.baselines(), 2*mostBaselines*lineBytes)
	for line := range bytes.Lines(text) {
		if b, ok := parseBaseline(line); ok {
			all = append(all, b)
		}
	}
	return all
}

// Baseline is what is known of the baseline with that SHA-256; nothing of one that AIDE
// itself has taken.
func (f Folder) Baseline(sha256 string) Baseline {
	for _, b := range f.Baselines() {
		if b.SHA256 == sha256 {
			return b
		}
	}
	return Baseline{}
}

// LastBaseline is the last baseline at a path that this node took, accepted or went back to.
func (f Folder) LastBaseline(path string) (last Baseline, ok bool) {
	for _, b := range f.Baselines() {
		if b.Path == path && b.Since.After(last.Since) {
			last, ok = b, true
		}
	}
	return last, ok
}

// lineBytes is more than a line takes on average, in bytes: the digests, the numbers and
// a path of 300 bytes.
const lineBytes = 512

func isDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
