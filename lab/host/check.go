package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Check reports what is missing to run hosts on this machine, one line for each
// thing, with what to install or to allow.
func Check() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("sandboxed hosts need Linux, this is %s", runtime.GOOS)
	}
	var missing []error
	for _, need := range []struct{ program, packaged string }{
		{"bwrap", "bubblewrap"}, {"nsenter", "util-linux"}, {"aide", "aide"},
	} {
		if _, err := lookUp(need.program); err != nil {
			missing = append(missing, fmt.Errorf("%w: %s", err, install(need.packaged)))
		}
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	return trySandbox()
}

// lookUp finds a program where a sandbox finds it too. The PATH of an ordinary
// user may lack the sbin folders, where aide is on some systems.
func lookUp(program string) (string, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		if p, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", program)
}

// install says how to install a package here.
func install(name string) string {
	for _, manager := range []string{"apt-get", "dnf", "yum", "zypper"} {
		if _, err := lookUp(manager); err == nil {
			return fmt.Sprintf("%s install %s", manager, name)
		}
	}
	return fmt.Sprintf("install the package %s", name)
}

// trySandbox makes a sandbox as a host's, with the machine's own files.
func trySandbox() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	args := append(isolation(), "--hostname", "try", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "true")
	var said strings.Builder
	cmd := exec.CommandContext(ctx, "bwrap", args...)
	cmd.Stderr = &said
	err := spawn(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n")
	return fmt.Errorf("bwrap cannot make a sandbox (%w: %.200s): %s", err, first, advise(os.DirFS("/proc/sys"), os.Geteuid()))
}

// advise says which of the kernel's settings, in the folder sys, forbids a
// sandbox to the user uid.
func advise(sys fs.FS, uid int) string {
	if uid == 0 {
		return "root needs CAP_SYS_ADMIN and the right to mount; in a container, run it with --privileged"
	}
	for _, setting := range []struct{ name, forbids, allows string }{
		{"user/max_user_namespaces", "0", "15000"},
		{"kernel/unprivileged_userns_clone", "0", "1"},             // Debian's kernels, up to 5.9
		{"kernel/apparmor_restrict_unprivileged_userns", "1", "0"}, // Ubuntu from 23.10 on
	} {
		value, err := fs.ReadFile(sys, setting.name)
		if err == nil && strings.TrimSpace(string(value)) == setting.forbids {
			return fmt.Sprintf("allow user namespaces with: sysctl -w %s=%s, or run as root",
				strings.ReplaceAll(setting.name, "/", "."), setting.allows)
		}
	}
	return "user namespaces are forbidden by something else than a sysctl (seccomp, SELinux, a container): run as root"
}
