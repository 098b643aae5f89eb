// Package host makes the lab's hosts: bubblewrap sandboxes, each with its own
// /etc, /var, /srv and /usr/bin, the machine's real AIDE, a real aide-node and an
// agent. They share the machine's loopback, where the lab's services are, and
// need neither root nor an image.
//
// Root on a host has the capabilities that AIDE and an operator's scripts need there,
// and none that reaches out of the sandbox.
package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// Spec says what host to make.
type Spec struct {
	Name       string // host name: lower-case letters, digits and hyphens
	InstanceID string // "i-…"
	Layout     Layout
	Role       string // hosts of one role have the same /srv/app; default "app"

	// AIDEs is a folder of this machine with AIDEs, as .ci/aides makes it, and AIDE is
	// the name in it of the host's; empty for the machine's AIDE.
	AIDEs string `json:",omitempty"`
	AIDE  string `json:",omitempty"`

	// S3 is where a real agent finds S3; the lab's own asks for it at the endpoint of all.
	S3 *S3 `json:",omitempty"`

	// Files are put on the host on top of what its layout and role have, by path
	// in /etc, /srv or /var.
	Files map[string]File `json:",omitempty"`

	// Tmpfs are file systems of their own, by path in /etc, /srv or /var, with
	// their size in bytes. They start empty and end with the sandbox; a bubblewrap
	// that is installed setuid refuses to make them.
	Tmpfs map[string]int64 `json:",omitempty"`
}

// File is a file of a host. It belongs to root, as everything does there.
type File struct {
	Content string
	Mode    fs.FileMode `json:",omitempty"` // default 0644
}

// Host is a folder that holds a host:
//
//	host.json       its Spec
//	etc, var, srv   its folders of that name
//	usrbin          its /usr/bin: aide-node, and links to the machine's programs
//	usrsbin         its /usr/sbin: links to the machine's programs
//	agent           files made for the agent
//	agent.log       what the agent printed
//	sandbox.json    the first process of the sandbox that was started last
type Host struct {
	Spec
	dir string

	mu      sync.Mutex
	sandbox *sandbox // the one started here, nil before the first Start
}

const (
	specFile = "host.json"
	nodeFile = "usrbin/aide-node"
)

var (
	hostName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	instanceID = regexp.MustCompile(`^m?i-[0-9a-f]{8,17}$`)
	aideName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,31}$`)
	roleName   = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

func (s Spec) validate() error {
	switch {
	case !hostName.MatchString(s.Name):
		return fmt.Errorf("%q is no host name", s.Name)
	case !instanceID.MatchString(s.InstanceID):
		return fmt.Errorf("%q is no instance id", s.InstanceID)
	case !roleName.MatchString(s.Role):
		return fmt.Errorf("%q is no role: lower-case letters, digits and hyphens", s.Role)
	case !s.Layout.known():
		return fmt.Errorf("layout %q: there are %q", s.Layout, Layouts())
	case s.AIDE != "" && (!aideName.MatchString(s.AIDE) || !filepath.IsAbs(s.AIDEs)):
		return fmt.Errorf("AIDE %q in %q: want a name, and an absolute path", s.AIDE, s.AIDEs)
	}
	for p := range s.Files {
		if !ownPath(p) {
			return fmt.Errorf("file %q is not in /etc, /srv or /var", p)
		}
	}
	for p, size := range s.Tmpfs {
		switch {
		case !ownPath(p):
			return fmt.Errorf("tmpfs %q is not in /etc, /srv or /var", p)
		case size <= 0: // it would have no limit
			return fmt.Errorf("tmpfs %q has a size of %d bytes", p, size)
		}
	}
	return nil
}

// ownPath reports whether p is a path below one of the host's own folders.
func ownPath(p string) bool {
	first, rest, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	return path.IsAbs(p) && path.Clean(p) == p && rest != "" && (first == "etc" || first == "srv" || first == "var")
}

// Create makes the folder dir and lays out a host in it; node is the aide-node
// binary that the host gets a copy of, and none where it is empty. It needs AIDE on the machine, whose
// version decides how the host's configuration is written. A folder that exists
// is an error; after any other error the folder is gone again.
func Create(dir string, s Spec, node string) (h *Host, err error) {
	if s.Role == "" {
		s.Role = "app"
	}
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("create host %q: %w", s.Name, err)
	}
	// The sandbox is started from elsewhere, and its processes are looked up by path.
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("create host %s: %w", s.Name, err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create host %s: %w", s.Name, err)
	}
	h = &Host{Spec: s, dir: dir}
	if err := h.layOut(node); err != nil {
		return nil, errors.Join(fmt.Errorf("create host %s: %w", s.Name, err), os.RemoveAll(dir))
	}
	return h, nil
}

func (h *Host) layOut(node string) error {
	build, err := readAIDE(h.Spec)
	if err != nil {
		return err
	}
	if err := h.makeFolders(); err != nil {
		return err
	}
	if err := h.linkPrograms(); err != nil {
		return err
	}
	if h.AIDE != "" {
		// By the machine's path: it looks for its libraries beside itself.
		script := fmt.Sprintf("#!/bin/sh\nexec %s/%s/aide \"$@\"\n", aidesFolder, h.AIDE)
		if err := os.WriteFile(filepath.Join(h.dir, "usrbin/aide"), []byte(script), 0o755); err != nil {
			return err
		}
	}
	if node != "" {
		if err := copyProgram(node, filepath.Join(h.dir, nodeFile)); err != nil {
			return err
		}
	}
	for _, files := range []map[string]File{systemFiles(h.Spec, build), App(h.Role, "1.0"), h.Files} {
		if err := h.Write(files); err != nil {
			return err
		}
	}
	if err := h.finishLayout(); err != nil {
		return err
	}
	// Last, so that half a host is none.
	spec, err := json.MarshalIndent(h.Spec, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(h.dir, specFile), append(spec, '\n'), 0o644)
}

// Open returns the host that Create made in dir.
func Open(dir string) (*Host, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open host %s: %w", dir, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, specFile))
	if err != nil {
		return nil, fmt.Errorf("open host: %w", err)
	}
	h := &Host{dir: dir}
	if err := json.Unmarshal(text, &h.Spec); err != nil {
		return nil, fmt.Errorf("open host %s: %w", dir, err)
	}
	if err := h.validate(); err != nil {
		return nil, fmt.Errorf("open host %s: %w", dir, err)
	}
	return h, nil
}

// Dir is the host's folder on this machine.
func (h *Host) Dir() string { return h.dir }

// Log is the path of the file on this machine that holds what the agent printed.
func (h *Host) Log() string { return filepath.Join(h.dir, "agent.log") }

// Write puts files on the host, running or not, by path in /etc, /srv or /var;
// one that is there is overwritten, but left alone if it is the same: its times
// would change, and so AIDE's answer. What lies under a Tmpfs is out of reach.
func (h *Host) Write(files map[string]File) error {
	root, err := os.OpenRoot(h.dir) // a link on the host must not lead out of it
	if err != nil {
		return fmt.Errorf("write to host %s: %w", h.Name, err)
	}
	defer func() { _ = root.Close() }() // it holds no data
	for p, f := range files {
		if err := write(root, p, f); err != nil {
			return fmt.Errorf("write to host %s: %w", h.Name, err)
		}
	}
	return nil
}

// Read returns a file of the host, by its path in /etc, /srv or /var.
func (h *Host) Read(p string) (string, error) {
	if !ownPath(p) {
		return "", fmt.Errorf("read from host %s: %q is not in /etc, /srv or /var", h.Name, p)
	}
	root, err := os.OpenRoot(h.dir) // a link on the host must not lead out of it
	if err != nil {
		return "", fmt.Errorf("read from host %s: %w", h.Name, err)
	}
	defer func() { _ = root.Close() }() // only read
	text, err := root.ReadFile(strings.TrimPrefix(p, "/"))
	if err != nil {
		return "", fmt.Errorf("read from host %s: %w", h.Name, err)
	}
	return string(text), nil
}

func write(root *os.Root, p string, f File) error {
	if !ownPath(p) {
		return fmt.Errorf("%q is not in /etc, /srv or /var", p)
	}
	name := strings.TrimPrefix(p, "/")
	// A host looks the same under every umask.
	for i, c := range name {
		if c != '/' {
			continue
		}
		if err := root.Mkdir(name[:i], 0o755); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return err
		}
		if err := root.Chmod(name[:i], 0o755); err != nil {
			return err
		}
	}
	mode := f.Mode
	if mode == 0 {
		mode = 0o644
	}
	if info, err := root.Lstat(name); err == nil && info.Mode() == mode {
		if there, err := root.ReadFile(name); err == nil && string(there) == f.Content {
			return nil
		}
	}
	if err := root.WriteFile(name, []byte(f.Content), mode); err != nil {
		return err
	}
	return root.Chmod(name, mode)
}

// copyProgram copies an executable file.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	// A program that is open for writing cannot be started ("text file busy"), and
	// a process that another goroutine starts in this moment would hold it open.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(fmt.Errorf("copy %s to %s: %w", from, to, err), out.Close())
	}
	// Not as the umask has it.
	if err := out.Chmod(0o755); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}
