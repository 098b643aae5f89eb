package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aidefleet/node/aide"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// slow is what to do about a configuration that takes too long.
const slow = "look at the programs that @@x_include runs, or give it more time with --timeout"

// configuration reads AIDE's configuration, and lets AIDE do so if there is one.
func (e *examiner) configuration(ctx context.Context) {
	const name = "config"
	path, err := e.Config, error(nil)
	ctx, cancel := context.WithTimeout(ctx, e.Timeout)
	defer cancel()
	if path == "" {
		path, err = aide.FindConfig()
	}
	if err == nil {
		e.config, err = e.aide.Version.ReadConfig(ctx, path, e.Database)
	}
	switch {
	case errors.Is(err, aide.ErrNotGenerated):
		e.fail(name, result.ConfigMissing, "update-aide.conf", err)
	case errors.Is(err, context.DeadlineExceeded):
		e.fail(name, result.Timeout, slow, fmt.Errorf("%s was not read within %s: %w", path, e.Timeout, err))
	case errors.Is(err, aide.ErrNoConfig), errors.Is(err, fs.ErrNotExist):
		e.fail(name, result.ConfigMissing, "install AIDE's configuration, or name it with --config", err)
	case errors.Is(err, aide.ErrUntrusted):
		e.fail(name, result.ConfigInvalid, "find out who wrote what is there; then chown root and chmod go-w", err)
	case err != nil:
		e.fail(name, result.ConfigInvalid, "mend "+path, err)
	case e.aide.Path == "":
		e.warn(name, "install AIDE first", "%s is read; there is no AIDE to check it", path)
	default:
		e.checkConfig(ctx, path)
	}
}

// checkConfig lets AIDE read its configuration as a check does, and checks what AIDE does
// not.
func (e *examiner) checkConfig(ctx context.Context, path string) {
	const name = "config"
	warnings, err := e.aide.CheckConfig(ctx, aide.Job{
		Config: path, Folder: state.Nearest(e.folder().Run()), Own: e.State, Baseline: e.config.Database,
		SyslogFormat: e.config.SyslogFormat,
	})
	report := unwritable(e.config.Reports)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.fail(name, result.Timeout, slow,
			fmt.Errorf("AIDE did not end within %s: %w", e.Timeout, err))
	case err != nil:
		e.fail(name, result.ConfigInvalid, "mend "+path, err)
	case report != nil && e.aide.Version.NeedsReports():
		e.fail(name, result.ConfigInvalid, "make the folder, or mend report_url in "+path, report)
	case report != nil:
		e.warn(name, "make the folder, or mend report_url in "+path, "%v; AIDE %s does without it", report, e.aide.Version)
	case e.config.Newer != "":
		e.warn(name, "update-aide.conf", "%s was changed after %s was made of it", e.config.Newer, path)
	default:
		e.ok(name, "%s is valid; AIDE gave %d warnings", path, warnings)
	}
}

// unwritable finds the first file to which AIDE could not write a report. AIDE opens these
// files as it starts, but not if it only checks its configuration.
func unwritable(reports []string) error {
	for _, report := range reports {
		if info, err := os.Stat(report); err == nil && info.IsDir() {
			return fmt.Errorf("report_url=file:%s is a folder", report)
		}
		if err := writable(filepath.Dir(report)); err != nil {
			return fmt.Errorf("report_url=file:%s cannot be written: %w", report, err)
		}
	}
	return nil
}
