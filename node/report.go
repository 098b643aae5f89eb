package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"aidefleet/node/check"
	"aidefleet/node/history"
	"aidefleet/node/result"
	"aidefleet/node/state"
)

// runReport prints a page of a report that is kept on the host. Its first line is a cursor
// or, without a page, a result line.
func runReport(_ context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	state := f.String("state", state.Default, "`folder` of the node's own files")
	q := history.Query{Now: time.Now()}
	f.StringVar(&q.ID, "id", "", "`id` of the report; empty for the newest")
	f.IntVar(&q.Offset, "offset", 0, "`entries` before the page, or bytes of what AIDE said where a check failed")
	f.IntVar(&q.Limit, "limit", 1000, "`entries` on the page at most; 24,000 bytes are the end of it too")
	f.BoolVar(&q.Unexplained, "unexplained", false, "without the entries that packages explain")
	format := f.String("format", "text", "text, or `json`: one object a line")
	exit, ok := parse(f, args, func() error {
		q.Format = history.Format(*format)
		switch {
		case !filepath.IsAbs(*state):
			return fmt.Errorf("--state %q: want an absolute path", *state)
		case q.Offset < 0:
			return fmt.Errorf("--offset %d is negative", q.Offset)
		case q.Limit < 1:
			return fmt.Errorf("--limit %d: want 1 or more", q.Limit)
		case q.Format != history.Text && q.Format != history.Lines:
			return fmt.Errorf("--format %q: want text or json", *format)
		}
		return nil
	}, stdout, stderr)
	if !ok {
		return exit
	}
	page, err := history.In(filepath.Clean(*state)).Page(q)
	if errors.Is(err, history.ErrUnknown) {
		return badArguments(err, stdout, stderr)
	}
	if err != nil {
		a := check.Answer{Line: result.Failure(result.ReportUnreadable, err.Error())}
		a.Node = version
		return write(a, stdout, stderr)
	}
	if _, err := stdout.Write(page); err != nil {
		fmt.Fprintln(stderr, "aide-node: write the report:", err)
		return 1
	}
	return 0
}
