// Package rules gives a host's AIDE rules of ours, and removes them again. At every moment,
// even in a crash, AIDE reads all of the old rules or all of the new ones.
//
// If AIDE's configuration includes a folder, as Debian's does, the rules are a file in it.
// Otherwise they are a block at the beginning of the configuration: of equal rules AIDE
// takes the first.
package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"aidefleet/node/aide"
)

// The lines around a block.
const (
	begin = "# BEGIN aidefleet\n"
	end   = "# END aidefleet\n"
)

// ErrUnsafe says that something of others is in the place of the rules, or that others
// could change them.
var ErrUnsafe = errors.New("not written to")

// Place is the file of the rules on a host, and its present content.
type Place struct {
	Path  string // of the file
	block bool   // the rules are a part of it
	main  []byte // the configuration
	old   *file  // what is there; nil for nothing
	// Rules are the present rules; empty for none.
	Rules string
}

// file is a file as it lies on disk.
type file struct {
	text     []byte
	mode     fs.FileMode
	uid, gid int
}

// Find finds the present rules, or the place for them. The error wraps ErrUnsafe if they
// would not be safe there.
func Find(c aide.Config) (Place, error) {
	main, err := os.ReadFile(c.Path) // ReadConfig did, so it is no pipe
	if err != nil {
		return Place{}, err
	}
	_, block, _, err := split(main)
	if err != nil {
		return Place{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	p := Place{Path: c.DropIn, main: main}
	if block != nil || c.DropIn == "" { // a block stays one
		p.Path, p.block, p.Rules = c.Path, true, string(block)
	}
	p.old, err = read(p.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !p.block:
		p.old = nil
	case err != nil:
		return p, err
	case p.block:
		p.main = p.old.text
	default:
		p.Rules = string(p.old.text)
	}
	return p, folder(filepath.Dir(p.Path))
}

// Candidate is a configuration that is valid if, and only if, the host's would be valid
// with other rules in this place.
func (p Place) Candidate(rules string) []byte {
	if p.block {
		return join(p.main, rules)
	}
	return append([]byte(rules), p.main...)
}

// Put makes rules the ones that AIDE reads. If they are empty, it leaves nothing of ours.
func (p Place) Put(rules string) error {
	switch {
	case p.block:
		return p.write(&file{join(p.main, rules), p.old.mode, p.old.uid, p.old.gid})
	case rules == "":
		return p.write(nil)
	}
	// An AIDE that does not run as root must be able to read it. It must not be executable:
	// AIDE would run it.
	return p.write(&file{[]byte(rules), 0o644, os.Geteuid(), os.Getegid()})
}

// Restore puts back, byte for byte, what was there when the place was found.
func (p Place) Restore() error { return p.write(p.old) }

// read reads a regular file that only its owner and root can have written.
func read(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s: %w: it is a symbolic link", path, ErrUnsafe)
	} else if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w: it is not a regular file", path, ErrUnsafe)
	}
	if err := aide.Ours(path, info); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	const most = 16 << 20
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s: %w: it has more than %d MiB", path, ErrUnsafe, most>>20)
	}
	owner := info.Sys().(*syscall.Stat_t) // on Linux, it always is one
	return &file{text, info.Mode().Perm(), int(owner.Uid), int(owner.Gid)}, err
}

// folder wants a folder in which nobody else can replace files.
func folder(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: %w: it is not a folder", dir, ErrUnsafe)
	}
	if err := aide.Ours(dir, info); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsafe, err)
	}
	return nil
}

// split splits a configuration around its block. The block is nil if there is none.
func split(text []byte) (before, block, after []byte, err error) {
	from, to := lines(text, begin), lines(text, end)
	switch {
	case len(from) == 0 && len(to) == 0:
		return nil, nil, text, nil
	case len(from) != 1 || len(to) != 1 || from[0] > to[0]:
		return nil, nil, nil, fmt.Errorf("%w: there is no one block between the lines # BEGIN aidefleet and # END aidefleet; mend it by hand", ErrUnsafe)
	}
	return text[:from[0]], append([]byte{}, text[from[0]+len(begin):to[0]]...), text[to[0]+len(end):], nil
}

// lines finds the beginnings of a line in a text.
func lines(text []byte, line string) (at []int) {
	n := 0
	for l := range bytes.Lines(text) {
		if string(l) == line {
			at = append(at, n)
		}
		n += len(l)
	}
	return at
}

// join puts a block into a configuration, in place of the present one.
func join(text []byte, rules string) []byte {
	before, _, after, _ := split(text) // it has been split before
	if rules != "" {
		rules = begin + rules + end
	}
	return slices.Concat(before, []byte(rules), after)
}
