package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBadProfiles(t *testing.T) {
	isolate(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"good":  "watch /srv/app\n",
		"empty": "# nothing\n",
		"bad":   "watch /srv/app\nwatch srv\n",
		"evil":  "watch /srv/$(id)\n",
		"large": many(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"configure --tag env=prod", 2, "there is no profile: give --profile FILE, or --remove"},
		{"configure --profile good", 2, "no target"},
		{"configure --tag env=prod --profile good --remove", 2, "cannot be combined"},
		{"configure --tag env=prod --profile none", 2, "--profile none: no such file or directory"},
		{"configure --tag env=prod --profile empty", 2, "--profile empty: it names no path"},
		{"configure --tag env=prod --profile bad", 2, `--profile bad: line 2: "srv": want an absolute path`},
		{"configure --tag env=prod --profile evil", 2, "--profile evil: line 1: "},
		{"configure --tag env=prod --profile large", 2, "its paths to watch have 5999 bytes, and at most 4096 are sent"},
		{"configure --tag env=prod --profile good --max-errors x", 2, "--max-errors"},
		{"configure --tag env=prod --profile good extra", 2, `unexpected "extra"`},
		{"init --tag env=prod --profile bad", 2, "--profile bad: line 2"},
		{"init --tag env=prod --profile good --document-version 3", 2, "are of one document"},
		{"configure --tag env=prod --profile good --document-version 3", 1, "no AWS region"},
		{"configure --tag env=prod --profile good --dry-run", 1, "no AWS region"},
		{"init --tag env=prod --profile good --force --install-aide", 1, "no AWS region"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			t.Chdir(dir)
			code, stdout, stderr := run(t, strings.Fields(tc.args)...)
			assert.Equal(t, tc.code, code, "exit %d, stdout %q, stderr %q", code, stdout, stderr)
			assert.Contains(t, stderr, tc.want)
			assert.Empty(t, stdout)
			assert.Equal(t, 1, strings.Count(stderr, "\n"))
		})
	}
}

// many is a profile with more paths than are sent.
func many() string {
	var b strings.Builder
	for i := range 300 {
		b.WriteString("watch /opt/" + strings.Repeat("x", 10) + string(rune('a'+i/26)) + string(rune('a'+i%26)) + "/b\n")
	}
	return b.String()
}
