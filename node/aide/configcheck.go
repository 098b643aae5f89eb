package aide

import "context"

const configCheck = "--config-check"

// CheckConfig lets AIDE read a configuration, with all it includes and with what the job
// adds, and do nothing else. It returns the number of AIDE's warnings. The error is AIDE's
// complaint, or wraps that of ctx if ctx ended first.
func (p Program) CheckConfig(ctx context.Context, j Job) (warnings int, err error) {
	c, err := p.command(j, configCheck)
	if err != nil {
		return 0, err
	}
	defer c.close()
	o, err := run(ctx, c)
	if err != nil {
		return 0, err
	}
	c.putPaths(&o)
	p.locate(&o, j.Config, c.ahead)
	c.args = []string{"--config=" + j.Config, configCheck} // as a person would ask
	return o.Said.Lines, c.errorOf(ctx, o)
}
