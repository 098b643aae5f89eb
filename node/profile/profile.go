// Package profile is what an operator wants AIDE to look at beside what a host's
// own configuration names, and the rules of AIDE's that say so. Host and fleet
// both read it: it knows nothing of either.
//
// A profile is a text with a path a line:
//
//	# comment
//	watch       /srv/app
//	exclude     /srv/app/cache
//	permissions /home/*/.bash_history
//
// Each path stands for itself and all below it. A * stands for any characters
// of one name.
package profile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

const (
	// MaxBytes bounds a profile. It is far more than anybody writes by hand.
	MaxBytes = 16 << 10
	// maxPath bounds a path, in bytes.
	maxPath = 255
	// Separator stands between the paths of a list, as in PATH.
	Separator = ":"
)

// Kind says what AIDE does with a path.
type Kind string

// The kinds of a line. A file that is watched is compared in all that it is; of
// one whose permissions are, the content may change: logs, histories.
const (
	Watch       Kind = "watch"
	Exclude     Kind = "exclude"
	Permissions Kind = "permissions"
)

// Kinds are all of them.
var Kinds = []Kind{Watch, Exclude, Permissions}

// Profile is the paths of each kind, none of them twice.
type Profile struct{ paths map[Kind][]string }

// List is the paths of a kind as Split takes them, in the order in which they were
// named.
func (p Profile) List(k Kind) string { return strings.Join(p.paths[k], Separator) }

// Len is the number of paths.
func (p Profile) Len() (n int) {
	for _, paths := range p.paths {
		n += len(paths)
	}
	return n
}

// Parse reads the text of a profile. The error names the line.
func Parse(r io.Reader) (Profile, error) {
	var b builder
	in := bufio.NewScanner(io.LimitReader(r, MaxBytes+1))
	in.Buffer(nil, MaxBytes+1)
	n, size := 0, 0
	for in.Scan() {
		n++
		if size += len(in.Bytes()) + 1; size > MaxBytes+1 {
			return Profile{}, fmt.Errorf("line %d: a profile has at most %d bytes: name folders instead of what is in them", n, MaxBytes)
		}
		text, _, _ := strings.Cut(in.Text(), "#")
		where := fmt.Sprintf("line %d", n)
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 || !slices.Contains(Kinds, Kind(words[0])) {
			return Profile{}, fmt.Errorf("%s: %.80q: want watch, exclude or permissions, and one path", where, strings.TrimSpace(text))
		}
		if err := b.add(Kind(words[0]), words[1], where); err != nil {
			return Profile{}, err
		}
	}
	if err := in.Err(); err != nil {
		return Profile{}, err
	}
	return b.finish()
}

// Split reads a profile from a list of paths of each kind, which may be empty.
func Split(lists map[Kind]string) (Profile, error) {
	var b builder
	for _, k := range Kinds {
		if lists[k] == "" {
			continue
		}
		if len(lists[k]) > MaxBytes {
			return Profile{}, fmt.Errorf("%s has %d bytes, at most %d are taken: name folders instead of what is in them", k, len(lists[k]), MaxBytes)
		}
		for p := range strings.SplitSeq(lists[k], Separator) {
			if err := b.add(k, p, string(k)); err != nil {
				return Profile{}, err
			}
		}
	}
	return b.finish()
}

// ErrEmpty says that a profile has no paths.
var ErrEmpty = errors.New("it names no path")

// builder collects the paths, each with its place in the profile.
type builder struct {
	profile Profile
	places  []place
}

type place struct {
	kind        Kind
	path, where string
}

func (b *builder) add(k Kind, p, where string) error {
	if err := validate(p); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	for _, other := range b.places {
		if other.path == p {
			return fmt.Errorf("%s: %s is there twice: %s has it too", where, p, other.where)
		}
	}
	if b.profile.paths == nil {
		b.profile.paths = make(map[Kind][]string)
	}
	b.profile.paths[k] = append(b.profile.paths[k], p)
	b.places = append(b.places, place{k, p, where})
	return nil
}

// finish refuses paths that AIDE would silently not look at: an exclusion wins over every
// other rule.
func (b *builder) finish() (Profile, error) {
	if len(b.places) == 0 {
		return Profile{}, ErrEmpty
	}
	for _, out := range b.places {
		if out.kind != Exclude {
			continue
		}
		for _, in := range b.places {
			if in.kind != Exclude && covers(out.path, in.path) {
				return Profile{}, fmt.Errorf("%s: AIDE would not look at %s, since %s excludes %s", in.where, in.path, out.where, out.path)
			}
		}
	}
	return b.profile, nil
}

// covers says whether one path stands for everything that another one stands for.
func covers(outer, inner string) bool {
	names, below := strings.Split(outer, "/"), strings.Split(inner, "/")
	if len(names) > len(below) {
		return false
	}
	for i, name := range names {
		if ok, err := path.Match(name, below[i]); !ok || err != nil {
			return false
		}
	}
	return true
}

// inNames are the characters, beside letters and digits, that the names in a path may hold.
// Within quotes none of them means anything to a shell, and to AIDE only * does.
const inNames = "._+@~*-"

// validate wants a path with one meaning: as a regular expression of AIDE's, as a parameter
// of a document, and in a script.
func validate(p string) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	switch {
	case !path.IsAbs(p):
		return fmt.Errorf("%.80q: want an absolute path", p)
	case len(p) > maxPath:
		return fmt.Errorf("%.80q: it has %d bytes, at most %d are taken", p, len(p), maxPath)
	case strings.IndexFunc(p, func(r rune) bool { return !inPath(r) }) >= 0:
		return fmt.Errorf("%.80q: want a path of letters, digits and %s; a * stands for what cannot be written", p, inNames)
	case path.Clean(p) != p:
		return fmt.Errorf("%q: want it as %s", p, path.Clean(p))
	case first == "" || strings.Contains(first, "*"):
		return fmt.Errorf("%q: want the first folder by its name: this is the whole system", p)
	case strings.Contains(p, "@@"):
		return fmt.Errorf("%q: @@ means something else to AIDE", p)
	}
	return nil
}

func inPath(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '/' || strings.ContainsRune(inNames, r)
}
