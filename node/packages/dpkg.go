package packages

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"aidefleet/node/program"
	"aidefleet/node/regular"
)

const dpkgQueryPath = "/usr/bin/dpkg-query"

// dpkgFolder is where dpkg has its database.
const dpkgFolder = "/var/lib/dpkg"

// dpkg asks dpkg-query. Its database knows of files their MD5 only: neither mode nor owner
// nor the target of links.
type dpkg struct{ folder string }

func (dpkg) String() string { return "dpkg" }

// afterList is how much later than the list of its files the digests of a package may have
// been put there. dpkg does both as it unpacks a package (src/main/unpack.c).
const afterList = 10 * time.Second

// files asks for lists and digests of all packages that are recent. One that is not whole,
// as an interrupted upgrade leaves it, does not count.
func (d dpkg) files(ctx context.Context, q Query, see func(Package), put func(File) error) error {
	recent, conffiles, err := d.installedSince(ctx, q, see)
	if err != nil || len(recent) == 0 {
		return err
	}
	put = withParents(put)
	return d.lists(ctx, q, recent, func(p Package, paths []string) error {
		digests, err := d.digests(p)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if conffiles[path] {
				continue
			}
			if err := put(File{Path: path, Package: p, Digest: digests[path], Algorithm: "md5"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// installedSince are the packages that are recent, and the configuration files of all.
func (d dpkg) installedSince(ctx context.Context, q Query, see func(Package)) (recent []Package, conffiles map[string]bool, err error) {
	const format = `${db:Status-Status}\t${db-fsys:Last-Modified}\t${binary:Package}\t${Version}\n${Conffiles}\n`
	conffiles = map[string]bool{}
	err = d.run(ctx, q.Weight, func(line string) error {
		if path, conffile := strings.CutPrefix(line, " /"); conffile {
			if at := strings.LastIndex(dropFlag(path), " "); at > 0 {
				conffiles["/"+path[:at]] = true
			}
			return nil
		}
		if line == "" {
			return nil
		}
		part := strings.Split(line, "\t")
		if len(part) != 4 {
			return unreadable(line)
		}
		if part[0] != "installed" || part[1] == "" {
			return nil
		}
		see(Package{part[2], part[3]})
		fresh, err := isRecent(part[1], q.Since)
		if err != nil || !dpkgName.MatchString(part[2]) {
			return unreadable(line)
		}
		if fresh {
			recent = append(recent, Package{part[2], part[3]})
		}
		return nil
	}, "--show", "--showformat", format)
	return recent, conffiles, err
}

// dpkgName is how a package may be called, with its architecture (Debian Policy, 5.6.7).
var dpkgName = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*(:[a-z0-9-]+)?$`)

// dropFlag cuts what may stand behind the digest of a configuration file.
func dropFlag(line string) string {
	for _, flag := range []string{" obsolete", " remove-on-upgrade"} {
		line = strings.TrimSuffix(line, flag)
	}
	return line
}

// lists hands the paths of each package to visit. One that is diverted does not count: what
// is there may be another package's.
func (d dpkg) lists(ctx context.Context, q Query, of []Package, visit func(Package, []string) error) error {
	args := []string{"--listfiles"}
	for _, p := range of {
		args = append(args, p.Name)
	}
	var paths []string
	at := 0
	err := d.run(ctx, q.Weight, func(line string) (err error) {
		switch {
		case at == len(of):
			return unreadable(line)
		case line == "": // the next package
			err = visit(of[at], paths)
			at, paths = at+1, paths[:0]
		case line[0] == '/':
			paths = append(paths, line)
		case len(paths) > 0: // "diverted by … to: …", about the path before
			paths = paths[:len(paths)-1]
		}
		return err
	}, args...)
	if err == nil && at != len(of)-1 {
		err = fmt.Errorf("it listed files of %d packages, not of %d", at+1, len(of))
	}
	if err != nil {
		return err
	}
	return visit(of[at], paths)
}

// digests are the MD5 of the files of a package. Packages that can be there for more than
// one architecture have it in the names of its files, others not.
func (d dpkg) digests(p Package) (map[string]string, error) {
	name, _, _ := strings.Cut(p.Name, ":")
	for _, name := range []string{p.Name, name} {
		path := filepath.Join(d.folder, "info", name)
		in, err := regular.Open(path + ".md5sums")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		defer func() { _ = in.Close() }()
		if ours, err := areUnpacked(in, path+".list"); err != nil || !ours {
			return nil, err
		}
		return readDigests(in)
	}
	return nil, nil
}

// areUnpacked says that dpkg put the digests there as it unpacked the package: they have the
// time at which the package was built, and were put there with the list of its files. Else
// somebody wrote them later.
func areUnpacked(digests *os.File, list string) (bool, error) {
	info, err := digests.Stat()
	if err != nil {
		return false, err
	}
	listed, err := os.Lstat(list)
	if err != nil {
		return false, err
	}
	return info.ModTime().Before(listed.ModTime()) && !changedAt(info).After(listed.ModTime().Add(afterList)), nil
}

// readDigests reads the lines of a file as md5sum prints them, with paths below the root.
func readDigests(in io.Reader) (map[string]string, error) {
	digests := map[string]string{}
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		digest, name, found := strings.Cut(scan.Text(), "  ")
		if !found || len(digest) != 32 {
			return nil, unreadable(scan.Text())
		}
		digests["/"+name] = digest
	}
	return digests, scan.Err()
}

// changedAt is when a file was last written, renamed or touched: nobody can set that time.
func changedAt(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix()) // on Linux, it always is one
}

func (d dpkg) run(ctx context.Context, w program.Weight, visit func(string) error, args ...string) error {
	return run(ctx, w, visit, dpkgQueryPath, append([]string{"--admindir=" + d.folder}, args...)...)
}
