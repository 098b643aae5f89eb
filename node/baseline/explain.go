package baseline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"
)

// explain puts before an error what keeps the baseline, or the named files beside it, from
// being written, and what mends that.
func explain(err error, path string, others ...string) error {
	if cure := cureOf(err, append([]string{path, filepath.Dir(path)}, others...)); cure != "" {
		return fmt.Errorf("%s (%w)", cure, err)
	}
	return err
}

func cureOf(err error, paths []string) string {
	dir := paths[1]
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Sprintf("%s is on a read-only file system: mount it read-write, or name another folder by database_in", dir)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room in " + dir
	case errors.Is(err, syscall.EMLINK):
		return fmt.Sprintf("%s has as many hard links as its file system allows: remove some", paths[0])
	case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EOPNOTSUPP):
		return ""
	}
	for _, path := range paths {
		if flag := flagOf(path); flag != "" {
			return fmt.Sprintf("%s may not be changed: chattr -%s %s", path, flag, path)
		}
	}
	var failed *os.LinkError
	if errors.As(err, &failed) && failed.Op == "link" && !errors.Is(err, syscall.EACCES) {
		return fmt.Sprintf("%s is on a file system without hard links, by which the old baseline is kept: name a folder on another one by database_in", dir)
	}
	return fmt.Sprintf("%s cannot be written to: make it writable for root, or name another folder by database_in", dir)
}

// From linux/fs.h: the request for a file's flags, and those that bind root too.
const (
	getFlags      = 2<<30 | unsafe.Sizeof(uintptr(0))<<16 | 'f'<<8 | 1 // FS_IOC_GETFLAGS
	immutableFlag = 0x10                                               // FS_IMMUTABLE_FL
	appendFlag    = 0x20                                               // FS_APPEND_FL
)

// flagOf is the flag, as chattr(1) calls it, that keeps a file or a folder from being
// replaced. It is empty if there is none, or if the file system has no flags.
func flagOf(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would block
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	var flags uint // the kernel writes an int or a long
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), getFlags, uintptr(unsafe.Pointer(&flags)))
	switch {
	case errno != 0:
		return ""
	case flags&immutableFlag != 0:
		return "i"
	case flags&appendFlag != 0:
		return "a"
	}
	return ""
}
