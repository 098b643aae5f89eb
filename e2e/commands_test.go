package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestLabCommands reviews and accepts changes, and asks what is missing.
func TestLabCommands(t *testing.T) {
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
		if !strings.HasPrefix(out, "~ /etc/hosts\n    size: ") || !strings.Contains(said, web.Report) {
			t.Errorf("%s\n%s", out, said)
		}
		before := sent()
		out, _ = f.run(0, "show", db.Instance, "--output", "json")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		var change struct{ Kind, Path string }
		if err := json.Unmarshal([]byte(lines[0]), &change); err != nil || len(lines) != 1500 || change.Kind != "+" {
			t.Errorf("%d changes, the first %s, %v", len(lines), lines[0], err)
		}
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
			if out, said := f.run(c.exit, c.args...); out != "" || !strings.Contains(said, c.want) || strings.Count(said, "\n") != 1 {
				t.Errorf("%q says %q, want one line with %q", c.args, said, c.want)
			}
		}
	})

	t.Run("accept", func(t *testing.T) {
		f := f.in(t)
		accept := []string{"accept", "--fingerprint", web.Fingerprint, "--tag", "env=prod"}
		before := sent()
		out, _ := f.run(0, append(accept, "--dry-run")...)
		if strings.Count(out, "would accept") != 1 || !strings.Contains(out, "web-1\t"+web.Instance+"\twould accept "+web.Fingerprint) || sent() != before {
			t.Errorf("after %d commands: %s", sent()-before, out)
		}
		got := f.sweep(4, accept...)
		if got["web-1"].Status != "clean" || got["web-3"].Status != "clean" || got["api-1"].Reason != "agent_lost" || got["cache-1"].Status != "failed" {
			t.Errorf("%+v", got)
		}
		if h := got["db-1"]; h.Status != "drift" || !strings.Contains(h.Message, "another fingerprint: "+db.Fingerprint) {
			t.Errorf("db-1: %+v", h)
		}
		f.run(0, "sweep", "--instance", web.Instance)
		if _, said := f.run(5, "accept", "--fingerprint", web.Fingerprint, "--tag", "role=web"); !strings.Contains(said, "no host shows the fingerprint") {
			t.Errorf("it says %q", said)
		}
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
		if err := json.Unmarshal([]byte(out), &d); err != nil || d.Status != "failed" || !strings.Contains(out, "cache-1: ") || !strings.Contains(out, "api-1: agent_lost") {
			t.Errorf("%v in %s", err, out)
		}
		f.aws("ssm", "delete-document", "--name", "AideFleet-Doctor")
		if out, _ := f.run(1, "doctor"); !strings.Contains(out, "failed     document AideFleet-Doctor") || !strings.Contains(out, "→ orchestrator documents publish") {
			t.Error(out)
		}
	})
}
