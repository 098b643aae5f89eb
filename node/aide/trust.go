package aide

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrUntrusted says that others than root and the user of this process can change a file. A
// user that can change AIDE's configuration can make AIDE write any file as root
// (report_url), and run any program (@@x_include).
var ErrUntrusted = errors.New("others can change it")

// maxLinks bounds links that lead to each other, as Linux does (path_resolution(7)).
const maxLinks = 40

// Trusted wants a file that only root and the user of this process can change or replace.
// It looks at each folder and each link on the way to the file. The file may lie in a
// folder with the sticky bit, such as /tmp, in which nobody can replace the files of
// others. The error wraps ErrUntrusted.
func Trusted(path string) error { return trusted(path, Account{}) }

func trusted(path string, also Account) error {
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil {
			return err
		}
		path = wd + "/" + path // not cleaned: behind a link .. leads elsewhere
	}
	at, names := "/", namesOn(path)
	for links := 0; ; names = names[1:] {
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
		if err := ours(at, info, sticky && len(names) > 0, also); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return fmt.Errorf("%s: %w", path, syscall.ELOOP)
			}
			target, err := os.Readlink(at)
			if err != nil {
				return err
			}
			at, names = filepath.Dir(at), append(namesOn(target), names...)
			if filepath.IsAbs(target) {
				at = "/"
			}
		}
		if len(names) == 0 {
			return nil
		}
		at = filepath.Join(at, names[0])
	}
}

// Ours refuses a file or a folder that belongs to another user than root and that of this
// process, or that others, or a group but root's (0), can write to. No distribution ships a
// configuration of AIDE's that another group can write to. The error wraps ErrUntrusted and
// says what mends it.
func Ours(path string, info fs.FileInfo) error {
	return ours(path, info, false, Account{})
}

func ours(path string, info fs.FileInfo, shared bool, also Account) error {
	stat, mode := info.Sys().(*syscall.Stat_t), info.Mode() // on Linux, it always is one
	uid := int(stat.Uid)
	writable := mode.Perm() & 0o022
	if stat.Gid == 0 || also.group(info) {
		writable &^= 0o020
	}
	var mend []string
	if uid != 0 && uid != os.Geteuid() && !also.user(info) {
		mend = append(mend, "chown root "+path)
	}
	if writable != 0 && mode&fs.ModeSymlink == 0 && !shared { // a link has no mode
		mend = append(mend, "chmod go-w "+path)
	}
	if mend == nil {
		return nil
	}
	return fmt.Errorf("%s: %w (user %d, mode %04o): look at what is in it, then %s", path, ErrUntrusted, uid, mode.Perm(), strings.Join(mend, " && "))
}

// namesOn are the names of the folders on a path, and of what is at its end.
func namesOn(path string) (names []string) {
	for name := range strings.SplitSeq(path, "/") {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}
