package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// temporary begins the names of files that are being written.
const temporary = ".tmp-"

// Folder is a Store in a folder that only its owner can write. Processes that share it
// lose nothing to each other.
type Folder struct{ path string }

// OpenFolder opens a folder, and makes it if it is not there. It refuses one that others
// can write: what it remembers would be theirs.
func OpenFolder(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", path, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the ledger: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	owner := -1
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(s.Uid)
	}
	switch {
	case !info.IsDir():
		return nil, fmt.Errorf("ledger %s is no folder; give another with --ledger", path)
	case info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("others can write the ledger %s (%s), and so what it remembers; chmod go-w it, or give another with --ledger", path, info.Mode().Perm())
	case owner != os.Geteuid() && owner != 0:
		return nil, fmt.Errorf("the ledger %s belongs to user %d, who can write what it remembers; give another with --ledger", path, owner)
	}
	return &Folder{path}, nil
}

// String is the path.
func (f *Folder) String() string { return f.path }

// Read is Store.Read.
func (f *Folder) Read(_ context.Context, key string) ([]byte, string, error) {
	data, err := os.ReadFile(f.at(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%s: %w", f.at(key), ErrNotFound)
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the ledger: %w", err)
	}
	return data, digest(data), nil
}

// Write is Store.Write.
func (f *Folder) Write(_ context.Context, key string, data []byte) error {
	return f.locked(func() error { return f.replace(key, data) })
}

// WriteIf is Store.WriteIf.
func (f *Folder) WriteIf(ctx context.Context, key string, data []byte, version string) error {
	return f.locked(func() error {
		_, now, err := f.Read(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if now != version {
			return fmt.Errorf("%s: %w", f.at(key), ErrChanged)
		}
		return f.replace(key, data)
	})
}

// List is Store.List.
func (f *Folder) List(ctx context.Context, prefix string) ([]string, error) {
	// Nothing outside the prefix's folder can begin with it.
	top := f.at(prefix[:strings.LastIndexByte(prefix, '/')+1])
	var keys []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && path == top && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		rel, err := filepath.Rel(f.path, path)
		if key := filepath.ToSlash(rel); strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the ledger: %w", err)
	}
	slices.Sort(keys)
	return keys, nil
}

// at is the file of a key.
func (f *Folder) at(key string) string { return filepath.Join(f.path, filepath.FromSlash(key)) }

// locked calls while no other process writes.
func (f *Folder) locked(call func() error) (err error) {
	lock, err := os.OpenFile(filepath.Join(f.path, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the ledger: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // which unlocks it
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the ledger %s: %w", f.path, err)
	}
	return call()
}

// replace writes a file beside the old one, and then puts it in its place.
func (f *Folder) replace(key string, data []byte) (err error) {
	path := f.at(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return fmt.Errorf("write the ledger: %w", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the ledger: %w", err), os.Remove(file.Name()))
	}
	return nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
