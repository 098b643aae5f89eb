package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/report"
)

// TestAcceptPart: a deploy on three hosts and an intrusion on one of them. The operator
// accepts the deploy by what the table shows of it, and nothing else.
func TestAcceptPart(t *testing.T) {
	t.Parallel()
	f := labUp(t)
	web := []string{"web-1", "web-2", "web-3"}
	for _, host := range web {
		f.on(host, "echo 2.0 >/srv/app/VERSION")
	}
	f.on("web-2", "mkdir -p /etc/cron.d; echo x >/etc/cron.d/.update")
	found := f.sweep(3, "sweep", "--tag", "role=web")
	deploy := groupAt(t, found["web-1"], "/srv/app")
	assert.Equal(t, deploy, groupAt(t, found["web-2"], "/srv/app"))
	table, _ := f.run(3, "sweep", "--tag", "role=web", "--output", "table")
	assert.Contains(t, table, "\n"+deploy.Fingerprint[:8]+"  /srv/app  ")

	out, _ := f.run(0, "accept", "--tag", "role=web", "--fingerprint", deploy.Fingerprint[:8], "--dry-run")
	for _, host := range web {
		assert.Contains(t, out, host+"\t"+found[host].Instance+"\twould accept "+deploy.Fingerprint)
	}
	accepted := f.sweep(0, "accept", "--tag", "role=web", "--fingerprint", deploy.Fingerprint[:8], "--why", "release 2.0")
	assert.Contains(t, accepted["web-2"].Message, "of the changes in /srv/app accepted: ")

	now := f.sweep(3, "sweep", "--tag", "role=web")
	assert.Equal(t, report.Clean, now["web-1"].Status)
	assert.Equal(t, report.Clean, now["web-3"].Status)
	require.Equal(t, report.Drift, now["web-2"].Status)
	assert.Equal(t, found["web-2"].Sum()-deploy.N, now["web-2"].Sum(), "exactly the rest")
	assert.Zero(t, now["web-2"].New, "the rest was known")
	for _, host := range web {
		assert.Empty(t, kinds(now[host]), host)
	}

	f.on("web-2", rewriteByAIDE)
	assert.Equal(t, []report.Suspicion{report.UnexpectedBaseline}, kinds(f.sweep(3, "sweep", "--tag", "role=web")["web-2"]))
}

// groupAt is the group of a host's changes with that name.
func groupAt(t *testing.T, h report.Host, name string) result.Group {
	t.Helper()
	for _, g := range h.Groups {
		if g.At == name {
			return g
		}
	}
	require.Fail(t, "no such group", "%s in %+v", name, h.Groups)
	return result.Group{}
}
