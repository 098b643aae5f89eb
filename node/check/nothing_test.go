package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/aide"
	"aidefleet/node/result"
)

// TestNothingSeen tells rules that select nothing from a folder that AIDE did not enter.
func TestNothingSeen(t *testing.T) {
	const changed = "WARNING: failed to open directory '/srv' for reading: stat fields changed: n (skipping recursion)"
	for name, c := range map[string]struct {
		stderr, unread, message string
		reason                  result.Reason
	}{
		"no rule":                   {"", "", "/etc/aide.conf selects no file to look at", result.ConfigInvalid},
		"a folder that is changing": {changed + "\n", "/srv", "AIDE looked at no file: " + changed, result.AideFailed},
	} {
		var o aide.Outcome
		_, err := o.Said.Write([]byte(c.stderr))
		assert.NoError(t, err, name)
		assert.Equal(t, c.unread, o.Said.Unread.First, name)
		r := &runner{config: aide.Config{Path: "/etc/aide.conf"}}
		failed := r.nothingSeen(o)
		assert.EqualError(t, failed, c.message, name)
		assert.Equal(t, c.reason, ReasonOf(failed), name)
	}
}
