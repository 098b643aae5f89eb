package rules

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"aidefleet/node/aide"
)

// A configuration that the group can write to is refused, whatever the umask of who
// runs the tests.
func init() { syscall.Umask(0o022) }

// dies are the variables that tell a second process of this test behind which
// step to die, and where.
const (
	dieStep   = "RULES_TEST_DIE_STEP"
	dieConfig = "RULES_TEST_DIE_CONFIG"
	dieDropIn = "RULES_TEST_DIE_DROP_IN"
)

func TestMain(m *testing.M) {
	if os.Getenv(dieStep) == "" {
		os.Exit(m.Run())
	}
	step = func(at string) error {
		if at == os.Getenv(dieStep) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	p, err := Find(aide.Config{Path: os.Getenv(dieConfig), DropIn: os.Getenv(dieDropIn)})
	if err == nil {
		err = p.Put("!/new\n")
	}
	panic(err) // it should not have come so far
}

// TestCrash has all of the old or all of the new rules behind each step, and the
// next run leaves nothing behind.
func TestCrash(t *testing.T) {
	for _, debian := range []bool{false, true} {
		for at, want := range map[string]string{"written": "!/old\n", "renamed": "!/new\n"} {
			l := newLayout(t, debian)
			l.put("!/next\n")
			after := l.files()
			l.put("!/old\n")
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), dieStep+"="+at, dieConfig+"="+l.Path, dieDropIn+"="+l.DropIn)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit, "it did not die at %s: %s", at, out)
			require.Equal(t, -1, exit.ExitCode(), "it did not die at %s", at)
			if got := l.find().Rules; got != want {
				t.Errorf("%s: the rules are %q, want %q", at, got, want)
			}
			l.put("!/next\n")
			l.holds(after)
		}
	}
}
