// Package baseline looks after AIDE's input database: the state of the files
// that checks compare with. At every moment, a crash included, the name of the
// baseline stands for a whole database: the old one or the new one.
//
// It writes into no folder but that of the baseline. What it leaves there beside
// the baseline, for a baseline aide.db:
//
//	aide.db.aide-node-20261123T050000Z   what the baseline was until then (UTC)
//	aide.db.aide-node-undone             what the baseline was before Undo
//	aide.db.aide-node-tmp-…              only while a run is at work
package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/regular"
)

var (
	// ErrMissing says that there is no baseline.
	ErrMissing = errors.New("there is no baseline")
	// ErrExists says that there is a baseline already.
	ErrExists = errors.New("there is a baseline already")
	// ErrDigest says that a database does not have the expected digest.
	ErrDigest = errors.New("another database than was meant")
	// ErrNoBackup says that no old baseline is kept.
	ErrNoBackup = errors.New("no older baseline is kept")
)

// Info describes a database that has been read to its end.
type Info struct {
	aide.Database
	Path    string
	SHA256  string // of the file as it lies on disk, hex
	Created time.Time
	Size    int64 // bytes
}

// Digest is the SHA-256 of the file at a path, whole or not, hex.
func Digest(path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// Inspect reads a database to its end and hands each entry to visit, which may
// be nil. The error is ErrMissing if there is none, and wraps aide.ErrDatabase if
// it is not complete.
func Inspect(path string, visit func(aide.Entry) error) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would block
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
	database, err := aide.ReadDatabase(in, visit)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return Info{}, err
	}
	return Info{
		Database: database, Path: path, SHA256: hex.EncodeToString(digest.Sum(nil)),
		Created: stat.ModTime(), Size: stat.Size(),
	}, nil
}
