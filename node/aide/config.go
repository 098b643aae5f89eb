package aide

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The paths of AIDE's configuration: of Amazon Linux, RHEL and SLES, then of Debian and
// Ubuntu. Upstream has no default.
var configPaths = []string{"/etc/aide.conf", "/etc/aide/aide.conf"}

// ErrNoConfig says that there is no configuration on this host.
var ErrNoConfig = errors.New("no configuration at " + strings.Join(configPaths, " or "))

// Config is what the node has to know of AIDE's configuration before AIDE runs.
type Config struct {
	Path     string
	Database string // path of the input database: the baseline
	// NewDatabase is the path of the database that AIDE writes for its user
	// (database_out); empty if the configuration names no file.
	NewDatabase string
	SHA256      string // of the configuration and all it includes, hex
	// DropIn is the path of a file that the configuration would include if it
	// were there; empty if it includes no folder by a pattern that takes one.
	DropIn  string
	Reports []string // the files that report_url names
	// Generated says that the configuration is made of parts, and Newer is a part that
	// was changed since.
	Generated bool
	Newer     string
	// SyslogFormat says that syslog_format is set, which only Red Hat's 0.16 knows.
	SyslogFormat bool
	// Unsaid are the errors of @@include patterns that Go's regular expressions cannot say.
	// For such a pattern every file in the folder counts as a part of the configuration.
	Unsaid []error
}

// dropIns are names for a file of rules, in the order in which they are tried.
// AIDE reads a folder in the order of names, and the first of equal rules counts.
// Debian takes names without a dot, others only those that end with .conf.
var dropIns = []string{"00_aidefleet", "00_aidefleet.conf"}

// Files are the files that Configure writes and those that say what AIDE reads: the
// configuration and DropIn. Each is named as it was given, and by its path without links,
// by which AIDE finds it.
func (c Config) Files() []string {
	files := []string{c.Path, c.DropIn}
	if c.Generated {
		files = append(files, debian.base)
	}
	for _, path := range files {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			files = append(files, filepath.Join(dir, filepath.Base(path)))
		}
		if end, err := filepath.EvalSymlinks(path); err == nil {
			files = append(files, end)
		}
	}
	slices.Sort(files)
	return slices.DeleteFunc(slices.Compact(files), func(path string) bool { return !filepath.IsAbs(path) })
}

// HalfWritten is the name, beside a file, under which it is written. AIDE must
// not read it.
func HalfWritten(name string) string { return "." + name + ".aidefleet" }

// FindConfig returns the path of the host's configuration.
func FindConfig() (string, error) {
	for _, path := range configPaths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			if path == debian.base && debian.used() {
				return debian.path()
			}
			return path, nil
		}
	}
	return "", ErrNoConfig
}

// ReadConfig reads a configuration to find the baseline: macros, conditions and includes,
// as aide.conf(5) describes them. It runs the programs of @@x_include as AIDE does (0.17
// and later), and reads what they print. If database is given, it stands in for the one
// that the configuration names. The error wraps ErrUntrusted if others can change what AIDE
// would read or run. ReadConfig accepts what any release accepts.
func ReadConfig(ctx context.Context, path, database string) (Config, error) {
	return Version{}.ReadConfig(ctx, path, database)
}

// ReadConfig reads a configuration as this release does.
func (v Version) ReadConfig(ctx context.Context, path, database string) (Config, error) {
	host, err := os.Hostname()
	if err != nil {
		return Config{}, err
	}
	r := configReader{ctx: ctx, version: v, host: host, given: database != "", defined: make(map[string]string), hash: sha256.New()}
	err = Trusted(path)
	if err == nil {
		err = r.file(path)
	}
	if err != nil {
		return Config{}, err
	}
	c := Config{
		Path: path, Database: database, NewDatabase: r.newDatabase, SHA256: hex.EncodeToString(r.hash.Sum(nil)), DropIn: r.dropIn,
		Reports: r.reports, SyslogFormat: r.syslogFormat, Unsaid: r.unsaid,
	}
	if c.Generated = path == debian.generated; c.Generated {
		c.DropIn, c.Newer = filepath.Join(debian.folder, dropIns[0]), debian.newer()
	}
	if database == "" {
		c.Database = r.database
	}
	if c.Database == "" {
		return c, fmt.Errorf("%s: no %s is defined; --database can say where the baseline is", path, cmp.Or(v.input(), "database_in"))
	}
	return c, nil
}
