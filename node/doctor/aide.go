package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aidefleet/node/aide"
	"aidefleet/node/check"
	"aidefleet/node/result"
)

// program looks for AIDE.
func (e *examiner) program(ctx context.Context) {
	const name = "aide"
	p, err := aide.Find(ctx, e.AIDE)
	switch {
	case ctx.Err() != nil:
		e.fail(name, result.Interrupted, "run aide-node doctor again", fmt.Errorf("it was interrupted: %w", ctx.Err()))
	case errors.Is(err, aide.ErrMissing):
		e.fail(name, result.AideMissing, "install the package aide, or let aide-node init --install do so", err)
	case errors.Is(err, aide.ErrNotExecutable):
		e.fail(name, result.NotExecutable, "mount its file system without noexec, trust it (fapolicyd-cli --file add), or restorecon it", err)
	case err != nil:
		e.fail(name, result.AideFailed, "install the package aide again", err)
	default:
		note := ""
		if blind(p.Version) {
			note = "; as upstream releases it, it never sees names that are not valid UTF-8"
		}
		e.aide = p
		e.ok(name, "%s, %s%s", p.Path, p.Version, note)
	}
}

// blind says whether a release may pass over names that are not valid UTF-8. Upstream's
// 0.17.4, 0.18.6 and 0.19.3 do, as measured; 0.16 and Debian's 0.18.3 do not.
func blind(v aide.Version) bool {
	return (v.Major > 0 || v.Minor > 16) && v != aide.Version{Minor: 18, Patch: 3}
}

// baseline reads the baseline to its end, as a check does.
func (e *examiner) baseline() {
	const name, renew = "baseline", "aide-node init --force takes a new one"
	if e.config.Database == "" {
		e.warn(name, "see to the configuration first", "not looked at: the configuration does not say where it is")
		return
	}
	base, err := check.Inspect(e.aide, e.config, e.State)
	e.size = base.Size
	switch reason := check.ReasonOf(err); {
	case err == nil:
		by := ""
		if base.Writer != "" {
			by = ", written by AIDE " + base.Writer
		}
		what := fmt.Sprintf("%s, %d entries, %s, SHA-256 %s%s", base.Path, base.Entries, age(base.Created, e.Now()), base.SHA256, by)
		if base.Entries < check.Few {
			e.warn(name, "look at the rules of "+e.config.Path+"; then "+renew, "%s: hardly anything is looked at", what)
			return
		}
		e.ok(name, "%s", what)
	case reason == result.BaselineMissing:
		e.fail(name, reason, "aide-node init", err)
	case reason == result.BaselineRemoved:
		e.fail(name, reason, "find out who removed it; then aide-node accept --undo, or "+renew, err)
	case reason == result.BaselineOutdated:
		e.fail(name, reason, renew, err)
	default:
		e.fail(name, result.BaselineInvalid, "find out who changed it; then "+renew, err)
	}
}

// age says when something was made.
func age(made, now time.Time) string {
	return fmt.Sprintf("of %s (%d days old)", made.UTC().Format(time.DateOnly), int(now.Sub(made).Hours()/24))
}
