package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"aidefleet/lab/host"
	"aidefleet/lab/lab"
)

// layoutNames are all that --layout takes.
func layoutNames() string {
	var names []string
	for _, l := range host.Layouts() {
		names = append(names, string(l))
	}
	return strings.Join(names, ", ")
}

// layoutOptions reads --layout and --aides.
func layoutOptions(c *cli.Context, o *lab.Options) (err error) {
	for _, name := range c.StringSlice("layout") {
		l := host.Layout(name)
		switch {
		case !slices.Contains(host.Layouts(), l):
			return usageError{fmt.Errorf("--layout %q: want one of %s", name, layoutNames())}
		case o.Simulate != nil:
			return usageError{errors.New("--layout and --simulate exclude each other")}
		}
		o.Layouts = append(o.Layouts, l)
	}
	if c.String("aides") == "" {
		return nil
	}
	if len(o.Layouts) == 0 {
		return usageError{errors.New("--aides without --layout: the seven hosts have this machine's AIDE")}
	}
	if o.AIDEs, err = filepath.Abs(c.String("aides")); err != nil {
		return err
	}
	for _, l := range o.Layouts {
		if _, err := os.Stat(filepath.Join(o.AIDEs, l.Suite(), "aide")); err != nil {
			return usageError{fmt.Errorf("--aides: no AIDE for the layout %s: %w; .ci/aides fetches it", l, err)}
		}
	}
	return nil
}
