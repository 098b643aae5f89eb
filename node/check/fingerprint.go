package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"

	"aidefleet/node/aide"
)

// fingerprintDigits is how many hex digits a fingerprint has.
const fingerprintDigits = 32

// fingerprint collects changes and digests them. Hosts with the same changes have the same
// fingerprint, whatever their inodes and clocks.
//
// It is the first 32 hex digits of a SHA-256 over a header and the SHA-256 of each change's
// record, sorted. A record is the path, the kind and, for added and changed entries, the
// attributes of the new database that say what the entry now is, in the order of their
// names. A zero byte, which no path holds, ends each part.
type fingerprint struct {
	digests digestSorter
	values  [][]byte // of the entry at hand
	record  []byte
}

const fingerprintHeader = "aide-node fingerprint 1\n"

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
	return f.digests.add(recordDigest{digest: sha256.Sum256(f.record)})
}

func (f *fingerprint) close() { f.digests.close() }

// sum returns the fingerprint, and writes the digests to list in their order.
func (f *fingerprint) sum(list io.Writer) (string, error) {
	h := sha256.New()
	_, _ = io.WriteString(h, fingerprintHeader) // never fails (hash.Hash)
	out := io.MultiWriter(h, list)
	err := f.digests.each(func(d recordDigest) error {
		_, err := out.Write(d.digest[:])
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:fingerprintDigits], err
}
