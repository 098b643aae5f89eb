package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"aidefleet/node/aide"
)

// fingerprint collects changes and digests them: hosts to which the same
// happened have the same fingerprint, whatever their inodes and clocks.
//
// It is the first 32 hex digits of a SHA-256 over a header and one record a
// change, sorted: the kind, the path, and for added and changed entries the
// attributes of the new database that say what the entry now is, in the order of
// their names. A zero byte, which no path holds, ends each part.
type fingerprint struct{ records []string }

const fingerprintHeader = "aide-node fingerprint 1\n"

// attributes are the columns of a database that say what an entry is. Inode,
// times, block and link counts differ between hosts with the same content, and
// so do e2fsattrs. Those with true say nothing where they are "0".
var attributes = map[string]bool{
	"perm": false, "uid": false, "gid": false, "size": false,
	"lname": true, "acl": true, "xattrs": true, "selinux": true, "capabilities": true,
	"md5": true, "sha1": true, "sha256": true, "sha512": true, "rmd160": true, "tiger": true,
	"crc32": true, "crc32b": true, "haval": true, "gost": true, "whirlpool": true,
	"stribog256": true, "stribog512": true, "sha512_256": true, "sha3_256": true, "sha3_512": true,
}

// removed adds an entry that is gone.
func (f *fingerprint) removed(name []byte) {
	f.records = append(f.records, string(name)+"\x00"+string(aide.Removed)+"\x00")
}

// now adds an entry that was added or changed.
func (f *fingerprint) now(kind aide.Kind, e aide.Entry) {
	var folder bool
	var values []string
	e.Attributes(func(column string, value []byte) {
		if column == "perm" {
			folder = isFolder(value)
		}
		if empty, ok := attributes[column]; ok && (!empty || !bytes.Equal(value, []byte("0"))) {
			values = append(values, column+"="+string(value))
		}
	})
	// The size of a folder tells how many files it once had, and of what file system.
	if folder {
		values = slices.DeleteFunc(values, func(v string) bool { return strings.HasPrefix(v, "size=") })
	}
	slices.Sort(values)
	f.records = append(f.records, string(e.Name())+"\x00"+string(kind)+"\x00"+strings.Join(values, "\x00")+"\x00")
}

// isFolder reads the octal mode of a database: 40755.
func isFolder(perm []byte) bool { return len(perm) == 5 && perm[0] == '4' }

func (f *fingerprint) sum() string {
	slices.Sort(f.records)
	h := sha256.New()
	_, _ = h.Write([]byte(fingerprintHeader)) // never fails (hash.Hash)
	for _, r := range f.records {
		_, _ = fmt.Fprintf(h, "%d:%s", len(r), r)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
