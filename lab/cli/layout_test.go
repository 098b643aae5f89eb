package cli

import (
	"strings"
	"testing"
)

func TestBadInputOfLayouts(t *testing.T) {
	empty := t.TempDir()
	for _, tc := range []struct{ args, want string }{
		{"up --layout slackware", `--layout "slackware": want one of amazon-linux, amazon-linux-2, debian, rhel-9, ubuntu-20.04`},
		{"up --layout debian --simulate 10", "--layout and --simulate exclude each other"},
		{"up --aides " + empty, "--aides without --layout"},
		{"up --layout rhel-9 --aides " + empty, "no AIDE for the layout rhel-9"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			code, stdout, stderr := run(t, strings.Fields(tc.args)...)
			if code != exitUsage {
				t.Errorf("exit %d, want %d", code, exitUsage)
			}
			if stdout != "" {
				t.Errorf("stdout %q", stdout)
			}
			if !strings.Contains(stderr, tc.want) {
				t.Errorf("stderr %q, want %q", stderr, tc.want)
			}
		})
	}
}
