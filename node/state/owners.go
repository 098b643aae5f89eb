package state

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"

	"aidefleet/node/baseline"
	"aidefleet/node/regular"
	"aidefleet/node/wholefile"
)

// Owners say which package each entry was of when a baseline was taken: a package database
// does not tell of files that are gone.
type Owners struct {
	V        int      `json:"v"`
	Baseline string   `json:"baseline"` // its SHA-256
	Packages []string `json:"packages"` // name and version, with a space between

	file   *os.File
	offset int64 // of the first member in the file
	n      int   // members
}

const ownersVersion = 1

// Owner is the package of an entry: an index in Owners.Packages.
type Owner struct {
	Name    baseline.Name
	Package uint32
}

// KeepOwners keeps the owners of a baseline's entries.
func (f Folder) KeepOwners(o Owners, members []Owner) error {
	o.V = ownersVersion
	head, err := json.Marshal(o)
	if err != nil {
		return err
	}
	slices.SortFunc(members, func(a, b Owner) int { return a.Name.Compare(b.Name) })
	return wholefile.Write(f.owners(), wholefile.Options{Half: f.owners() + ".tmp"}, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		_, _ = out.Write(append(head, '\n'))
		var one []byte
		for _, m := range members {
			one = AppendMember(one[:0], m.Name, m.Package)
			_, _ = out.Write(one)
		}
		return out.Flush() // it keeps the first error
	})
}

// OpenOwners opens the owners of a baseline's entries. The error wraps os.ErrNotExist if
// they are not known.
func (f Folder) OpenOwners(sha256 string) (o Owners, err error) {
	in, err := regular.Open(f.owners())
	if err != nil {
		return o, err
	}
	head, err := bufio.NewReader(in).ReadBytes('\n')
	if err == nil && (json.Unmarshal(head, &o) != nil || o.V != ownersVersion) {
		err = fmt.Errorf("%s: not as it was written", f.owners())
	}
	if err == nil && o.Baseline != sha256 {
		err = fmt.Errorf("%s is of another baseline: %w", f.owners(), os.ErrNotExist)
	}
	info, statErr := in.Stat()
	if err = errors.Join(err, statErr); err != nil {
		return Owners{}, errors.Join(err, in.Close())
	}
	o.file, o.offset = in, int64(len(head))
	o.n = int((info.Size() - o.offset) / int64(memberBytes))
	return o, nil
}

// Find is the package of an entry; empty if it was of none.
func (o Owners) Find(name baseline.Name) (string, error) {
	var member [memberBytes]byte
	var failed error
	read := func(i int) baseline.Name {
		if _, err := o.file.ReadAt(member[:], o.offset+int64(i)*int64(memberBytes)); err != nil {
			failed = err
		}
		return baseline.Name(member[:])
	}
	at := sort.Search(o.n, func(i int) bool { return read(i).Compare(name) >= 0 })
	if failed != nil || at == o.n || read(at) != name || failed != nil {
		return "", failed
	}
	if i := binary.BigEndian.Uint32(member[len(name):]); int(i) < len(o.Packages) {
		return o.Packages[i], nil
	}
	return "", nil
}

// Close gives them up.
func (o Owners) Close() {
	if o.file != nil {
		_ = o.file.Close()
	}
}

// RebaseOwners keeps the owners as those of another baseline.
func (f Folder) RebaseOwners(from, to string) error {
	o, err := f.OpenOwners(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer o.Close()
	members := make([]Owner, o.n)
	in := bufio.NewReader(io.NewSectionReader(o.file, o.offset, int64(o.n)*int64(memberBytes)))
	for i := range members {
		var member [memberBytes]byte
		if _, err := io.ReadFull(in, member[:]); err != nil {
			return err
		}
		members[i] = Owner{baseline.Name(member[:]), binary.BigEndian.Uint32(member[len(baseline.Name{}):])}
	}
	o.Baseline = to
	return f.KeepOwners(o, members)
}
