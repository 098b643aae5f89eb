package baseline

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var steps = []string{"copied", "linked", "synced", "renamed"}

// dies are the variables that tell a second process of this test what to do to
// which baseline, and behind which step to die.
const (
	dieIn   = "BASELINE_TEST_DIE_IN"   // replace, undo or part
	dieStep = "BASELINE_TEST_DIE_STEP" // one of steps, or of mergeSteps
	diePath = "BASELINE_TEST_DIE_PATH" // of the baseline
	dieNew  = "BASELINE_TEST_DIE_NEW"  // path of the new database
)

func TestMain(m *testing.M) {
	if os.Getenv(dieIn) == "" {
		os.Exit(m.Run())
	}
	step = func(at string) error {
		if at == os.Getenv(dieStep) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}
	path := os.Getenv(diePath)
	var err error
	switch os.Getenv(dieIn) {
	case "undo":
		_, _, err = Undo(path)
	case "part":
		err = replacePart(path, os.Getenv(dieNew))
	default:
		_, _, err = Replace(os.Getenv(dieNew), digest(database("new")), path, now)
	}
	panic(err) // it should not have come so far
}

// mergeSteps are those of a part that is accepted, before its database is put in place.
var mergeSteps = []string{"taking", "writing", "merged"}

// replacePart puts the part of the new database in place that has all its entries.
func replacePart(path, fresh string) error {
	old, err := Inspect(path, nil)
	if err != nil {
		return err
	}
	taken := false // the new database is read first, then the old one
	merged := filepath.Join(filepath.Dir(fresh), "merged")
	info, err := Merge(old, fresh, merged, func(Name) bool {
		at := map[bool]string{false: "taking", true: "writing"}[taken]
		taken = true
		return step(at) == nil
	})
	if err := errors.Join(err, step("merged")); err != nil {
		return err
	}
	_, _, err = Replace(merged, info.SHA256, path, now)
	return err
}

// TestCrashOfPart has a whole old or a whole merged baseline behind each step, and the next
// run finishes the work.
func TestCrashOfPart(t *testing.T) {
	for _, at := range append(mergeSteps, steps...) {
		t.Run(at, func(t *testing.T) {
			f := newFolder(t)
			before, _ := Inspect(f.path, nil)
			die(f, "part", at)
			got, err := Inspect(f.path, nil)
			require.NoError(t, err, "the baseline is whole; beside it: %s", f.names())
			assert.Equal(t, at == "renamed", got.SHA256 != before.SHA256, "it is replaced behind %s only", "renamed")
			require.NoError(t, replacePart(f.path, f.another))
			after, err := Inspect(f.path, nil)
			require.NoError(t, err)
			fresh, err := Inspect(f.another, nil)
			require.NoError(t, err)
			assert.Equal(t, fresh.Entries, after.Entries)
		})
	}
}

// die runs replace, undo or part in a process of its own that SIGKILL ends at a step.
func die(f folder, in, at string) {
	f.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dieIn+"="+in, dieStep+"="+at, diePath+"="+f.path, dieNew+"="+f.another)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(f.t, err, &exit, "%s did not die at %s: %s", in, at, out)
	require.Equal(f.t, -1, exit.ExitCode(), "%s did not die at %s", in, at)
}

// TestCrash has a whole old or a whole new baseline behind each step, and the
// next run finishes the work and leaves nothing behind.
func TestCrash(t *testing.T) {
	for _, at := range steps {
		t.Run("replace "+at, func(t *testing.T) {
			f := newFolder(t)
			die(f, "replace", at)
			want := database("old")
			if at == "renamed" {
				want = database("new")
			}
			if got := f.read(f.path); got != want {
				t.Errorf("the baseline is %q, beside it: %s", got, f.names())
			}
			if at == "renamed" {
				if f.names() != "20261123T050000Z" {
					t.Errorf("beside the baseline: %s", f.names())
				}
			} else if f.replace("new", now); f.names() != "20261123T050000Z" {
				t.Errorf("beside the next: %s", f.names())
			}
			_, _, err := Undo(f.path)
			assert.NoError(t, err, "undo after it")
			assert.Equal(t, database("old"), f.read(f.path), "undo after it")
			assert.Equal(t, "undone", f.names(), "undo after it")
		})
		if at == "copied" { // an undo copies nothing
			continue
		}
		t.Run("undo "+at, func(t *testing.T) {
			f := newFolder(t)
			f.replace("new", now)
			die(f, "undo", at)
			want := database("new")
			if at == "renamed" {
				want = database("old")
			}
			if got := f.read(f.path); got != want {
				t.Errorf("the baseline is %q, beside it: %s", got, f.names())
			}
			if at != "renamed" {
				if _, _, err := Undo(f.path); err != nil {
					t.Error(err)
				}
			}
			assert.Equal(t, database("old"), f.read(f.path), "in the end")
			assert.Equal(t, database("new"), f.read(f.path+undone), "in the end")
			assert.Equal(t, "undone", f.names(), "in the end")
		})
	}
}

// TestFailingStep cleans up at once where a step fails and the process lives.
func TestFailingStep(t *testing.T) {
	was := step
	t.Cleanup(func() { step = was })
	for _, at := range steps {
		f := newFolder(t)
		step = func(s string) error {
			if s == at {
				return syscall.EIO
			}
			return nil
		}
		_, _, err := Replace(f.another, digest(database("new")), f.path, now)
		want, beside := database("old"), ""
		if at == "renamed" {
			want, beside = database("new"), "20261123T050000Z"
		}
		assert.ErrorIs(t, err, syscall.EIO, at)
		assert.Equal(t, want, f.read(f.path), at)
		assert.Equal(t, beside, f.names(), at)
	}
}
