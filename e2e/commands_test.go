package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/report"
)

// TestLabCommands reviews and accepts changes, and asks what is missing. Each part
// stands alone on the changes that are made first.
func TestLabCommands(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	f.on("web-1", "echo changed >>/etc/hosts")
	f.on("db-1", `i=0; while [ $i -lt 1500 ]; do echo $i >/srv/some-file-with-a-name-$i; i=$((i+1)); done`)
	checked := f.sweep(4, "sweep", "--tag", "env=prod")
	web, db := checked["web-1"], checked["db-1"]
	sent := func() int {
		resp, err := http.Get(f.url + "/lab/stats")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var stats struct{ Calls map[string]int }
		if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
			t.Fatal(err)
		}
		return stats.Calls["SendCommand"]
	}

	t.Run("show", func(t *testing.T) {
		f := f.in(t)
		out, said := f.run(0, "show", "web-1")
		assert.Regexp(t, `^group  [0-9a-f]{32}  1  /etc\n~ /etc/hosts\n    size: `, out, said)
		assert.Contains(t, said, web.Report)
		before := sent()
		out, _ = f.run(0, "show", db.Instance, "--output", "json")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		var change struct{ Kind, Path string }
		err := json.Unmarshal([]byte(lines[0]), &change)
		assert.NoError(t, err)
		assert.Len(t, lines, 1500, "%d changes, the first %s", len(lines), lines[0])
		assert.Equal(t, "+", change.Kind)
		if pages := sent() - before; pages < 2 {
			t.Errorf("%d pages", pages)
		}
		for _, c := range []struct {
			exit int
			args []string
			want string
		}{
			{4, []string{"show", "api-1"}, "agent_lost"},
			{4, []string{"show", "web-1", "--id", "20200101T000000Z"}, "the newest are " + web.Report},
			{5, []string{"show", "nobody"}, "no host matches Name=nobody"},
		} {
			out, said := f.run(c.exit, c.args...)
			assert.Empty(t, out, "%q says %q", c.args, said)
			assert.Contains(t, said, c.want, c.args)
			assert.Equal(t, 1, strings.Count(said, "\n"), c.args)
		}
	})

	t.Run("accept", func(t *testing.T) {
		f := f.in(t)
		accept := []string{"accept", "--fingerprint", web.Fingerprint, "--tag", "env=prod"}
		before := sent()
		out, _ := f.run(0, append(accept, "--dry-run")...)
		assert.Equal(t, 1, strings.Count(out, "would accept"), "after %d commands: %s", sent()-before, out)
		assert.Contains(t, out, "web-1\t"+web.Instance+"\twould accept "+web.Fingerprint)
		assert.Equal(t, before, sent())
		got := f.sweep(4, accept...)
		assert.Equal(t, report.Status("clean"), got["web-1"].Status, "%+v", got)
		assert.Equal(t, report.Status("clean"), got["web-3"].Status)
		assert.Equal(t, report.Reason("agent_lost"), got["api-1"].Reason)
		assert.Equal(t, report.Status("failed"), got["cache-1"].Status)
		h := got["db-1"]
		assert.Equal(t, report.Status("drift"), h.Status, "db-1: %+v", h)
		assert.Contains(t, h.Message, "another fingerprint: "+db.Fingerprint, "db-1")
		f.run(0, "sweep", "--instance", web.Instance)
		_, said := f.run(0, "accept", "--fingerprint", web.Fingerprint, "--tag", "role=web")
		assert.Contains(t, said, web.Fingerprint+" was accepted before, on 20")
		_, said = f.run(5, "accept", "--fingerprint", strings.Repeat("0", 32), "--tag", "role=web")
		assert.Contains(t, said, "no host shows the fingerprint")
		f.run(0, "accept", "--undo", "--instance", web.Instance)
		if h := f.sweep(3, "sweep", "--instance", web.Instance)["web-1"]; h.Fingerprint != web.Fingerprint {
			t.Errorf("after an undo: %+v", h)
		}
	})

	t.Run("doctor", func(t *testing.T) {
		f := f.in(t)
		before := sent()
		out, _ := f.run(0, "doctor")
		for _, want := range []string{"arn:aws:iam::123456789012:user/lab", "ok         ssm:ListCommands\n", "not tried  ssm:SendCommand", "1 of 7 are silent"} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
		if sent() != before {
			t.Error("a command is sent without a target")
		}
		out, _ = f.run(1, "doctor", "--tag", "env=prod", "--output", "json")
		var d struct {
			Status string
			Checks []struct{ Name, Status, Message, Next string }
		}
		err := json.Unmarshal([]byte(out), &d)
		assert.NoError(t, err)
		assert.Equal(t, "failed", d.Status, out)
		assert.Contains(t, out, "cache-1: ")
		assert.Contains(t, out, "api-1: agent_lost")
		f.aws("ssm", "delete-document", "--name", "AideFleet-Doctor")
		out, _ = f.run(1, "doctor")
		assert.Contains(t, out, "failed     document AideFleet-Doctor")
		assert.Contains(t, out, "→ orchestrator documents publish")
	})
}
