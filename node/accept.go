package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"aidefleet/node/check"
)

func runAccept(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := options("accept")
	backups(o, f)
	fingerprint := f.String("fingerprint", "", "`fingerprint` of the changes that become the baseline: all 32 digits of the last check's")
	undo := f.Bool("undo", false, "go back to the baseline before this one")
	exit, ok := parse(f, args, func() error {
		return errors.Join(validateAccept(*fingerprint, *undo), validate(o))
	}, stdout, stderr)
	switch {
	case !ok:
		return exit
	case *undo:
		return write(check.Undo(ctx, *o), stdout, stderr)
	}
	return write(check.Accept(ctx, *o, *fingerprint), stdout, stderr)
}

// validateAccept wants the whole fingerprint: a shorter one could name another state than
// the one that was reviewed.
func validateAccept(fingerprint string, undo bool) error {
	switch {
	case fingerprint == "" && !undo:
		return errors.New("--fingerprint is missing: that of the check whose changes were reviewed; or --undo")
	case fingerprint != "" && undo:
		return errors.New("--fingerprint and --undo exclude each other")
	case undo:
		return nil
	case strings.Trim(fingerprint, "0123456789abcdef") != "":
		return fmt.Errorf("--fingerprint %.40q: want lower-case hex digits", fingerprint)
	case len(fingerprint) != 32:
		return fmt.Errorf("--fingerprint %.40s has %d digits: want all 32, the beginning is not enough", fingerprint, len(fingerprint))
	}
	return nil
}

// backups declares the number of old baselines to keep, for both commands that replace one.
func backups(o *check.Options, f *flag.FlagSet) {
	o.Backups = 5
	f.Func("backups", "`number` of old baselines that are kept, at least 1 (default 5)", func(s string) (err error) {
		const most = 1000
		if o.Backups, err = strconv.Atoi(s); err != nil || o.Backups < 1 || o.Backups > most {
			return fmt.Errorf("want 1 to %d", most)
		}
		return nil
	})
}
