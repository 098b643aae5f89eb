package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// TestInitForceWantsYes: a new baseline hides what nobody has reviewed, and says how much.
func TestInitForceWantsYes(t *testing.T) { aidetest.Each(t, testInitForceWantsYes) }

func testInitForceWantsYes(t *testing.T, a aidetest.AIDE) {
	for name, c := range map[string]struct {
		do   func(h host)
		want string
	}{
		"never checked":   {func(host) {}, "no check has compared with the present baseline"},
		"one change":      {func(h host) { h.write("tree/a", "other\n"); h.run("check") }, " found 1 change that nobody has accepted"},
		"many changes":    {func(h host) { h.write("tree/a", "other\n"); h.remove("tree/b"); h.run("check") }, " found 2 changes that nobody has accepted"},
		"none":            {func(h host) { h.run("check") }, " found no changes that nobody has accepted"},
		"of another":      {func(h host) { h.run("check"); h.write("tree/a", "other\n"); h.run("init", "--force", "--yes") }, "no check has compared with the present baseline"},
		"garbage":         {func(h host) { h.run("check"); h.write("db/aide.db", "garbage\n") }, "no check has compared with the present baseline"},
		"it was removed":  {func(h host) { h.remove("db/aide.db") }, "aide.db any more"},
		"removed, and so": {func(h host) { h.remove("db/aide.db") }, "unseen: add --yes"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, a)
			h.run("init")
			c.do(h)
			before := h.databases()
			l, text := h.run("init", "--force")
			assert.Equal(t, result.Refused, l.Reason, "%+v\n%s", l, text)
			assert.Contains(t, l.Message, c.want)
			assert.Contains(t, l.Message, "--yes")
			assert.Equal(t, before, h.databases())
			l, text = h.run("init", "--force", "--yes")
			assert.Equal(t, result.Clean, l.Status, "%+v\n%s", l, text)
		})
	}
}
