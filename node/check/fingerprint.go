package check

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"

	"aidefleet/node/aide"
)

// fingerprint collects changes and digests them. Hosts with the same changes have the same
// fingerprint, whatever their inodes and clocks.
//
// It is the first 32 hex digits of a SHA-256 over a header and the SHA-256 of each change's
// record, sorted. A record is the path, the kind and, for added and changed entries, the
// attributes of the new database that say what the entry now is, in the order of their
// names. A zero byte, which no path holds, ends each part. Digests that would take too much
// memory wait in a file.
type fingerprint struct {
	dir     string // for the file
	digests [][sha256.Size]byte
	file    *os.File
	out     *bufio.Writer
	heads   [256]int // how many digests begin with that byte
	values  [][]byte // of the entry at hand
	record  []byte
}

const fingerprintHeader = "aide-node fingerprint 1\n"

// inMemory bounds the digests that are held at once: 2 MiB of them.
const inMemory = 1 << 16

// attributes are the columns of a database that say what an entry is. Inode, times, block
// and link counts differ between hosts with the same content, and so do e2fsattrs. Columns
// with true say nothing if they are "0".
var attributes = map[string]bool{
	"perm": false, "uid": false, "gid": false, "size": false,
	"lname": true, "acl": true, "xattrs": true, "selinux": true, "capabilities": true,
	"md5": true, "sha1": true, "sha256": true, "sha512": true, "rmd160": true, "tiger": true,
	"crc32": true, "crc32b": true, "haval": true, "gost": true, "whirlpool": true,
	"stribog256": true, "stribog512": true, "sha512_256": true, "sha3_256": true, "sha3_512": true,
}

// addRemoved adds an entry that is gone.
func (f *fingerprint) addRemoved(name []byte) error {
	f.begin(name, aide.Removed)
	return f.add()
}

// addPresent adds an entry that was added or changed.
func (f *fingerprint) addPresent(kind aide.Kind, e aide.Entry) error {
	var folder bool
	f.values = f.values[:0]
	e.Attributes(func(column string, value []byte) {
		if column == "perm" {
			folder = isFolder(value)
		}
		if empty, ok := attributes[column]; ok && (!empty || !bytes.Equal(value, []byte("0"))) {
			f.values = append(f.values, append(append([]byte(column), '='), value...))
		}
	})
	slices.SortFunc(f.values, bytes.Compare)
	f.begin(e.Name(), kind)
	for _, v := range f.values {
		// The size of a folder tells how many files it once had, and of what file system.
		if !folder || !bytes.HasPrefix(v, []byte("size=")) {
			f.record = append(append(f.record, v...), 0)
		}
	}
	return f.add()
}

// isFolder reads the octal mode of a database: 40755.
func isFolder(perm []byte) bool { return len(perm) == 5 && perm[0] == '4' }

func (f *fingerprint) begin(name []byte, kind aide.Kind) {
	f.record = append(append(f.record[:0], name...), 0, byte(kind), 0)
}

func (f *fingerprint) add() error {
	digest := sha256.Sum256(f.record)
	f.heads[digest[0]]++
	f.digests = append(f.digests, digest)
	if len(f.digests) < inMemory {
		return nil
	}
	if f.file == nil {
		file, err := os.CreateTemp(f.dir, "fingerprint-*")
		if err != nil {
			return err
		}
		_ = os.Remove(file.Name()) // it lives as long as it is open
		f.file, f.out = file, bufio.NewWriter(file)
	}
	return f.flush()
}

func (f *fingerprint) flush() error {
	for _, d := range f.digests {
		if _, err := f.out.Write(d[:]); err != nil {
			return err
		}
	}
	f.digests = f.digests[:0]
	return nil
}

func (f *fingerprint) close() {
	if f.file != nil {
		_ = f.file.Close() // it is removed already
	}
}

// sum returns the fingerprint, and writes the digests to list in their order.
func (f *fingerprint) sum(list io.Writer) (string, error) {
	h := sha256.New()
	_, _ = h.Write([]byte(fingerprintHeader)) // never fails (hash.Hash)
	out := io.MultiWriter(h, list)
	if f.file == nil {
		err := f.write(out)
		return hex.EncodeToString(h.Sum(nil))[:32], err
	}
	if err := errors.Join(f.flush(), f.out.Flush()); err != nil {
		return "", err
	}
	// in the order of their first bytes, as many at a time as memory allows
	for from := 0; from < len(f.heads); {
		to, n := from, 0
		for to < len(f.heads) && (n == 0 || n+f.heads[to] <= inMemory) {
			n += f.heads[to]
			to++
		}
		if err := f.load(from, to); err != nil {
			return "", err
		}
		if err := f.write(out); err != nil {
			return "", err
		}
		from = to
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// load reads the digests whose first byte is at least from and less than to.
func (f *fingerprint) load(from, to int) error {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	f.digests = f.digests[:0]
	in := bufio.NewReader(f.file)
	for {
		var d [sha256.Size]byte
		if _, err := io.ReadFull(in, d[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if first := int(d[0]); from <= first && first < to {
			f.digests = append(f.digests, d)
		}
	}
}

func (f *fingerprint) write(out io.Writer) error {
	slices.SortFunc(f.digests, func(a, b [sha256.Size]byte) int { return bytes.Compare(a[:], b[:]) })
	for _, d := range f.digests {
		if _, err := out.Write(d[:]); err != nil {
			return err
		}
	}
	return nil
}
