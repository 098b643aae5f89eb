// Package packages asks the package managers of a host, rpm and dpkg, what changed since a
// time, and says which changes of files that explains.
//
// A package database can be forged by root. What it explains is told beside what AIDE
// counts, never taken from it.
package packages

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aidefleet/node/program"
	"aidefleet/node/wholefile"
)

// ErrNone says that the host has no package manager that this package knows.
var ErrNone = errors.New("neither rpm nor dpkg keeps packages here")

// Package is a version of a package.
type Package struct{ Name, Version string }

// String is how people read it.
func (p Package) String() string { return p.Name + " " + p.Version }

// Compare orders packages by name.
func (p Package) Compare(other Package) int {
	return cmp.Or(strings.Compare(p.Name, other.Name), strings.Compare(p.Version, other.Version))
}

// File is what a package database says of one path.
type File struct {
	Path string
	Package
	Digest    string // hex, of a regular file; empty if the database has none
	Algorithm string // of the digest
	// Mode has the type of the file too. Without it, the database knows neither mode nor
	// owner nor target.
	Mode         uint32
	User, Group  string
	Target       string // of a link
	Capabilities string // as rpm writes them
	// Parent says that the package does not tell of this path: it is a folder of one that it
	// does.
	Parent bool
}

// Query says whom to ask, and how.
type Query struct {
	Since  time.Time // packages that were installed before do not count
	Folder string    // for a file without a name
	Weight program.Weight
	Limit  time.Duration // for each manager

	managers []manager // empty for those of this host
}

// manager is a package manager with its database.
type manager interface {
	fmt.Stringer
	// files hands each file of the packages that were installed since then to put, and all
	// packages to see.
	files(ctx context.Context, q Query, see func(Package), put func(File) error) error
}

// Files are what package databases say. Close them.
type Files struct {
	Installed map[Package]bool // all packages, whenever they were installed
	spool     *os.File
}

// Ask asks each package manager. The error is ErrNone if there is none. If one fails, there
// are no files at all: half an answer would tell hosts apart that are alike.
func Ask(ctx context.Context, q Query) (*Files, error) {
	if q.managers == nil {
		q.managers = find()
	}
	if len(q.managers) == 0 {
		return nil, ErrNone
	}
	spool, err := wholefile.CreateUnnamed(q.Folder)
	if err != nil {
		return nil, err
	}
	out := bufio.NewWriter(spool)
	files := &Files{Installed: map[Package]bool{}, spool: spool}
	for _, m := range q.managers {
		limited, cancel := context.WithTimeout(ctx, q.Limit)
		err = m.files(limited, q, func(p Package) { files.Installed[p] = true }, func(f File) error { return f.write(out) })
		if errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
			err = fmt.Errorf("no answer within %s; is its database locked?", q.Limit)
		}
		cancel()
		if err != nil {
			_ = spool.Close()
			return nil, fmt.Errorf("%s: %w", m, err)
		}
	}
	return files, out.Flush()
}

// find finds the package managers of this host that have a database.
func find() (list []manager) {
	for _, path := range []string{"/usr/lib/sysimage/rpm", "/var/lib/rpm"} {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			if exists(filepath.Join(path, name)) && list == nil && exists(rpmPath) {
				list = append(list, rpm{})
			}
		}
	}
	if exists(filepath.Join(dpkgFolder, "status")) && exists(dpkgQueryPath) {
		list = append(list, dpkg{dpkgFolder})
	}
	return list
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Close gives up the files.
func (f *Files) Close() { _ = f.spool.Close() }

// Each hands over each file.
func (f *Files) Each(visit func(File) error) error {
	if _, err := f.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReader(f.spool)
	for {
		file, err := readFile(in)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := visit(file); err != nil {
			return err
		}
	}
}

// fields are those of a file as the spool has them, each ended by a zero byte.
func (f *File) fields() []*string {
	return []*string{&f.Path, &f.Name, &f.Version, &f.Digest, &f.Algorithm, &f.User, &f.Group, &f.Target, &f.Capabilities}
}

func (f File) write(out *bufio.Writer) error {
	f.Path = canonical(f.Path)
	for _, field := range f.fields() {
		_, _ = out.WriteString(*field)
		_ = out.WriteByte(0)
	}
	_, err := fmt.Fprintf(out, "%o %t\x00", f.Mode, f.Parent) // an error of before stays (bufio.Writer)
	return err
}

func readFile(in *bufio.Reader) (f File, err error) {
	for i, field := range f.fields() {
		if *field, err = readField(in); err != nil {
			if i > 0 {
				err = io.ErrUnexpectedEOF
			}
			return f, err
		}
	}
	rest, err := readField(in)
	if err != nil {
		return f, io.ErrUnexpectedEOF
	}
	mode, parent, _ := strings.Cut(rest, " ")
	m, err := strconv.ParseUint(mode, 8, 32)
	f.Mode, f.Parent = uint32(m), parent == "true"
	return f, err
}

func readField(in *bufio.Reader) (string, error) {
	field, err := in.ReadString(0)
	return strings.TrimSuffix(field, "\x00"), err
}

// moved are the folders of the root that are links on a host with a merged /usr, while its
// packages may still name files by them.
var moved = []string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}

// canonical is the path by which AIDE finds the file.
func canonical(path string) string {
	for _, dir := range moved {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok {
			if target, err := os.Readlink(dir); err == nil && (target == "usr"+dir || target == "/usr"+dir) {
				return "/usr" + dir + "/" + rest
			}
		}
	}
	return path
}

// withParents hands each file to put, and the folder that it is in. Files come by package.
func withParents(put func(File) error) func(File) error {
	var last File
	return func(f File) error {
		dir := filepath.Dir(f.Path)
		if parent := (File{Path: dir, Package: f.Package, Parent: true}); parent != last {
			last = parent
			if err := put(parent); err != nil {
				return err
			}
		}
		return put(f)
	}
}

// run runs a program and hands each line that it prints to visit, without its end.
func run(ctx context.Context, w program.Weight, visit func(line string) error, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = program.Environment()
	out := &lines{visit: visit}
	complaint := &program.Head{Most: maxComplaint}
	cmd.Stdout, cmd.Stderr = out, complaint
	err := program.Run(cmd, w)
	var exit *exec.ExitError
	switch {
	case out.err != nil:
		return out.err
	case errors.As(err, &exit):
		return fmt.Errorf("%s ended with %w: %s", path, exit, firstLine(complaint.Kept))
	case err != nil:
		return err
	case len(out.rest) > 0:
		return fmt.Errorf("%s: its last line has no end", path)
	}
	return nil
}

// maxComplaint bounds how much is kept of what a package manager prints on stderr, in bytes.
const maxComplaint = 4096

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// maxLine bounds a line that a package manager prints, in bytes.
const maxLine = 64 << 10

// lines takes what a program prints line by line.
type lines struct {
	visit func(string) error
	rest  []byte
	err   error
}

// Write never fails, so that the program goes on to its end.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for l.err == nil {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		if len(l.rest)+len(line) > maxLine {
			l.err = fmt.Errorf("it printed a line of more than %d bytes", maxLine)
			break
		}
		l.rest = append(l.rest, line...)
		if !ended {
			break
		}
		l.err = l.visit(string(l.rest))
		l.rest, p = l.rest[:0], rest
	}
	return n, nil
}
