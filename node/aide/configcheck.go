package aide

import "context"

// ChecksConfig says whether this release can read a configuration and leave all
// else alone: 0.16 opens and empties the files that report_url names while it
// reads (do_repurldef and be_init in its source).
func (v Version) ChecksConfig() bool { return v.since(17) }

// CheckConfig lets AIDE read a configuration with all it includes, and do no
// more. It returns the number of warnings AIDE gave. The error is what AIDE
// refuses it for, or wraps that of ctx if AIDE did not end before it was done.
func (p Program) CheckConfig(ctx context.Context, config string) (warnings int, err error) {
	o, err := command{path: p.Path, args: []string{"--config=" + config, "--config-check"}}.succeed(ctx)
	return o.Said.Lines, err
}
