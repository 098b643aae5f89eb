package state

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"aidefleet/node/baseline"
	"aidefleet/node/regular"
	"aidefleet/node/wholefile"
)

// Groups are the groups of changes that a check found, with their whole fingerprints. The
// names of the entries in them follow in the same file.
type Groups struct {
	V           int     `json:"v"`
	Baseline    string  `json:"baseline"`    // SHA-256 that the check compared with
	NewDatabase string  `json:"newDatabase"` // SHA-256 of what it wrote
	Groups      []Group `json:"groups"`
}

// Group is one of them.
type Group struct {
	At          string `json:"at"`
	Fingerprint string `json:"fingerprint"` // 32 hex digits
	N           int    `json:"n"`           // changes
	// Versions stands for the packages that explain the changes; empty if none does.
	Versions string `json:"versions,omitempty"`
}

const (
	groupsVersion = 1
	// memberBytes is the length of an entry's name in the file, with the number of its group.
	memberBytes = len(baseline.Name{}) + 4
)

// ErrNoGroups says that no groups are kept, or not whole.
var ErrNoGroups = errors.New("the groups of the last check are not known")

// AppendMember appends an entry in a group, as KeepGroups wants it.
func AppendMember(to []byte, name baseline.Name, group uint32) []byte {
	return binary.BigEndian.AppendUint32(append(to, name[:]...), group)
}

// KeepGroups keeps the groups of a check, and their members.
func (f Folder) KeepGroups(g Groups, members io.Reader) error {
	g.V = groupsVersion
	head, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return wholefile.Write(f.groups(), wholefile.Options{Half: f.groups() + ".tmp"}, func(w io.Writer) error {
		if _, err := w.Write(append(head, '\n')); err != nil {
			return err
		}
		_, err := io.Copy(w, members)
		return err
	})
}

// ForgetGroups removes what KeepGroups kept.
func (f Folder) ForgetGroups() error { return wholefile.Remove(f.groups()) }

// ReadGroups reads the groups, and the sorted names in the one with that fingerprint; none
// if there is no such group.
func (f Folder) ReadGroups(fingerprint string) (g Groups, members []baseline.Name, err error) {
	in, err := regular.Open(f.groups())
	if absent(err) {
		return g, nil, ErrNoGroups
	} else if err != nil {
		return g, nil, err
	}
	defer func() { _ = in.Close() }()
	r := bufio.NewReader(in)
	head, err := r.ReadBytes('\n')
	if err != nil || json.Unmarshal(head, &g) != nil || g.V != groupsVersion {
		return Groups{}, nil, fmt.Errorf("%w, in %s", ErrNoGroups, f)
	}
	wanted := slices.IndexFunc(g.Groups, func(one Group) bool { return one.Fingerprint == fingerprint })
	if wanted < 0 {
		return g, nil, nil
	}
	for {
		var member [memberBytes]byte
		if _, err := io.ReadFull(r, member[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return g, nil, fmt.Errorf("%w, in %s: %w", ErrNoGroups, f, err)
		}
		name := baseline.Name(member[:])
		if binary.BigEndian.Uint32(member[len(name):]) == uint32(wanted) {
			members = append(members, name)
		}
	}
	if len(members) != g.Groups[wanted].N {
		return g, nil, fmt.Errorf("%w, in %s: %d names of %d changes", ErrNoGroups, f, len(members), g.Groups[wanted].N)
	}
	slices.SortFunc(members, baseline.Name.Compare)
	return g, members, nil
}

// AcceptGroup keeps that one group is in the baseline, which is another now: what is kept
// of the last check is about the new one.
func (f Folder) AcceptGroup(l LastCheck, g Groups, fingerprint, baseline string) error {
	before := l.Baseline.SHA256
	l.Parts = append(l.Parts, fingerprint)
	b := *l.Baseline
	b.SHA256 = baseline
	l.Baseline = &b
	return errors.Join(f.KeepLast(l), f.rebaseGroups(g, baseline), f.rebaseChanges(before, baseline))
}

// rebaseGroups keeps the groups as those of another baseline.
func (f Folder) rebaseGroups(g Groups, baseline string) error {
	in, err := regular.Open(f.groups())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	r := bufio.NewReader(in)
	if _, err := r.ReadBytes('\n'); err != nil {
		return err
	}
	g.Baseline = baseline
	return f.KeepGroups(g, r)
}
