package host

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// aidesFolder is where a sandbox sees the folder with AIDEs.
const aidesFolder = "/.aides"

// labProgram is where a sandbox sees this program.
const labProgram = "/.lab/lab"

// searchPath is the PATH in a sandbox, the one systemd gives a service
// (systemd.exec(5), with /sbin and /bin where they are folders of their own).
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// isolation are the arguments of bwrap that make a sandbox, without its files.
// An ordinary user needs a user namespace, in which he is root; root does not,
// and can then sandbox where user namespaces are forbidden. Root on a host has few
// capabilities in both: with others, above all CAP_SYS_ADMIN, it could write to what is
// mounted for reading only. bwrap sees to it that no program gets more
// (PR_SET_NO_NEW_PRIVS).
func isolation() []string {
	args := []string{
		"--unshare-pid", "--unshare-uts", "--unshare-ipc",
		"--die-with-parent", "--new-session", "--cap-drop", "ALL",
	}
	for _, c := range slices.Sorted(maps.Keys(capabilities)) {
		args = append(args, "--cap-add", c)
	}
	if os.Geteuid() != 0 {
		args = append(args, "--unshare-user", "--uid", "0", "--gid", "0")
	}
	return args
}

// bwrapArgs are the arguments of bwrap for this host up to the program. The
// mounts map paths in the sandbox to files and folders of the machine, for
// reading only.
func (h *Host) bwrapArgs(mounts map[string]string) ([]string, error) {
	args := append(isolation(), "--hostname", h.Name)
	system, err := systemMounts("/")
	if err != nil {
		return nil, err
	}
	args = append(args, system...)
	own := ownPrograms()
	maps.Copy(own, map[string]string{"etc": "/etc", "srv": "/srv", "var": "/var"})
	for _, name := range slices.Sorted(maps.Keys(own)) {
		args = append(args, "--bind", filepath.Join(h.dir, name), own[name])
	}
	if h.AIDE != "" {
		args = append(args, "--ro-bind", h.AIDEs, aidesFolder)
	}
	args = append(args, "--dir", "/root", "--dir", "/home", "--dir", "/opt",
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run")
	kernel, err := kernelMounts("/proc")
	if err != nil {
		return nil, err
	}
	args = append(args, kernel...)
	// Sorted, so that what is mounted in another mount comes after it.
	for _, p := range slices.Sorted(maps.Keys(h.Tmpfs)) {
		args = append(args, "--size", strconv.FormatInt(h.Tmpfs[p], 10), "--tmpfs", p)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	// A mount cannot be moved or removed in the sandbox, which is why the program's
	// folder is one: who enters a sandbox can trust what is there.
	args = append(args, "--tmpfs", filepath.Dir(labProgram), "--ro-bind", self, labProgram, "--remount-ro", filepath.Dir(labProgram))
	for _, p := range slices.Sorted(maps.Keys(mounts)) {
		args = append(args, "--ro-bind", mounts[p], p)
	}
	return append(args, "--chdir", "/"), nil
}

// systemMounts are the arguments of bwrap for the programs and libraries of the
// machine whose root is given. /usr is laid out entry by entry, because its bin is
// the host's; the top level has links into it or, where the distribution has not
// merged them, folders.
func systemMounts(root string) ([]string, error) {
	usr := filepath.Join(root, "usr")
	// Folders that bwrap makes unasked are closed to all but root.
	args := []string{"--dir", "/.os", "--ro-bind", usr, machineFolder, "--dir", "/usr"}
	entries, err := os.ReadDir(usr)
	if err != nil {
		return nil, fmt.Errorf("list system folders: %w", err)
	}
	for _, e := range entries {
		if e.Name() == "bin" || e.Name() == "sbin" && e.IsDir() {
			args = append(args, "--dir", "/usr/"+e.Name())
			continue
		}
		args, err = appendMount(args, root, "/usr/"+e.Name())
		if err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		args, err = appendMount(args, root, "/"+name)
		if err != nil {
			return nil, err
		}
	}
	return args, nil
}

// kernelMounts are the arguments of bwrap that make of /proc all for reading only that
// is not about processes. Root's number is enough there, without a capability, to
// change the machine: /proc/sys/kernel/core_pattern names a program that the kernel
// runs as its root. What cannot be written to anyway is left alone.
func kernelMounts(proc string) ([]string, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("list the kernel's settings: %w", err)
	}
	var args []string
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("list the kernel's settings: %w", err)
		}
		if info.IsDir() || info.Mode().IsRegular() && info.Mode()&0o222 != 0 {
			args = append(args, "--ro-bind", filepath.Join(proc, e.Name()), filepath.Join("/proc", e.Name()))
		}
	}
	return args, nil
}

// appendMount appends what shows a folder of the machine, or a link, under the
// same path in the sandbox. Anything else is left out.
func appendMount(args []string, root, p string) ([]string, error) {
	source := filepath.Join(root, p)
	info, err := os.Lstat(source)
	switch {
	case os.IsNotExist(err):
		return args, nil
	case err != nil:
		return nil, fmt.Errorf("list system folders: %w", err)
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(source)
		if err != nil {
			return nil, fmt.Errorf("list system folders: %w", err)
		}
		return append(args, "--symlink", target, p), nil
	case info.IsDir():
		return append(args, "--ro-bind", source, p), nil
	}
	return args, nil
}
