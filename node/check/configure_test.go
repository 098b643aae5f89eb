package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// A configuration that the group can write to is refused, whatever the umask of who
// runs the tests.
func init() { syscall.Umask(0o022) }

// TestConfigureRefused hands the real AIDE rules that it does not take. No profile
// makes such ones, but not every AIDE is the one they were tried with.
func TestConfigureRefused(t *testing.T) { aidetest.Each(t, testConfigureRefused) }

func testConfigureRefused(t *testing.T, a aidetest.AIDE) {
	option, layouts := "database_in", map[string]string{"Debian": "@@x_include DIR/conf.d ^[a-zA-Z0-9_-]+$\n", "Amazon Linux": ""}
	if !a.Since(17) { // it has no @@x_include
		option = "database"
		delete(layouts, "Debian")
	}
	for layout, include := range layouts {
		t.Run(layout, func(t *testing.T) {
			dir := t.TempDir()
			conf := filepath.Join(dir, "aide.conf")
			text := option + "=file:" + dir + "/aide.db\n" + strings.ReplaceAll(include, "DIR", dir) + "/nowhere p\n"
			if err := errors.Join(os.Mkdir(filepath.Join(dir, "conf.d"), 0o755), os.WriteFile(conf, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
			configure := func(rules string) Answer {
				o := Options{AIDE: a.Path, Config: conf, State: filepath.Join(dir, "state"), Now: time.Now}
				return o.run(context.Background(), func(r *runner, ctx context.Context) error {
					_, err := r.configure(ctx, rules)
					r.answer.Status, r.answer.Counts = result.Clean, &result.Counts{}
					return err
				})
			}
			if a := configure("!/nowhere/a(/|$)\n"); a.Status != result.Clean {
				t.Fatalf("good rules: %+v", a.Line)
			}
			before := tree(t, dir)
			bad := []string{"/nowhere/b p+nonsense\n", "no rule\n", "@@endif\n"}
			if a.Since(17) { // 0.16 leaves that rule out, with status 0
				bad = append(bad, "/nowhere/( p\n")
			}
			for _, bad := range bad {
				a := configure(bad)
				assert.Equal(t, result.ConfigInvalid, a.Reason, "%q: %+v", bad, a.Line)
				assert.Contains(t, a.Message, "nothing was changed", bad)
				assert.Contains(t, a.Message, "candidate.conf", bad)
				if after := tree(t, dir); after != before {
					t.Errorf("%q: the files were\n%s\nand are\n%s", bad, before, after)
				}
			}
		})
	}
}

// tree is all that configures AIDE, as text.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"aide.conf", ".aide*", "conf.d/*", "conf.d/.*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(file + ":\n" + string(text))
		}
	}
	return b.String()
}
