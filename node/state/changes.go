package state

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"aidefleet/node/regular"
	"aidefleet/node/wholefile"
)

// digestBytes are kept of the digest of each change: as much as of a fingerprint.
const digestBytes = 16

// changesHeader is the first line of the file: the baseline, the report, and the number of
// the digests that follow in their order.
const changesHeader = "aide-node changes 1 %s %s %d\n"

// ShortDigests writes the beginning of each digest, one a call.
type ShortDigests struct{ Out io.Writer }

func (s ShortDigests) Write(digest []byte) (int, error) {
	if _, err := s.Out.Write(digest[:digestBytes]); err != nil {
		return 0, err
	}
	return len(digest), nil
}

// KeepChanges keeps the changes that a check of a baseline found. path names the file that
// ShortDigests wrote.
func (f Folder) KeepChanges(baseline, report, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	return f.writeChanges(changesHead{baseline, report, info.Size() / digestBytes}, in)
}

// changesHead is what the first line of the file says.
type changesHead struct {
	baseline, report string
	count            int64
}

// readChangesHead reads the first line, and how long that is in bytes.
func readChangesHead(r *bufio.Reader) (h changesHead, size int, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return h, 0, err
	}
	_, err = fmt.Sscanf(line, changesHeader, &h.baseline, &h.report, &h.count)
	return h, len(line), err
}

func (f Folder) writeChanges(h changesHead, digests io.Reader) error {
	return wholefile.Write(f.changes(), wholefile.Options{Half: f.changes() + ".tmp"}, func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, changesHeader, h.baseline, h.report, h.count); err != nil {
			return err
		}
		_, err := io.Copy(w, digests)
		return err
	})
}

// rebaseChanges keeps the changes as those that a check of another baseline found: of the
// changes in the next check, those are known.
func (f Folder) rebaseChanges(from, to string) error {
	in, err := regular.Open(f.changes())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	r := bufio.NewReader(in)
	head, _, err := readChangesHead(r)
	if err != nil || head.baseline != from {
		return ErrNotAsWritten
	}
	head.baseline = to
	return f.writeChanges(head, r)
}

// ForgetChanges removes what KeepChanges kept.
func (f Folder) ForgetChanges() error { return wholefile.Remove(f.changes()) }

// NewChanges counts the digests at path that are not among those kept of the last check of
// the same baseline, and names that check's report. ok is false if none are kept, or not
// whole.
func (f Folder) NewChanges(baseline, path string) (added int, since string, ok bool) {
	kept, err := regular.Open(f.changes())
	if err != nil {
		return 0, "", false
	}
	defer func() { _ = kept.Close() }()
	now, err := os.Open(path)
	if err != nil {
		return 0, "", false
	}
	defer func() { _ = now.Close() }()
	before := bufio.NewReader(kept)
	head, size, err := readChangesHead(before)
	if err != nil || head.baseline != baseline {
		return 0, "", false
	}
	if info, err := kept.Stat(); err != nil || info.Size() != int64(size)+head.count*digestBytes {
		return 0, "", false
	}
	added, err = countNew(before, bufio.NewReader(now))
	return added, head.report, err == nil
}

// countNew counts the digests of a sorted list that another does not have.
func countNew(before, now io.Reader) (added int, err error) {
	var old, one [digestBytes]byte
	more := true // digests in before; old is the first that is not below one
	next := func() error {
		_, err := io.ReadFull(before, old[:])
		if errors.Is(err, io.EOF) {
			more = false
			return nil
		}
		return err
	}
	if err := next(); err != nil {
		return 0, err
	}
	for {
		if _, err := io.ReadFull(now, one[:]); errors.Is(err, io.EOF) {
			return added, nil
		} else if err != nil {
			return 0, err
		}
		for more && bytes.Compare(old[:], one[:]) < 0 {
			if err := next(); err != nil {
				return 0, err
			}
		}
		if !more || old != one {
			added++
		}
	}
}
