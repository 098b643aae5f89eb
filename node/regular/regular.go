// Package regular opens files only if they are regular ones. If a pipe or a device has a
// file's name, opening it could block, and reading it could go on without end.
package regular

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ErrNot says that a path leads to something else than a regular file.
var ErrNot = errors.New("not a regular file")

// OpenFile is os.OpenFile that never waits for another process. Its error wraps ErrNot if
// the path does not lead to a regular file. It follows links unless flag has
// syscall.O_NOFOLLOW.
func OpenFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK, mode)
	switch {
	case errors.Is(err, syscall.ENXIO): // a pipe that nobody reads, or a socket (open(2))
		return nil, wrong(path)
	case err != nil:
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = wrong(path)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func wrong(path string) error {
	return fmt.Errorf("%s is %w: look at who put what there, then remove it", path, ErrNot)
}

// Open opens a file for reading. It does not follow a link.
func Open(path string) (*os.File, error) {
	return OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
}

// Read reads a file as Open opens it, and at most that many bytes of it.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	return io.ReadAll(io.LimitReader(f, most))
}
