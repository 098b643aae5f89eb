package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Layout is the distribution whose places and names a host has.
type Layout string

// The layouts. They differ in where AIDE's configuration is and in how its
// databases are called.
const (
	// AmazonLinux has /etc/aide.conf and /var/lib/aide/aide.db.gz, as RHEL does.
	AmazonLinux Layout = "amazon-linux"
	// Debian has /etc/aide/aide.conf and /var/lib/aide/aide.db, as Ubuntu does.
	Debian Layout = "debian"
)

func (l Layout) known() bool { return l == AmazonLinux || l == Debian }

// Platform is what the host's os-release, and so its agent, says of it.
func (l Layout) Platform() (name, version string) {
	if l == Debian {
		return "Debian GNU/Linux", "12"
	}
	return "Amazon Linux", "2023"
}

// Config is the path of AIDE's configuration on the host.
func (l Layout) Config() string {
	if l == Debian {
		return "/etc/aide/aide.conf"
	}
	return "/etc/aide.conf"
}

// Database is the path of AIDE's database on the host, and NewDatabase the one
// it writes.
func (l Layout) Database() string {
	if l == Debian {
		return "/var/lib/aide/aide.db"
	}
	return "/var/lib/aide/aide.db.gz"
}

// NewDatabase is the path of the database that AIDE writes on the host.
func (l Layout) NewDatabase() string {
	if l == Debian {
		return "/var/lib/aide/aide.db.new"
	}
	return "/var/lib/aide/aide.db.new.gz"
}

func (h *Host) makeFolders() error {
	for _, f := range []struct {
		name string
		mode fs.FileMode
	}{
		{"usrbin", 0o755}, {"agent", 0o755},
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

// machinePrograms is where a sandbox sees the machine's /usr/bin.
const machinePrograms = "/.os/usr/bin"

// linkPrograms fills the host's /usr/bin with links to the machine's programs, a
// real folder that the host can change, and takes over from the machine's /etc
// what running them needs: where the alternatives point, and the loader's cache.
func (h *Host) linkPrograms() error {
	programs, err := os.ReadDir("/usr/bin")
	if err != nil {
		return err
	}
	for _, p := range programs {
		if p.Name() == filepath.Base(nodeFile) {
			continue // the host has its own
		}
		if err := os.Symlink(filepath.Join(machinePrograms, p.Name()), filepath.Join(h.dir, "usrbin", p.Name())); err != nil {
			return err
		}
		alternative, err := os.Readlink(filepath.Join("/usr/bin", p.Name()))
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
	cache, err := os.ReadFile("/etc/ld.so.cache")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // musl has none
	}
	if err != nil {
		return err
	}
	return h.Write(map[string]File{"/etc/ld.so.cache": {Content: string(cache)}})
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
			"app:x:990:990:application:/srv/app:/usr/sbin/nologin",
			"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin",
		)},
		"/etc/group": {Content: lines(
			"root:x:0:", "daemon:x:1:", "bin:x:2:", "mail:x:8:", "sshd:x:74:", "app:x:990:", "nogroup:x:65534:",
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
		s.Layout.Config(): {Mode: 0o600, Content: aideConfig(s.Layout, b)},
	}
	name, version := s.Layout.Platform()
	switch s.Layout {
	case Debian:
		files["/etc/os-release"] = File{Content: lines(
			`PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`, `NAME="`+name+`"`, `VERSION_ID="`+version+`"`,
			`VERSION="12 (bookworm)"`, `VERSION_CODENAME=bookworm`, `ID=debian`,
		)}
		files["/etc/debian_version"] = File{Content: "12.8\n"}
	case AmazonLinux:
		files["/etc/os-release"] = File{Content: lines(
			`NAME="`+name+`"`, `VERSION="`+version+`"`, `ID="amzn"`, `ID_LIKE="fedora"`, `VERSION_ID="`+version+`"`,
			`PLATFORM_ID="platform:al2023"`, `PRETTY_NAME="Amazon Linux 2023"`,
		)}
		files["/etc/system-release"] = File{Content: fmt.Sprintf("%s release %s (%[1]s)\n", name, version)}
	}
	return files
}

func lines(ls ...string) string { return strings.Join(ls, "\n") + "\n" }
