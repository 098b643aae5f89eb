package check

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"aidefleet/node/wholefile"
)

// recordDigest is the digest of a change's record, and the group that the change is in.
type recordDigest struct {
	digest [sha256.Size]byte
	group  uint32
}

// digestBytes is the length of a recordDigest in a file.
const digestBytes = sha256.Size + 4

// inMemory bounds the digests that a sorter holds at once: 2.25 MiB of them.
const inMemory = 1 << 16

// digestSorter sorts digests. Those that would take too much memory wait in a file.
type digestSorter struct {
	dir   string // for the file
	held  []recordDigest
	file  *os.File
	out   *bufio.Writer
	heads [256]int // how many digests begin with that byte
}

func (s *digestSorter) add(d recordDigest) error {
	s.heads[d.digest[0]]++
	s.held = append(s.held, d)
	if len(s.held) < inMemory {
		return nil
	}
	if s.file == nil {
		file, err := wholefile.CreateUnnamed(s.dir)
		if err != nil {
			return err
		}
		s.file, s.out = file, bufio.NewWriter(file)
	}
	return s.flush()
}

func (s *digestSorter) flush() error {
	for _, d := range s.held {
		if _, err := s.out.Write(binary.BigEndian.AppendUint32(d.digest[:], d.group)); err != nil {
			return err
		}
	}
	s.held = s.held[:0]
	return nil
}

func (s *digestSorter) close() {
	if s.file != nil {
		_ = s.file.Close() // it is removed already
	}
}

// each visits all digests in their order.
func (s *digestSorter) each(visit func(recordDigest) error) error {
	if s.file == nil {
		return s.visitHeld(visit)
	}
	if err := errors.Join(s.flush(), s.out.Flush()); err != nil {
		return err
	}
	// in the order of their first bytes, as many at a time as memory allows
	for from := 0; from < len(s.heads); {
		to, n := from, 0
		for to < len(s.heads) && (n == 0 || n+s.heads[to] <= inMemory) {
			n += s.heads[to]
			to++
		}
		if err := s.load(from, to); err != nil {
			return err
		}
		if err := s.visitHeld(visit); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// load reads the digests whose first byte is at least from and less than to.
func (s *digestSorter) load(from, to int) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s.held = s.held[:0]
	in := bufio.NewReader(s.file)
	for {
		var text [digestBytes]byte
		if _, err := io.ReadFull(in, text[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if first := int(text[0]); from <= first && first < to {
			s.held = append(s.held, recordDigest{[sha256.Size]byte(text[:]), binary.BigEndian.Uint32(text[sha256.Size:])})
		}
	}
}

func (s *digestSorter) visitHeld(visit func(recordDigest) error) error {
	slices.SortFunc(s.held, func(a, b recordDigest) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	for _, d := range s.held {
		if err := visit(d); err != nil {
			return err
		}
	}
	return nil
}
