package host

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestExec runs the same programs in a sandbox that runs and in one made for each.
func TestExec(t *testing.T) {
	needSandbox(t)
	tests := []struct {
		name string
		argv []string
		exit int
		want string // the output, or its end after "…"
	}{
		{"success", []string{"true"}, 0, ""},
		{"status", []string{"sh", "-c", "exit 7"}, 7, ""},
		{"signal", []string{"sh", "-c", "kill -9 $$"}, 137, ""},
		{"no such program", []string{"no-such-program"}, 127, "…No such file or directory\n"},
		{"no program", []string{"/etc/passwd"}, 126, "…Permission denied\n"},
		{"root", []string{"id", "-un"}, 0, "root\n"},
		{"name", []string{"uname", "-n"}, 0, "web-1\n"},
		{"own /etc", []string{"cat", "/etc/hostname"}, 0, "web-1\n"},
		{"nobody else's files", []string{"ls", "/"}, 0, "bin\ndev\netc\nhome\nlib\nlib64\nopt\nproc\nroot\nrun\nsbin\nsrv\ntmp\nusr\nvar\n"},
		{"environment", []string{"env"}, 0, "PATH=" + searchPath + "\n"},
		{"folder", []string{"pwd"}, 0, "/\n"},
		{"node", []string{"aide-node", "check"}, 0, "node check\n"},
		{"owner", []string{"stat", "-c", "%U:%G %a", "/etc/shadow"}, 0, "root:root 600\n"},
		{"alternatives", []string{"awk", "BEGIN { print 6*7 }"}, 0, "42\n"},
	}
	h := newHost(t, Spec{})
	check := func(t *testing.T) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				exit, output := run(t, h, tt.argv...)
				if tt.name == "nobody else's files" {
					output = strings.ReplaceAll(strings.ReplaceAll(output, "lib32\n", ""), "libx32\n", "") // where there are such
				}
				if tail, part := strings.CutPrefix(tt.want, "…"); part && strings.HasSuffix(output, tail) {
					output = tt.want
				}
				assert.Equal(t, tt.exit, exit, "exit %d with %q", exit, output)
				assert.Equal(t, tt.want, output)
			})
		}
	}
	t.Run("stopped", check)
	start(t, h, sleeper(newMarker()))
	t.Run("running", check)
	t.Run("from elsewhere", func(t *testing.T) {
		again, err := Open(h.Dir())
		if err != nil {
			t.Fatal(err)
		}
		if _, output := run(t, again, "sh", "-c", "ls -d /proc/[0-9]* | wc -l"); strings.TrimSpace(output) < "5" {
			t.Errorf("%s processes: that is not the sandbox that runs", output)
		}
		err = again.Start(sleeper("0"))
		assert.ErrorContains(t, err, "runs already", "second start")
	})
}

func TestExecStreams(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	check := func(t *testing.T) {
		var out, errs bytes.Buffer
		exit, err := h.Exec(t.Context(), []string{"sh", "-c", "cat; echo oops >&2; exit 3"}, strings.NewReader("in"), &out, &errs)
		assert.NoError(t, err)
		assert.Equal(t, 3, exit, "got %d, %q, %q", exit, &out, &errs)
		assert.Equal(t, "in", out.String())
		assert.Equal(t, "oops\n", errs.String())
	}
	t.Run("stopped", check)
	start(t, h, sleeper(newMarker()))
	t.Run("running", check)
	if _, err := h.Exec(t.Context(), nil, nil, nil, nil); err == nil {
		t.Error("no error for no program")
	}
}

func TestExecIsCancelled(t *testing.T) {
	needSandbox(t)
	h := newHost(t, Spec{})
	check := func(t *testing.T) {
		marker := newMarker()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error)
		go func() {
			_, err := h.Exec(ctx, []string{"sh", "-c", "sleep 600." + marker + " & sleep 700." + marker}, nil, nil, nil)
			done <- err
		}()
		for deadline := time.Now().Add(10 * time.Second); processesWith(marker) < 3 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want that of the context", err)
		}
		waitGone(t, marker)
	}
	t.Run("stopped", check)
	start(t, h, sleeper(newMarker()))
	t.Run("running", check)
}
