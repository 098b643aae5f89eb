package check

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/regular"
)

// mostNoted bounds of how many baselines the configuration is known: the present
// one, and those that an undo can go back to.
const mostNoted = 64

// otherConfig is the message of a check whose configuration is not the one that its
// baseline was taken with. AIDE compares only attributes that both have. Up to 0.18 it
// passes over what is in the baseline and no rule holds for any more; from 0.19 on
// that is removed (populate_tree and the functions it calls in their gen_list.c).
func otherConfig(v aide.Version) string {
	excluded := "what it excludes now, and attributes that only one of the two has, were not compared"
	if v.TellsExcluded() {
		excluded = "what it excludes now is told as removed, and attributes that only one of the two has were not compared"
	}
	return "AIDE's configuration was changed since the baseline was taken: " + excluded + ". Review the configuration; then accept, or aide-node init --force"
}

// note is what is known of a baseline: a line in a file of the node's, the newest first,
// since the folder of the baseline can be another's.
type note struct {
	sha256 string // of the database
	config string // SHA-256 of the configuration it was taken with; empty if not known
	// Of a baseline that this node took, accepted or went back to; since is zero of others.
	since   time.Time
	size    int64 // bytes
	entries int
	written string // when AIDE wrote it, as the database says
	path    string
}

// line writes a note. Those of earlier versions end behind the configuration.
func (n note) line() []byte {
	config := n.config
	if config == "" {
		config = unknown
	}
	text := fmt.Appendf(nil, "%s %s", n.sha256, config)
	if !n.since.IsZero() {
		text = fmt.Appendf(text, " %s %d %d %q %q", n.since.UTC().Format(time.RFC3339), n.size, n.entries, n.written, n.path)
	}
	return append(text, '\n')
}

// unknown stands for a configuration that is not known.
const unknown = "-"

// noted takes a line apart; ok is false for one that line has not written.
func noted(line []byte) (n note, ok bool) {
	text, whole := strings.CutSuffix(string(line), "\n")
	words := strings.SplitN(text, " ", 6)
	if !whole || len(words) != 2 && len(words) != 6 || !isDigest(words[0]) || words[1] != unknown && !isDigest(words[1]) {
		return n, false
	}
	n.sha256, n.config = words[0], strings.TrimPrefix(words[1], unknown)
	if len(words) == 2 {
		return n, true
	}
	var err1, err2, err3, err4 error
	n.since, err1 = time.Parse(time.RFC3339, words[2])
	n.size, err2 = strconv.ParseInt(words[3], 10, 64)
	n.entries, err3 = strconv.Atoi(words[4])
	written, err4 := strconv.QuotedPrefix(words[5])
	path, err5 := strconv.Unquote(strings.TrimPrefix(words[5][len(written):], " "))
	if errors.Join(err1, err2, err3, err4, err5) != nil {
		return n, false
	}
	n.written, err1 = strconv.Unquote(written)
	n.path = path
	return n, err1 == nil
}

// keepNote keeps what is known of a baseline in place of what was.
func (s state) keepNote(n note) error {
	text := n.line()
	kept := 1
	for _, other := range s.notes() {
		if other.sha256 != n.sha256 && kept < mostNoted {
			text = append(text, other.line()...)
			kept++
		}
	}
	if err := s.write(s.noted(), text); err != nil {
		return fmt.Errorf("note what the baseline was taken with: %w", err)
	}
	return nil
}

// notes are all that are kept, the newest first.
func (s state) notes() (all []note) {
	for line := range bytes.Lines(s.readNoted()) {
		if n, ok := noted(line); ok {
			all = append(all, n)
		}
	}
	return all
}

// noteOf is what is known of a baseline; nothing of one that AIDE itself has taken.
func (s state) noteOf(taken string) note {
	for _, n := range s.notes() {
		if n.sha256 == taken {
			return n
		}
	}
	return note{}
}

// lastOwn is the last baseline at a path that this node took, accepted or went back to.
func (s state) lastOwn(path string) (last note, ok bool) {
	for _, n := range s.notes() {
		if n.path == path && n.since.After(last.since) {
			last, ok = n, true
		}
	}
	return last, ok
}

// configOf is the configuration that a baseline was taken with; empty if that is not
// known, as of one that AIDE itself has taken.
func (s state) configOf(taken string) string {
	return s.noteOf(taken).config
}

// readNoted reads what is noted. What cannot be read is not known.
func (s state) readNoted() []byte {
	text, _ := regular.Read(s.noted(), 2*mostNoted*noteBytes)
	return text
}

// noteBytes is more than a line takes on average, in bytes: the digests, the numbers and
// a path of 300 bytes.
const noteBytes = 512

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

// noteUnknown takes the configuration so far for the one that the baseline was taken
// with, before that is changed, where a baseline is there and nothing else is known.
func (r *runner) noteUnknown() error {
	// Of a baseline that is none a check tells.
	if base, err := baseline.Inspect(r.config.Database, nil); err == nil && r.state.configOf(base.SHA256) == "" {
		n := r.state.noteOf(base.SHA256)
		n.sha256, n.config = base.SHA256, r.config.SHA256
		return r.state.keepNote(n)
	}
	return nil
}

// own notes that a baseline is this node's from now on.
func (r *runner) own(base baseline.Info, config string) {
	err := r.state.keepNote(note{
		sha256: base.SHA256, config: config, since: r.Now(), size: base.Size,
		entries: base.Entries, written: base.Written, path: base.Path,
	})
	if err != nil { // it is done all the same
		r.note("%v.", err)
	}
}

// compareNotes says so if the configuration is not the baseline's, and if the baseline
// is not one that this node knows of.
func (r *runner) compareNotes(base baseline.Info) {
	known := r.state.noteOf(base.SHA256)
	if known.config != "" && known.config != r.config.SHA256 {
		r.tell(otherConfig(r.aide.Version))
	}
	last, ok := r.state.lastOwn(base.Path)
	if !ok || !known.since.IsZero() {
		return
	}
	r.tellFirst(fmt.Sprintf("the baseline, of %s with %d entries, is not the one that aide-node took or accepted on %s, with %d: AIDE's own job or somebody put it there. Find out who; then accept, or aide-node init --force",
		base.Created.UTC().Format(time.RFC3339), base.Entries, last.since.UTC().Format(time.RFC3339), last.entries))
}
