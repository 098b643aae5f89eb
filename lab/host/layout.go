package host

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
)

func (h *Host) makeFolders() error {
	for _, f := range []struct {
		name string
		mode fs.FileMode
	}{
		{"usrbin", 0o755}, {"usrsbin", 0o755}, {"agent", 0o755},
		{"etc", 0o755}, {"etc/alternatives", 0o755},
		{"srv", 0o755},
		{"var", 0o755}, {"var/tmp", 0o777 | fs.ModeSticky},
		{"var/lib", 0o755}, {"var/lib/aide", 0o700}, {"var/lib/amazon", 0o755}, {"var/lib/amazon/ssm", 0o700},
		{"var/log", 0o755}, {"var/log/aide", 0o700}, {"var/log/amazon", 0o755}, {"var/log/amazon/ssm", 0o700},
	} {
		name := filepath.Join(h.dir, f.name)
		if err := os.Mkdir(name, f.mode); err != nil {
			return err
		}
		if err := os.Chmod(name, f.mode); err != nil { // whatever the umask
			return err
		}
	}
	return os.Symlink("/run", filepath.Join(h.dir, "var/run"))
}

// machineFolder is where a sandbox sees the machine's /usr.
const machineFolder = "/.os/usr"

// ownPrograms are the folders of programs that a host has of its own, and where. On
// some machines /usr/sbin is a link to bin.
func ownPrograms() map[string]string {
	own := map[string]string{"usrbin": "/usr/bin"}
	if info, err := os.Lstat("/usr/sbin"); err == nil && info.IsDir() {
		own["usrsbin"] = "/usr/sbin"
	}
	return own
}

// linkPrograms fills the host's /usr/bin and /usr/sbin with links to the machine's
// programs, real folders that the host can change, and takes over from the machine's
// /etc what running them needs: where the alternatives point, and the loader's cache.
func (h *Host) linkPrograms() error {
	for own, folder := range ownPrograms() {
		if err := h.linkFolder(own, folder); err != nil {
			return err
		}
	}
	cache, err := os.ReadFile("/etc/ld.so.cache")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // musl has none
	}
	if err != nil {
		return err
	}
	return h.Write(map[string]File{"/etc/ld.so.cache": {Content: string(cache)}})
}

func (h *Host) linkFolder(own, folder string) error {
	programs, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, p := range programs {
		program := filepath.Join(folder, p.Name())
		if program == "/usr/bin/"+filepath.Base(nodeFile) || h.AIDE != "" && p.Name() == "aide" {
			continue // the host has its own
		}
		if err := os.Symlink(filepath.Join("/.os", program), filepath.Join(h.dir, own, p.Name())); err != nil {
			return err
		}
		alternative, err := os.Readlink(program)
		if err != nil || filepath.Dir(alternative) != "/etc/alternatives" {
			continue // no link, or one that leads nowhere near /etc
		}
		target, err := os.Readlink(alternative)
		if err != nil {
			continue // broken on the machine, and so on the host
		}
		if err := os.Symlink(target, filepath.Join(h.dir, alternative)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// systemFiles is the /etc of a host. Nothing in it comes from the machine.
func systemFiles(s Spec, b build) map[string]File {
	files := map[string]File{
		"/etc/hostname": {Content: s.Name + "\n"},
		"/etc/hosts":    {Content: "127.0.0.1 localhost " + s.Name + "\n::1 localhost\n"},
		"/etc/passwd": {Content: lines(
			"root:x:0:0:root:/root:/bin/sh",
			"daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
			"bin:x:2:2:bin:/bin:/usr/sbin/nologin",
			"mail:x:8:8:mail:/var/mail:/usr/sbin/nologin",
			"sshd:x:74:74:sshd:/run/sshd:/usr/sbin/nologin",
			fmt.Sprintf("_aide:x:%d:%[1]d::/var/lib/aide:/usr/sbin/nologin", aideUser),
			"app:x:990:990:application:/srv/app:/usr/sbin/nologin",
			"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin",
		)},
		"/etc/group": {Content: lines(
			"root:x:0:", "daemon:x:1:", "bin:x:2:", "mail:x:8:", "sshd:x:74:", fmt.Sprintf("_aide:x:%d:", aideUser), "app:x:990:", "nogroup:x:65534:",
		)},
		"/etc/shadow": {Mode: 0o600, Content: lines(
			"root:*:20000:0:99999:7:::", "daemon:*:20000:0:99999:7:::", "sshd:!:20000::::::", "app:!:20000::::::",
		)},
		"/etc/sudoers":       {Mode: 0o440, Content: lines("Defaults env_reset", "root ALL=(ALL:ALL) ALL")},
		"/etc/shells":        {Content: lines("/bin/sh", "/bin/bash")},
		"/etc/nsswitch.conf": {Content: lines("passwd: files", "group: files", "shadow: files", "hosts: files dns")},
		"/etc/profile":       {Content: lines("PATH="+searchPath, "export PATH", "umask 022")},
		"/etc/crontab":       {Content: lines("SHELL=/bin/sh", "17 * * * * root run-parts /etc/cron.hourly")},
		"/etc/ssh/sshd_config": {Mode: 0o600, Content: lines(
			"Port 22", "PermitRootLogin no", "PasswordAuthentication no", "UsePAM yes", "X11Forwarding no",
		)},
	}
	if s.S3 != nil {
		maps.Copy(files, s.S3.files(files["/etc/hosts"].Content))
	}
	for path, f := range aideFiles(s.Layout, b) {
		files[path] = f
	}
	for path, content := range s.Layout.place().files {
		files[path] = File{Content: content}
	}
	return files
}

func lines(ls ...string) string { return strings.Join(ls, "\n") + "\n" }
