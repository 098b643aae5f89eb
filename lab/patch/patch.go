// Package patch builds releases of a package, and says how a host of the lab installs them
// with the real package manager of this machine.
package patch

import (
	"context"
	"crypto/md5" //nolint:gosec // what dpkg has
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Name is what the package is called.
const Name = "tool"

// Config is the configuration file in each release, which the administrator may change.
const Config = "/etc/tool.conf"

// Files are those of a release: two whose content is another in each, one whose name is, and
// the configuration, which stays as it is.
func Files(version string) map[string]string {
	return map[string]string{
		"/srv/tool/tool": "tool " + version + "\n", "/srv/tool/lib": "lib " + version + "\n",
		"/srv/tool/tool-" + version: "of this release\n", Config: "conf\n",
	}
}

// Manager is a package manager.
type Manager struct {
	Name string
	// SetUp is the script that makes a host's package database.
	SetUp string
	// Install is the script that installs the package that it gets on stdin.
	Install string
	// Remove is the script that removes it.
	Remove string

	builder string // the program that builds packages
	build   func(dir, version string) (pkg string, args []string, err error)
}

// all are the package managers, by what builds their packages.
var all = []Manager{
	{
		Name: "dpkg", builder: "dpkg-deb", build: deb,
		SetUp:   "mkdir -p /etc/dpkg /var/log; echo log /var/log/dpkg.log >/etc/dpkg/dpkg.cfg; mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers; touch /var/lib/dpkg/status /var/lib/dpkg/available",
		Install: "cat >/tmp/package && dpkg --force-confold -i /tmp/package >&2",
		Remove:  "dpkg -r " + Name + " >&2",
	},
	{
		Name: "rpm", builder: "rpmbuild", build: rpm,
		// Debian's rpm has its database in the home folder, others have it here.
		SetUp:   "mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros; rpm --initdb",
		Install: "cat >/tmp/package && rpm -U --nodeps /tmp/package >&2",
		Remove:  "rpm -e " + Name + " >&2",
	},
}

// Managers are the package managers of which packages can be built here.
func Managers() (list []Manager) {
	for _, m := range all {
		if _, err := exec.LookPath(m.builder); err == nil {
			list = append(list, m)
		}
	}
	return list
}

// ErrNone says that no package can be built here.
var ErrNone = errors.New("neither dpkg-deb nor rpmbuild is here: apt-get install dpkg, or dnf install rpm-build")

// Build builds a release of the package.
func (m Manager) Build(ctx context.Context, version string) (pkg []byte, err error) {
	dir, err := os.MkdirTemp("", "aidefleet-package-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, args, err := m.build(dir, version)
	if err != nil {
		return nil, err
	}
	if said, err := exec.CommandContext(ctx, m.builder, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", m.builder, err, said)
	}
	return os.ReadFile(path)
}

// write writes files below a folder.
func write(below string, files map[string]string) error {
	for path, content := range files {
		at := filepath.Join(below, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			return err
		}
		if err := os.Chmod(at, 0o644); err != nil { // whatever the umask
			return err
		}
	}
	return nil
}

func deb(dir, version string) (pkg string, args []string, err error) {
	files, tree := Files(version), filepath.Join(dir, "tree")
	var sums strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&sums, "%x  %s\n", md5.Sum([]byte(files[path])), path[1:]) //nolint:gosec // as above
	}
	pkg = filepath.Join(dir, "tool.deb")
	return pkg, []string{"--root-owner-group", "--build", tree, pkg}, errors.Join(write(tree, files), write(tree, map[string]string{
		"DEBIAN/control": "Package: " + Name + "\nVersion: " + version + "\nArchitecture: all\n" +
			"Maintainer: aidefleet <lab@example.com>\nDescription: a package of the lab's\n",
		"DEBIAN/conffiles": Config + "\n", "DEBIAN/md5sums": sums.String(),
	}))
}

func rpm(dir, version string) (pkg string, args []string, err error) {
	files, tree := Files(version), filepath.Join(dir, "tree")
	list := "%dir /srv/tool\n"
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if path == Config {
			path = "%config(noreplace) " + path
		}
		list += path + "\n"
	}
	spec := filepath.Join(dir, "tool.spec")
	text := "Name: " + Name + "\nVersion: " + version + "\nRelease: 1\nSummary: a package of the lab's\nLicense: none\nBuildArch: noarch\n" +
		"%description\na package of the lab's\n%install\ncp -a " + tree + "/. %{buildroot}/\n%files\n%defattr(-,root,root)\n" + list
	return filepath.Join(dir, "RPMS/noarch", Name+"-"+version+"-1.noarch.rpm"), []string{"-bb", "--define", "_topdir " + dir, spec},
		errors.Join(write(tree, files), os.WriteFile(spec, []byte(text), 0o600))
}
