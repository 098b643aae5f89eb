package check

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
	"aidefleet/node/packages"
	"aidefleet/node/result"
	"aidefleet/node/wholefile"
)

// packagesTime is how long a package manager may take.
const packagesTime = 2 * time.Minute

// claims are what packages say of the entries that a report lists, by the hash of their
// names.
type claims struct {
	ctx   context.Context
	host  *packages.Host
	seed  maphash.Seed
	files map[uint64][]packages.File // those of a path by package
	gone  *gone                      // nil if nothing is known of files that are gone
	was   map[uint64]packages.Entry  // what the baseline has
}

// askPackages asks the package managers, once in a check. Without an answer no change is
// explained, and the check says so.
func (r *runner) askPackages(ctx context.Context) error {
	if r.asked || !r.Packages {
		return nil
	}
	r.asked = true
	var err error
	r.packages, err = packages.Ask(ctx, packages.Query{
		Since: r.since(), Folder: r.state.Run(), Weight: r.Weight.Weight, Limit: packagesTime,
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, packages.ErrNone):
		r.note("No change is explained by packages: %v.", err)
	case err != nil:
		r.tell(fmt.Sprintf("no change is explained by packages: %v", err))
	}
	return nil
}

// since is when the baseline was taken.
func (r *runner) since() time.Time {
	if began := r.compared.Began(); !began.IsZero() {
		return began
	}
	return r.compared.Created
}

// claim finds what packages say of the entries that are listed; nil if nothing.
func (r *runner) claim(ctx context.Context, listed *changes) (*claims, error) {
	if err := r.askPackages(ctx); err != nil || r.packages == nil {
		return nil, err
	}
	gone := r.findGone(listed)
	c := &claims{ctx: ctx, gone: gone, host: packages.NewHost(), seed: listed.seed, files: map[uint64][]packages.File{}, was: map[uint64]packages.Entry{}}
	err := r.packages.Each(func(f packages.File) error {
		path := []byte(f.Path)
		kind := listed.kind(path)
		if gone != nil && !f.Parent {
			gone.newer[f.Name] = f.Version
		}
		if kind == 0 || kind != aide.Changed && f.Parent {
			return nil
		}
		hash := maphash.Bytes(c.seed, path)
		same := func(other packages.File) bool { return other.Parent && other.Path == f.Path }
		if at := slices.IndexFunc(c.files[hash], same); f.Parent && at >= 0 {
			// Any of them explains a folder. The first by name is the same on all hosts.
			if one := &c.files[hash][at]; f.Compare(one.Package) < 0 {
				*one = f
			}
			return nil
		}
		c.files[hash] = append(c.files[hash], f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, files := range c.files {
		slices.SortFunc(files, func(a, b packages.File) int { return a.Compare(b.Package) })
	}
	return c, nil
}

// see takes an entry of the baseline.
func (c *claims) see(e aide.Entry) {
	if c == nil {
		return
	}
	hash := maphash.Bytes(c.seed, e.Name())
	if _, claimed := c.files[hash]; claimed {
		c.was[hash] = recorded(e)
	}
}

// explain is the package that explains an entry; nil if none does.
func (c *claims) explain(e aide.Entry) (*packages.Package, error) {
	if c == nil {
		return nil, nil
	}
	name := e.Name()
	hash := maphash.Bytes(c.seed, name)
	for _, f := range c.files[hash] {
		if f.Path != string(name) {
			continue
		}
		var was *packages.Entry
		if before, found := c.was[hash]; found {
			was = &before
		}
		explained, err := c.host.Explains(c.ctx, f, recorded(e), was)
		if err != nil {
			return nil, err
		}
		if explained {
			return &f.Package, nil
		}
	}
	return nil, nil
}

// explainRemoved is the package that explains that an entry is gone; nil if none does. One
// that a package still has is not explained.
func (c *claims) explainRemoved(e aide.Entry) (*packages.Package, error) {
	if c == nil {
		return nil, nil
	}
	name := e.Name()
	if len(c.files[maphash.Bytes(c.seed, name)]) > 0 {
		return nil, nil
	}
	return c.gone.by(name)
}

// findGone finds what is known of files that are gone; nil if nothing.
func (r *runner) findGone(listed *changes) *gone {
	if listed.count[slices.Index(marked[:], aide.Removed)] == 0 {
		return nil
	}
	owners, err := r.state.OpenOwners(r.compared.SHA256)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	r.owners = append(r.owners, owners)
	removed, logErr := packages.Removed(r.since())
	if err = errors.Join(err, logErr); err != nil {
		r.note("Packages explain no file that is gone: %v.", err)
		return nil
	}
	return &gone{owners, r.packages.Installed, map[string]string{}, removed}
}

// recorded is what a database has of an entry.
func recorded(e aide.Entry) (r packages.Entry) {
	into := map[string]*string{
		"perm": &r.Perm, "uid": &r.UID, "gid": &r.GID, "lname": &r.Target,
		"md5": &r.MD5, "sha1": &r.SHA1, "sha256": &r.SHA256, "sha512": &r.SHA512,
	}
	e.Attributes(func(column string, value []byte) {
		if to := into[column]; to != nil {
			*to = string(value)
		}
	})
	return r
}

// explanations are the entries that packages explain, each with its package. They are
// written to a file: digest of the name in hex, name and version of the package.
type explanations struct {
	dir      string // for the file
	n        int
	packages map[packages.Package]bool
	file     *os.File
	out      *bufio.Writer
}

func (x *explanations) add(name []byte, by packages.Package) error {
	if x.file == nil {
		file, err := wholefile.CreateUnnamed(x.dir)
		if err != nil {
			return err
		}
		x.file, x.out, x.packages = file, bufio.NewWriter(file), map[packages.Package]bool{}
	}
	x.n++
	x.packages[by] = true
	digest := baseline.NameOf(name)
	_, err := fmt.Fprintf(x.out, "%s %s\n", hex.EncodeToString(digest[:]), by)
	return err
}

// versions stands for the packages that explain something: the first digits of the SHA-256
// of a line each, sorted.
func (x *explanations) versions() string {
	if x.n == 0 {
		return ""
	}
	digest := sha256.New()
	byName := func(a, b packages.Package) int { return a.Compare(b) }
	for _, p := range slices.SortedFunc(maps.Keys(x.packages), byName) {
		_, _ = io.WriteString(digest, p.String()+"\n") // never fails (hash.Hash)
	}
	return hex.EncodeToString(digest.Sum(nil))[:result.GroupDigits]
}

// take returns the file, from its beginning; nil if nothing is explained. Whoever takes it
// closes it.
func (x *explanations) take() (*os.File, error) {
	file := x.file
	if file == nil {
		return nil, nil
	}
	x.file = nil
	if err := x.out.Flush(); err != nil {
		return file, err
	}
	_, err := file.Seek(0, io.SeekStart)
	return file, err
}

func (x *explanations) close() {
	if x.file != nil {
		_ = x.file.Close()
	}
}
