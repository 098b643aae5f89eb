package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestToldWhileOthersWork: hosts that have answered do not wait for the slowest. What is new
// on them is told by a reconcile, and not again at the end.
func TestToldWhileOthersWork(t *testing.T) {
	t.Parallel()
	s := simulate(t, 60, "--latency", "2ms", "--speed", "15", "--drift", "0.6", "--fail", "0", "--groups", "3")
	function := newFunction(t, s)
	started := function.want("started", startEvent("early", time.Now()))
	require.Eventually(t, func() bool {
		function.want("reconciled", reconcileEvent)
		events, _ := s.told()
		return len(events) > 0
	}, 20*time.Second, 200*time.Millisecond)
	events, _ := s.told()
	assert.True(t, events[0].Early)
	assert.NotEmpty(t, events[0].Groups)
	s.await(started.Command)
	published := function.want("published", endEvent(started.Command, "Success"))
	events, _ = s.told()
	told, is := map[string]int{}, map[string]int{} // hosts by group, over all events, and in truth
	for _, d := range events {
		for _, g := range d.Groups {
			told[g.Group+" "+g.Fingerprint] += g.Count
		}
	}
	for _, h := range s.kept(published.Report).Hosts {
		for _, g := range h.Groups {
			is[g.At+" "+g.Fingerprint]++
		}
	}
	assert.Equal(t, is, told, "each host with each of its groups, once")
}
