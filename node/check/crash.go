package check

import (
	"context"
	"errors"

	"aidefleet/node/aide"
	"aidefleet/node/baseline"
)

// nameCrashedFile adds the file on which AIDE crashed to the error, if it can be found.
func (r *runner) nameCrashedFile(ctx context.Context, crash error) error {
	var f failure
	if !errors.As(crash, &f) || ctx.Err() != nil {
		return crash
	}
	if path := r.strangeTime(); path != "" {
		return fail(f.reason, "%w; %s has a time that no calendar has, which AIDE %s cannot print: touch it, or upgrade AIDE", f.err, path, r.aide.Version)
	}
	if path := r.aide.LastFile(ctx, r.job()); path != "" {
		return fail(f.reason, "%w; it crashed again, and looked at %s last: exclude it, or upgrade AIDE", f.err, path)
	}
	return crash
}

// strangeTime is the path of the first entry with a strange time: in the new database, or
// in the baseline if AIDE has written the new database to its end. It is empty if there is
// none.
func (r *runner) strangeTime() (path string) {
	found := errors.New("found")
	visit := func(e aide.Entry) error {
		if e.StrangeTime() {
			path = string(e.Name())
			return found
		}
		return nil
	}
	if _, err := baseline.Inspect(r.job().NewDatabase(), visit); err == nil {
		_, _ = baseline.Inspect(r.config.Database, visit)
	}
	return path
}
