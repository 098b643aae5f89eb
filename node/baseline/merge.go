package baseline

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"aidefleet/node/aide"
	"aidefleet/node/wholefile"
)

// ErrUnmergeable says that a part of a database cannot be put into another one.
var ErrUnmergeable = errors.New("the databases cannot be merged")

// Name stands for the name of an entry: the beginning of its SHA-256.
type Name [16]byte

// NameOf is what stands for a name.
func NameOf(name []byte) Name {
	digest := sha256.Sum256(name)
	return Name(digest[:len(Name{})])
}

// Compare orders names.
func (n Name) Compare(other Name) int { return bytes.Compare(n[:], other[:]) }

// Merge writes a database to the path out: the entries that takes chooses are as the
// database fresh has them, and all others as the database old has them, which Inspect has
// read. Entries that old does not have stand at the end. The error is ErrDigest if old is
// another file by now, and ErrUnmergeable unless both databases have the
// same columns, are of the same AIDE, and have no digest at the end. Entries that are taken
// wait in a file beside out.
func Merge(old Info, fresh, out string, takes func(Name) bool) (merged Info, err error) {
	lines, err := wholefile.CreateUnnamed(filepath.Dir(out))
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = lines.Close() }()
	m := merger{takes: takes, lines: lines}
	from, err := m.take(fresh)
	if err != nil {
		return Info{}, err
	}
	if err := mergeable(old.Database, from.Database); err != nil {
		return Info{}, err
	}
	err = wholefile.Write(out, wholefile.Options{Half: out + ".tmp"}, func(w io.Writer) error { return m.write(w, old) })
	if err != nil {
		return Info{}, err
	}
	return Inspect(out, nil)
}

// mergeable is the error if a database cannot take entries from another one.
func mergeable(to, from aide.Database) error {
	switch {
	case to.Keyed || from.Keyed:
		return fmt.Errorf("%w: this AIDE ends its databases with a digest of its own", ErrUnmergeable)
	case !slices.Equal(to.Columns, from.Columns):
		return fmt.Errorf("%w: the baseline has the attributes %v, the check's database has %v", ErrUnmergeable, to.Columns, from.Columns)
	case to.Writer != from.Writer:
		return fmt.Errorf("%w: AIDE %q wrote the baseline, AIDE %q the check's database", ErrUnmergeable, to.Writer, from.Writer)
	}
	return nil
}

// merger holds the entries that are taken, by name.
type merger struct {
	takes func(Name) bool
	lines *os.File
	taken []taken // sorted by name
}

// taken is an entry that is taken: where its line is in the file of lines.
type taken struct {
	name Name
	at   int64
	n    int
	used bool
}

// take keeps the entries of a database that are taken.
func (m *merger) take(path string) (Info, error) {
	out, at := bufio.NewWriter(m.lines), int64(0)
	info, err := Inspect(path, func(e aide.Entry) error {
		name := NameOf(e.Name())
		if !m.takes(name) {
			return nil
		}
		line := e.Line()
		m.taken = append(m.taken, taken{name: name, at: at, n: len(line)})
		at += int64(len(line))
		_, err := out.Write(line)
		return err
	})
	slices.SortFunc(m.taken, func(a, b taken) int { return a.name.Compare(b.name) })
	return info, errors.Join(err, out.Flush())
}

// write writes the merged database, compressed if the old one is.
func (m *merger) write(w io.Writer, old Info) error {
	if old.Zipped {
		z := gzip.NewWriter(w)
		return errors.Join(m.writePlain(z, old), z.Close())
	}
	return m.writePlain(w, old)
}

func (m *merger) writePlain(w io.Writer, old Info) error {
	out := bufio.NewWriter(w)
	put := func(parts ...[]byte) (err error) {
		for _, part := range parts {
			_, failed := out.Write(part)
			err = errors.Join(err, failed)
		}
		return err
	}
	if err := put(old.Head()); err != nil {
		return err
	}
	newline := []byte("\n")
	again, err := Inspect(old.Path, func(e aide.Entry) error {
		name := NameOf(e.Name())
		if !m.takes(name) {
			return put(e.Line(), newline)
		}
		at, present := slices.BinarySearchFunc(m.taken, name, func(t taken, n Name) int { return t.name.Compare(n) })
		if !present {
			return nil // removed
		}
		m.taken[at].used = true
		line, err := m.line(m.taken[at])
		return errors.Join(err, put(line, newline))
	})
	if err != nil {
		return err
	}
	if again.SHA256 != old.SHA256 {
		return fmt.Errorf("%s: %w: it was changed while it was read", old.Path, ErrDigest)
	}
	added := slices.DeleteFunc(m.taken, func(t taken) bool { return t.used })
	slices.SortFunc(added, func(a, b taken) int { return int(a.at - b.at) }) // as the new database has them
	for _, t := range added {
		line, err := m.line(t)
		if err = errors.Join(err, put(line, newline)); err != nil {
			return err
		}
	}
	return errors.Join(put(old.End()), out.Flush())
}

func (m *merger) line(t taken) ([]byte, error) {
	line := make([]byte, t.n)
	_, err := m.lines.ReadAt(line, t.at)
	return line, err
}
