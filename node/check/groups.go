package check

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"

	"aidefleet/node/aide"
	"aidefleet/node/packages"
	"aidefleet/node/profile"
	"aidefleet/node/result"
	"aidefleet/node/rules"
	"aidefleet/node/state"
)

// groups puts changes into groups, and makes a fingerprint of each. The fingerprint of a
// group depends on the changes in it only, whatever else the host has.
//
// It is the first hex digits of a SHA-256 over a header and the SHA-256 of each change's
// record, sorted. A record is the kind, the path and, for added and changed entries, what
// hosts with other rules record too: type and mode, user, group, size of files, target of
// links, and one digest with its name; and the package that explains it. A zero byte ends
// each part.
type groups struct {
	profile profile.Paths
	found   map[string]uint32 // index in all, by name
	all     []*group
	digests digestSorter
	many    bool // there are more than maxGroups
	record  []byte
	members members
}

type group struct {
	name string
	n    int
	sum  hash.Hash
}

const groupHeader = "aide-node group 1\n"

// maxGroups bounds the groups of a host. If there are more, none is told.
const maxGroups = 4096

func newGroups(dir string, paths profile.Paths) *groups {
	return &groups{profile: paths, found: map[string]uint32{}, digests: digestSorter{dir: dir}, members: members{dir: dir}}
}

// profilePaths are the paths that the profile on the host has the host look at.
func (r *runner) profilePaths() profile.Paths {
	place, err := rules.Find(r.config)
	if err != nil {
		return nil // nobody configured a profile here, or configure says what is wrong
	}
	return profile.PathsOf(place.Rules)
}

// groupName is the name of the group of a change that no package explains: the path of the profile that
// covers it, or else its first two components. A file directly in a folder of the root is
// in that folder. A folder is in the group of what is in it.
func groupName(paths profile.Paths, name []byte, folder bool) string {
	if at := paths.Covering(string(name)); at != "" {
		return at
	}
	first := bytes.IndexByte(name[min(1, len(name)):], '/') + 1
	if first == 0 {
		return string(name) // in the root
	}
	second := bytes.IndexByte(name[first+1:], '/')
	switch {
	case second < 0 && folder:
		return string(name)
	case second < 0:
		return string(name[:first])
	}
	return string(name[:first+1+second])
}

func (g *groups) addRemoved(e aide.Entry, by *packages.Package) error {
	var folder bool
	e.Attributes(func(column string, value []byte) {
		if column == "perm" {
			folder = isFolder(value)
		}
	})
	name := e.Name()
	g.begin(aide.Removed, name)
	return g.addBy(by, name, folder)
}

func (g *groups) addPresent(kind aide.Kind, e aide.Entry, by *packages.Package) error {
	var perm, uid, gid, size, target, sha256, sha512 []byte
	e.Attributes(func(column string, value []byte) {
		switch column {
		case "perm":
			perm = value
		case "uid":
			uid = value
		case "gid":
			gid = value
		case "size":
			size = value
		case "lname":
			target = value
		case "sha256":
			sha256 = value
		case "sha512":
			sha512 = value
		}
	})
	name := e.Name()
	g.begin(kind, name)
	g.put("mode=", perm)
	g.put("uid=", uid)
	g.put("gid=", gid)
	if isFile(perm) {
		g.put("size=", size)
	}
	if isRecorded(target) {
		g.put("target=", target)
	}
	switch {
	case isRecorded(sha512):
		g.put("sha512=", sha512)
	case isRecorded(sha256):
		g.put("sha256=", sha256)
	}
	return g.addBy(by, name, isFolder(perm))
}

// addBy adds the record to the group of the changes that packages explain if one does.
func (g *groups) addBy(by *packages.Package, path []byte, folder bool) error {
	if by == nil {
		return g.addTo(groupName(g.profile, path, folder), path)
	}
	g.put("package=", []byte(by.Name))
	g.put("version=", []byte(by.Version))
	return g.addTo(result.PackagesGroup, path)
}

// isFile reads the octal mode of a database: 100644.
func isFile(perm []byte) bool { return len(perm) == 6 && perm[0] == '1' && perm[1] == '0' }

// isRecorded says that a digest or the target of a link is there: AIDE writes "0" if an
// entry has none.
func isRecorded(value []byte) bool { return len(value) > 0 && string(value) != "0" }

func (g *groups) begin(kind aide.Kind, name []byte) {
	g.record = append(append(append(g.record[:0], byte(kind), 0), name...), 0)
}

// put adds a value to the record, unless the database does not have it.
func (g *groups) put(name string, value []byte) {
	if len(value) > 0 {
		g.record = append(append(append(g.record, name...), value...), 0)
	}
}

func (g *groups) addTo(name string, path []byte) error {
	at, known := g.found[name]
	if !known {
		if g.many = g.many || len(g.all) == maxGroups; g.many {
			return nil
		}
		at = uint32(len(g.all))
		g.found[name] = at
		g.all = append(g.all, &group{name: name, sum: sha256.New()})
	}
	g.all[at].n++
	return errors.Join(g.members.add(path, at), g.digests.add(recordDigest{sha256.Sum256(g.record), at}))
}

func (g *groups) close() {
	g.digests.close()
	g.members.close()
}

// list are the groups, in the order in which the names of their members have them. versions
// stands for the packages that explain some.
func (g *groups) list(versions string) ([]state.Group, error) {
	if g.many {
		return nil, nil
	}
	for _, one := range g.all {
		_, _ = io.WriteString(one.sum, groupHeader) // never fails (hash.Hash)
	}
	err := g.digests.each(func(d recordDigest) error {
		_, _ = g.all[d.group].sum.Write(d.digest[:])
		return nil
	})
	list := make([]state.Group, 0, len(g.all))
	for _, one := range g.all {
		told := state.Group{At: one.name, Fingerprint: hex.EncodeToString(one.sum.Sum(nil))[:fingerprintDigits], N: one.n}
		if one.name == result.PackagesGroup {
			told.Versions = versions
		}
		list = append(list, told)
	}
	return list, err
}

// inOrder are groups, those first that matter most.
func inOrder(groups []state.Group) []state.Group {
	return slices.SortedFunc(slices.Values(groups), func(a, b state.Group) int {
		return cmp.Or(cmp.Compare(rootRank(a.At), rootRank(b.At)), strings.Compare(a.At, b.At))
	})
}

// told are groups as the result line tells them.
func told(groups []state.Group) []result.Group {
	list := make([]result.Group, 0, len(groups))
	for _, g := range groups {
		list = append(list, result.Group{At: g.At, Fingerprint: g.Fingerprint[:result.GroupDigits], N: g.N, Versions: g.Versions})
	}
	return list
}

// roots are the first components of groups, those first that matter most.
var roots = []string{"/etc", "/usr", "/root", "/boot", "/opt", "/srv", "/var"}

// rootRank is lower for a group that matters more.
func rootRank(name string) int {
	for i, root := range roots {
		if name == root || strings.HasPrefix(name, root+"/") {
			return i
		}
	}
	return len(roots)
}
