package aide

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoManager says that this host has none of the package managers.
var ErrNoManager = errors.New("there is no dnf, yum, apt-get or zypper on this host: install AIDE by hand")

// manager is a package manager, and how it installs AIDE without a question.
type manager struct {
	name    string
	install []string
	refresh []string // fetches the lists of packages, for a manager that does not do so by itself
	env     []string
}

// managers are tried in this order: on hosts with dnf, yum is its old name.
var managers = []manager{
	{name: "dnf", install: []string{"--assumeyes", "install", "aide"}},
	{name: "yum", install: []string{"--assumeyes", "install", "aide"}},
	{
		// The configuration is in aide-common, which aide only recommends; what
		// that in turn recommends is a mail server. A fresh instance installs
		// its updates, and holds the lock for a while.
		name:    "apt-get",
		install: []string{"--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "install", "aide", "aide-common"},
		refresh: []string{"-o", "DPkg::Lock::Timeout=120", "update"},
		env:     []string{"DEBIAN_FRONTEND=noninteractive"},
	},
	{name: "zypper", install: []string{"--non-interactive", "install", "aide"}, env: []string{"ZYPP_LOCK_TIMEOUT=120"}},
}

// managerFolders hold package managers. PATH is not used: what is run here runs as root and
// changes the system.
var managerFolders = []string{"/usr/bin", "/usr/sbin", "/bin"}

// Install installs AIDE by the system's package manager and returns the manager's path.
// Neither it nor the packages take a baseline. When ctx is done the manager is killed, but
// what it started, such as dpkg, finishes its work. The error is ErrNoManager if there is
// none, or holds what the manager said.
func Install(ctx context.Context) (by string, err error) { return install(ctx, managerFolders) }

func install(ctx context.Context, folders []string) (by string, err error) {
	m, path, ok := findManager(folders)
	if !ok {
		return "", ErrNoManager
	}
	err = m.run(ctx, path, m.install)
	if err != nil && m.refresh != nil && ctx.Err() == nil {
		// The lists of packages may be old, or not there at all. One source of
		// many that does not answer is no reason not to try again.
		refreshed := m.run(ctx, path, m.refresh)
		if err = m.run(ctx, path, m.install); err != nil && refreshed != nil {
			err = fmt.Errorf("%w; before that, %w", err, refreshed)
		}
	}
	if err != nil {
		return path, fmt.Errorf("install AIDE: %w; run it by hand to see all it says", err)
	}
	return path, nil
}

func findManager(folders []string) (m manager, path string, ok bool) {
	for _, m := range managers {
		for _, dir := range folders {
			path := filepath.Join(dir, m.name)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return m, path, true
			}
		}
	}
	return manager{}, "", false
}

func (m manager) run(ctx context.Context, path string, args []string) error {
	// Scripts of packages look into HOME, which the SSM agent does not set.
	err := command{path: path, args: args, env: append([]string{"HOME=/root"}, m.env...)}.succeed(ctx)
	return err
}
