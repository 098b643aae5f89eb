package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/orchestrator/report"
)

// Each of these tests stands alone, and so does each of their parts: they take a lab as
// it comes up, or a host of a lab that is theirs only.

// TestLab changes nothing in its lab.
func TestLab(t *testing.T) {
	t.Parallel()
	f := labUp(t)

	t.Run("each host once", func(t *testing.T) {
		f := f.in(t)
		got := f.sweep(4, "sweep", "--tag", "env=prod")
		want := map[string]string{
			"web-1": "clean", "web-2": "clean", "web-3": "clean", "db-1": "clean",
			"cache-1": "failed baseline_missing", "api-1": "missing agent_lost",
		}
		assert.Len(t, got, len(want))
		for name, status := range want {
			h := got[name]
			assert.Equal(t, status, strings.TrimSpace(string(h.Status)+" "+string(h.Reason)), name)
		}
		f.latest("web-2", "changed", 0)
		assert.Empty(t, f.maximum("cache-1", "changed"), "a host that failed is published")
		f.run(0, "sweep", "--tag", "env=dev")
	})

	t.Run("hosts nobody has", func(t *testing.T) {
		f := f.in(t)
		for _, c := range []struct {
			exit int
			args []string
			want string
		}{
			{5, []string{"sweep", "--tag", "env=nowhere"}, "no host matches"},
			{2, []string{"sweep", "--tag", "env"}, "KEY=VALUE"},
			{2, []string{"sweep", "--tag", "=prod"}, "--tag"},
			{2, []string{"sweep"}, "--tag"},
			{1, []string{"collect", "--command-id", "00000000-0000-0000-0000-000000000000"}, "00000000"},
			{1, []string{"lab", "exec", "--dir", f.dir, "web-9", "--", "true"}, "web-1, web-2"},
			{2, []string{"lab", "exec", "--dir", f.dir, "web-1"}, "PROGRAM"},
			{7, []string{"lab", "exec", "--dir", f.dir, "web-1", "--", "sh", "-c", "exit 7"}, ""},
		} {
			_, said := f.run(c.exit, c.args...)
			assert.Contains(t, said, c.want, c.args)
			assert.LessOrEqual(t, strings.Count(said, "\n"), 1, "%q says more than a line: %q", c.args, said)
		}
	})

	t.Run("a second lab", func(t *testing.T) {
		f := f.in(t)
		addr := strings.TrimPrefix(f.url, "http://")
		_, said := f.run(1, "lab", "up", "--dir", t.TempDir(), "--addr", addr)
		assert.Contains(t, said, "port in use: "+addr)
		_, said = f.run(1, "lab", "up", "--dir", f.dir, "--addr", "127.0.0.1:0")
		assert.Contains(t, said, "a lab is up in this folder")
		out, _ := f.run(0, "lab", "env", "--dir", f.dir)
		assert.Contains(t, out, "export AWS_ENDPOINT_URL="+f.url+"\n")
	})

	t.Run("stats", func(t *testing.T) {
		f.in(t).run(0, "sweep", "--tag", "env=dev")
		resp, err := http.Get(f.url + "/lab/stats")
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		var stats struct {
			Calls map[string]int
			Truth map[string]any
		}
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&stats))
		assert.NotZero(t, stats.Calls["SendCommand"])
		assert.NotNil(t, stats.Truth)
	})
}

// latest wants a metric of a host to have been published, and this for its greatest value.
func (f *fleet) latest(name, metric string, want float64) {
	f.t.Helper()
	got := f.maximum(name, metric)
	require.NotEmpty(f.t, got, "%s of %s", metric, name)
	assert.Equal(f.t, want, slices.Max(got), "%s of %s: %v", metric, name, got)
}

// TestHostsChange has a host of its own for each part.
func TestHostsChange(t *testing.T) {
	t.Parallel()
	f := labUp(t)

	t.Run("a change on one host", func(t *testing.T) {
		f := f.in(t)
		f.on("web-2", "echo changed >>/etc/hosts")
		h := f.sweep(3, "sweep", "--tag", "role=web")["web-2"]
		require.NotNil(t, h.Counts, "%+v", h)
		assert.Equal(t, 0, h.Added)
		assert.Equal(t, 0, h.Removed)
		assert.Equal(t, 1, h.Changed)
		assert.Equal(t, []string{"~/etc/hosts"}, h.Paths)
		f.latest("web-2", "changed", 1)
		f.latest("web-3", "changed", 0)
	})

	t.Run("a command of the AWS CLI is collected", func(t *testing.T) {
		f := f.in(t)
		f.on("db-1", "echo x >/etc/new-file")
		var sent struct {
			Command struct {
				ID string `json:"CommandId"`
			}
		}
		text := f.aws("ssm", "send-command", "--document-name", "AideFleet-Check", "--targets", "Key=tag:env,Values=prod", "--max-errors", "100%")
		require.NoError(t, json.Unmarshal([]byte(text), &sent))
		h := f.sweep(4, "collect", "--command-id", sent.Command.ID)["db-1"]
		require.NotNil(t, h.Counts, "%+v", h)
		assert.Equal(t, 1, h.Added)
		assert.Contains(t, h.Paths, "+/etc/new-file")
		f.latest("db-1", "added", 1)
	})

	t.Run("a baseline for a host without", func(t *testing.T) {
		f := f.in(t)
		f.run(0, "init", "--tag", "role=cache")
		h := f.sweep(0, "sweep", "--tag", "role=cache")["cache-1"]
		assert.Equal(t, report.Clean, h.Status, "%+v", h)
		assert.NotZero(t, h.Total)
	})

	t.Run("documents by hand", func(t *testing.T) {
		f := f.in(t)
		f.on("web-1", "echo changed >>/etc/hosts")
		check, _ := f.document("web-1", "AideFleet-Check")
		var l struct{ Status, Fingerprint string }
		require.NoError(t, json.Unmarshal([]byte(check), &l), check)
		require.Equal(t, "drift", l.Status, check)

		first, text := f.document("web-1", "AideFleet-Report", "limit=1")
		assert.Contains(t, first, `"total":1`, "report")
		assert.Contains(t, text, "~ /etc/hosts", "report")
		first, text = f.document("web-1", "AideFleet-Doctor")
		assert.Contains(t, first, `"status":"ok"`, "doctor: %s", text)
		assert.Contains(t, text, "baseline", "doctor")

		first, _ = f.document("web-1", "AideFleet-Accept", "fingerprint=00000000000000000000000000000000")
		assert.Contains(t, first, "refused", "accept of another fingerprint")
		first, text = f.document("web-1", "AideFleet-Accept", "fingerprint="+l.Fingerprint)
		assert.Contains(t, first, `"status":"clean"`, "accept: %s", text)
		first, _ = f.document("web-1", "AideFleet-Check")
		assert.Contains(t, first, `"status":"clean"`, "check after accept")
		first, text = f.document("web-1", "AideFleet-Accept", "undo=true")
		assert.Contains(t, first, `"status":"clean"`, "undo: %s", text)
		first, _ = f.document("web-1", "AideFleet-Check")
		assert.Contains(t, first, l.Fingerprint, "check after undo")
	})

	t.Run("init by force by hand", func(t *testing.T) {
		first, text := f.in(t).document("batch-1", "AideFleet-Init", "force=true,yes=true")
		assert.Contains(t, first, `"status":"clean"`, text)
		assert.Contains(t, text, "old baseline is kept")
	})
}

// TestHostsFail has a host of its own for each part.
func TestHostsFail(t *testing.T) {
	t.Parallel()
	f := labUp(t)

	t.Run("garbage for a result", func(t *testing.T) {
		f := f.in(t)
		f.on("web-2", `mv /usr/bin/aide-node /srv/node; printf '#!/bin/sh\nprintf "\\033[31mnonsense <b>\\n"\n' >/usr/bin/aide-node; chmod +x /usr/bin/aide-node`)
		h := f.sweep(4, "sweep", "--tag", "role=web")["web-2"]
		assert.Equal(t, report.Failed, h.Status, "%+v", h)
		assert.Equal(t, report.Reason("bad_output"), h.Reason)
		assert.Contains(t, h.Message, "nonsense")
		assert.NotContains(t, h.Message, "\x1b")
		f.on("web-2", "rm /usr/bin/aide-node")
		h = f.sweep(4, "sweep", "--tag", "role=web")["web-2"]
		assert.Equal(t, report.Reason("node_missing"), h.Reason, "%+v", h)
	})

	t.Run("a full disk", func(t *testing.T) {
		f := f.in(t)
		f.machine("web-1", "mount -t tmpfs -o size=64k none /var/lib/aide-node")
		h := f.sweep(4, "sweep", "--tag", "role=web")["web-1"]
		assert.Equal(t, report.Failed, h.Status, "%+v", h)
		assert.Equal(t, report.Reason("state_unwritable"), h.Reason)
		assert.Nil(t, h.Counts)
	})
}

// sweepSlowly starts a sweep of the hosts of role=web, of which web-1 and web-2 have a
// change and web-3 takes minutes. It returns when only web-3 has not ended, and what is
// to be called for the report when the sweep has been brought to its end.
func (f *fleet) sweepSlowly() (sweep *os.Process, end func(exit int) map[string]report.Host) {
	f.t.Helper()
	f.on("web-1", "echo changed >>/etc/hosts")
	f.on("web-2", "echo changed >>/etc/hosts")
	f.slowAIDE("web-3")
	cmd, stdout, stderr := f.command("sweep", "--tag", "role=web", "--output", "json")
	require.NoError(f.t, cmd.Start())
	f.completed(2, "role=web")
	return cmd.Process, func(exit int) map[string]report.Host {
		f.t.Helper()
		_ = cmd.Wait()
		require.Equal(f.t, exit, cmd.ProcessState.ExitCode(), stderr)
		got := hosts(f.t, stdout.String())
		assert.Equal(f.t, 1, got["web-1"].Changed, "%+v", got["web-1"])
		assert.Equal(f.t, 1, got["web-2"].Changed, "%+v", got["web-2"])
		return got
	}
}

func TestSweepInterrupted(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	sweep, end := f.sweepSlowly()
	require.NoError(t, sweep.Signal(os.Interrupt))
	h := end(130)["web-3"]
	assert.Equal(t, report.Reason("cancelled"), h.Reason, "%+v", h)
	var list struct{ Commands []struct{ Status string } }
	require.NoError(t, json.Unmarshal([]byte(f.aws("ssm", "list-commands", "--max-items", "1")), &list))
	assert.Equal(t, "Cancelled", list.Commands[0].Status, "the last command")
}

func TestAgentKilled(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	_, end := f.sweepSlowly()
	require.NoError(t, syscall.Kill(f.first("web-3"), syscall.SIGKILL))
	h := end(4)["web-3"]
	assert.Equal(t, report.Missing, h.Status, "%+v", h)
	assert.Equal(t, report.Reason("agent_lost"), h.Reason)
}

func TestDocumentMissing(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.aws("ssm", "delete-document", "--name", "AideFleet-Check")
	_, said := f.run(1, "sweep", "--tag", "env=dev")
	assert.Contains(t, said, "AideFleet-Check")
	assert.Contains(t, said, "orchestrator documents publish")
	out, _ := f.run(0, "documents", "diff")
	assert.Contains(t, out, "AideFleet-Check\twould be created")
	f.run(0, "documents", "publish")
	f.run(0, "sweep", "--tag", "env=dev")
}
