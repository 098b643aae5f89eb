package aide

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// command is AIDE with the arguments of a job. They are one text of configuration
// (--before), which includes the host's own in its middle. AIDE takes the first definition
// of a database (0.16 to 0.19) and the first of equal rules: these stand before the host's.
// It takes the last definition of other options: these stand behind.
//
// An --after would not do. If the last file has no newline at its end, AIDE up to 0.19
// reads the text of --after as the rest of its last line. And with the include AIDE's
// messages name the lines of the host's own files.
func (p Program) command(j Job, mode string) (command, error) {
	c := command{path: p.Path, weight: j.Weight}
	text, err := p.configuration(&c, j, mode)
	if err != nil {
		c.close()
		return c, err
	}
	c.args = []string{"--config=" + os.DevNull, "--before=" + text, mode}
	if j.Weight.Workers > 0 && p.Version.since(18) {
		c.args = append(c.args, "--workers="+strconv.Itoa(j.Weight.Workers))
	}
	return c, nil
}

func (p Program) configuration(c *command, j Job, mode string) (string, error) {
	config, err := p.config(c, j, mode)
	if err != nil {
		return "", err
	}
	folder, err := c.spell(j.Folder)
	if err != nil {
		return "", err
	}
	baseline, err := c.spell(j.Baseline)
	if err != nil {
		return "", err
	}
	reports := mode != configCheck // 0.16 says in a report what an init could not read, too
	if p.Version.levels() {
		reports = mode != "--init"
	}
	lines := append(p.before(folder, baseline, reports), j.rules(p.Version)...)
	c.ahead = len(lines)
	lines = append(lines, "@@include "+config)
	if reports {
		lines = append(lines, p.after(folder, j.SyslogFormat)...)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// before are the options that win because they come first. A target of reports takes the
// options before it, so that the first target ignores nothing.
func (p Program) before(folder, baseline string, reports bool) []string {
	out := "database_out=file:" + filepath.Join(folder, newDatabase)
	if !p.Version.levels() {
		return []string{"verbose=5", out, "database=file:" + baseline}
	}
	lines := []string{"log_level=warning", out, "database_in=file:" + baseline}
	if reports {
		lines = append(lines, "report_level=summary", "report_url=file:"+filepath.Join(folder, allReport), "report_level=changed_attributes")
	}
	return lines
}

// after are the options that win because they come last, and the targets that
// take them. 0.16 has one form for all its targets.
func (p Program) after(folder string, syslogFormat bool) []string {
	full := "report_url=file:" + filepath.Join(folder, fullReport)
	if !p.Version.levels() {
		lines := []string{"report_quiet=no", "grouped=yes", "summarize_changes=yes"}
		if syslogFormat {
			lines = append(lines, "syslog_format=no")
		}
		return append(lines, full)
	}
	lines := []string{"report_quiet=no", "report_append=no", "report_level=summary"}
	if p.Version.JSON() {
		lines = append(lines, "report_format=plain")
	}
	lines = append(lines, "report_url=file:"+filepath.Join(folder, summaryReport),
		"report_level=changed_attributes", "report_grouped=yes", "report_summarize_changes=yes")
	if p.Version.JSON() {
		lines = append(lines, "report_format=json")
	}
	return append(lines, full)
}

// config is the path to include. 0.16 opens and empties the files that report_url names as
// it reads the configuration (do_repurldef and be_init in its source), even if it only
// checks it. For a check it reads a copy without report_url from stdin.
func (p Program) config(c *command, j Job, mode string) (path string, err error) {
	if mode == configCheck && !p.Version.levels() {
		c.stdin, err = withoutReports(j.Config)
		return "-", err
	}
	return c.included(j.Config)
}

// included spells the path of a configuration for @@include, which takes no link
// from 0.17 on, unlike --config.
func (c *command) included(path string) (string, error) {
	if end, err := filepath.EvalSymlinks(path); err == nil {
		path = end
	}
	if !plainPath(filepath.Base(path)) {
		return "", fmt.Errorf("%s: AIDE cannot include a file of this name; rename it, to letters, digits, dots and dashes", path)
	}
	dir, err := c.spell(filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}

// spell writes the path of an existing file or folder as it can stand in a configuration.
// 0.16 cannot write a space there, and later releases differ in how they do. So a path that
// is not plain is opened, and named by its number among AIDE's open files. An init has no
// baseline yet, and reads none.
func (c *command) spell(path string) (string, error) {
	if plainPath(path) {
		return path, nil
	}
	f, err := os.OpenFile(path, openPath|syscall.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return os.DevNull, nil
	} else if err != nil {
		return "", err
	}
	c.files = append(c.files, f)
	return "/proc/self/fd/" + strconv.Itoa(firstFile+len(c.files)-1), nil
}

// firstFile is the number of the first file that AIDE is given open, behind stdin,
// stdout and stderr.
const firstFile = 3

// openPath is O_PATH of fcntl.h, which package syscall does not have: such a file can be
// named, but not read.
const openPath = 0x200000

func (c *command) close() {
	for _, f := range c.files {
		_ = f.Close()
	}
}

// plainPath says that a path means the same in every place of a configuration.
func plainPath(path string) bool {
	return !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._:,+-", r)
	})
}

// ends are a path, and the path it leads to if there are links on its way. AIDE finds a
// file by the latter.
func ends(path string) []string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return []string{path}
	}
	all := []string{path, filepath.Join(dir, filepath.Base(path))}
	if end, err := filepath.EvalSymlinks(path); err == nil {
		all = append(all, end)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
