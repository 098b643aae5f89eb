package packages

import (
	"context"
	"crypto/md5"  //nolint:gosec // what dpkg has
	"crypto/sha1" //nolint:gosec // what old packages of rpm have
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"aidefleet/node/regular"
)

// Entry is what AIDE records of a path, as its database writes it.
type Entry struct {
	Perm, UID, GID, Target    string
	MD5, SHA1, SHA256, SHA512 string // base64; empty if AIDE did not record it
}

// Host compares what packages say with the files that the host has.
type Host struct {
	users, groups map[string]string // numbers by name
}

// NewHost knows nobody yet.
func NewHost() *Host { return &Host{map[string]string{}, map[string]string{}} }

// Explains says that a package has put there what AIDE found. was is what the baseline has
// of the path, nil if it has nothing. A file that AIDE found and that is another one by now
// is not explained, nor is one that cannot be read. An error is that of ctx.
//
// Of rpm's packages type, mode, owner, group, digest, target and capabilities have to be as
// the package says. dpkg's packages say only a file's MD5: mode and owner have to be as they
// were, or root's without more rights for others, and a link has to lead where it led.
func (h *Host) Explains(ctx context.Context, f File, now Entry, was *Entry) (bool, error) {
	info, err := os.Lstat(f.Path)
	if err != nil {
		return false, ctx.Err()
	}
	stat := info.Sys().(*syscall.Stat_t) // on Linux, it always is one
	if strconv.FormatUint(uint64(stat.Mode), 8) != now.Perm || hasACL(f.Path) {
		return false, ctx.Err()
	}
	if f.Mode != 0 && !h.isAsPackaged(f, stat) || f.Mode == 0 && !isHarmless(f, stat, now, was) {
		return false, ctx.Err()
	}
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return f.Digest == "", ctx.Err()
	case syscall.S_IFLNK:
		target, err := os.Readlink(f.Path)
		if f.Mode == 0 {
			f.Target = leadsTo(was)
		}
		return err == nil && f.Digest == "" && target != "" && target == f.Target, ctx.Err()
	case syscall.S_IFREG:
		return f.Digest != "" && fits(ctx, f, now), ctx.Err()
	}
	return false, ctx.Err()
}

// isAsPackaged compares with what an rpm says.
func (h *Host) isAsPackaged(f File, stat *syscall.Stat_t) bool {
	return f.Mode == stat.Mode &&
		numberOf(h.users, f.User, userID) == strconv.FormatUint(uint64(stat.Uid), 10) &&
		numberOf(h.groups, f.Group, groupID) == strconv.FormatUint(uint64(stat.Gid), 10)
}

// numberOf looks a name up once.
func numberOf(known map[string]string, name string, look func(string) string) string {
	if _, found := known[name]; !found {
		known[name] = look(name)
	}
	return known[name]
}

func userID(name string) string {
	if u, err := user.Lookup(name); err == nil {
		return u.Uid
	}
	return ""
}

func groupID(name string) string {
	if g, err := user.LookupGroup(name); err == nil {
		return g.Gid
	}
	return ""
}

// dangerous are the bits of a mode that give rights which a file of root's has seldom.
const dangerous = syscall.S_ISUID | syscall.S_ISGID | 0o022

// isHarmless says of a path of which the package knows neither mode nor owner that they are
// as they were, or root's without more rights. A folder above must be as it was.
func isHarmless(f File, stat *syscall.Stat_t, now Entry, was *Entry) bool {
	unchanged := was != nil && was.Perm == now.Perm && was.UID == now.UID && was.GID == now.GID
	if f.Parent {
		return unchanged && stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
	}
	mode := stat.Mode
	if mode&syscall.S_IFMT == syscall.S_IFLNK {
		mode = 0 // that of a link means nothing
	}
	return unchanged || stat.Uid == 0 && stat.Gid == 0 && mode&dangerous == 0
}

// leadsTo is the target of a link in a database, which writes names with escapes: one that
// has any is not compared.
func leadsTo(e *Entry) string {
	if e == nil || e.Target == "0" {
		return ""
	}
	return e.Target
}

// fits says that the content and the capabilities of a file are the package's, and that AIDE
// found this content too. It reads the file only if AIDE did not record the package's digest.
func fits(ctx context.Context, f File, now Entry) bool {
	in, err := regular.Open(f.Path)
	if err != nil {
		return false
	}
	defer func() { _ = in.Close() }()
	if !hasCapabilities(in, f.Capabilities) {
		return false
	}
	if recorded := now.digest(f.Algorithm); recorded != "" {
		return sameDigest(f.Digest, recorded)
	}
	of, name := newHash(f.Algorithm), now.strongest()
	found := newHash(name)
	if of == nil || found == nil {
		return false
	}
	if _, err := io.Copy(io.MultiWriter(of, found), reader{ctx, in}); err != nil {
		return false
	}
	return hex.EncodeToString(of.Sum(nil)) == f.Digest && base64.StdEncoding.EncodeToString(found.Sum(nil)) == now.digest(name)
}

// reader ends when ctx does.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// sameDigest compares hex with base64.
func sameDigest(a, b string) bool {
	raw, err := base64.StdEncoding.DecodeString(b)
	return err == nil && hex.EncodeToString(raw) == a
}

// digest is the digest by that algorithm, base64; empty if AIDE did not record it.
func (e Entry) digest(algorithm string) string {
	recorded := map[string]string{"md5": e.MD5, "sha1": e.SHA1, "sha256": e.SHA256, "sha512": e.SHA512}[algorithm]
	if recorded == "0" {
		return ""
	}
	return recorded
}

// strongest is the strongest digest that AIDE recorded.
func (e Entry) strongest() string {
	for _, algorithm := range []string{"sha512", "sha256", "sha1", "md5"} {
		if e.digest(algorithm) != "" {
			return algorithm
		}
	}
	return ""
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "md5":
		return md5.New() //nolint:gosec // as above
	case "sha1":
		return sha1.New() //nolint:gosec // as above
	case "sha256":
		return sha256.New()
	case "sha512":
		return sha512.New()
	}
	return nil
}

// hasACL says that somebody got rights beside those of the mode. A file system without
// access lists has none.
func hasACL(path string) bool {
	for _, name := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
		if _, err := unix.Lgetxattr(path, name, nil); err == nil {
			return true
		}
	}
	return false
}

// hasCapabilities says that a file has the capabilities that rpm writes so, and no others.
func hasCapabilities(f *os.File, want string) bool {
	text, err := parseCapabilities(want)
	if err != nil {
		return false
	}
	value := make([]byte, 64)
	n, err := unix.Fgetxattr(int(f.Fd()), "security.capability", value)
	if errors.Is(err, syscall.ENODATA) || errors.Is(err, syscall.ENOTSUP) {
		return text == (capabilities{})
	}
	is, ok := decodeCapabilities(value[:max(n, 0)])
	return err == nil && ok && is == text
}
