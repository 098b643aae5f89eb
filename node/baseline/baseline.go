// Package baseline looks after AIDE's input database: the state of the files
// that checks compare with.
package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aidefleet/node/aide"
)

var (
	// ErrMissing says that there is no baseline.
	ErrMissing = errors.New("there is no baseline")
	// ErrExists says that there is a baseline already.
	ErrExists = errors.New("there is a baseline already")
)

// Info describes a database that has been read to its end.
type Info struct {
	Path    string
	SHA256  string // of the file as it lies on disk, hex
	Created time.Time
	Size    int64 // bytes
	Entries int
}

// Inspect reads a database to its end and hands each entry to visit, which may
// be nil. The error is ErrMissing if there is none, and wraps aide.ErrDatabase if
// it is not complete.
func Inspect(path string, visit func(aide.Entry) error) (Info, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, fmt.Errorf("%w at %s", ErrMissing, path)
	}
	if err != nil {
		return Info{}, err
	}
	defer func() { _ = f.Close() }()
	stat, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	if !stat.Mode().IsRegular() {
		return Info{}, fmt.Errorf("%s: %w: it is not a regular file", path, aide.ErrDatabase)
	}
	digest := sha256.New()
	in := io.TeeReader(f, digest)
	entries, err := aide.ReadDatabase(in, visit)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return Info{}, err
	}
	return Info{
		Path: path, SHA256: hex.EncodeToString(digest.Sum(nil)),
		Created: stat.ModTime(), Size: stat.Size(), Entries: entries,
	}, nil
}

// Install puts a complete database where no baseline is yet. A crash at any
// point leaves no baseline or a whole one. The error is ErrExists if somebody
// else was faster.
func Install(database, path string) (err error) {
	in, err := os.Open(database)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	// The folder is AIDE's by its package; a host whose configuration names
	// another one may not have it yet.
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	out, err := os.CreateTemp(dir, filepath.Base(path)+".aide-node-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(out.Name()) }()
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", database, err)
	}
	// A link, unlike a rename, never replaces anything.
	if err := os.Link(out.Name(), path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w at %s", ErrExists, path)
	} else if err != nil {
		return err
	}
	return syncFolder(dir)
}

// syncFolder makes a new name in a folder last through a crash.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
