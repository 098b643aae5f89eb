package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
)

// TestHostUnique: a path at which each host differs in its own way is said once.
func TestHostUnique(t *testing.T) {
	r := patched(40)
	for i := range r.Hosts {
		h := &r.Hosts[i]
		h.Groups = append(h.Groups, result.Group{At: "/etc", Fingerprint: fmt.Sprintf("%016x", i), N: 1})
		h.Paths = []string{"~/etc/machine-id"}
	}
	var b bytes.Buffer
	require.NoError(t, WriteTable(&b, r, Style{Width: 80}))
	assert.Contains(t, b.String(), "\nhost-unique  ~/etc/machine-id  40 hosts, each its own\n")
	assert.NotContains(t, b.String(), "  /etc  1 change, 1 host")
	fits(t, b.String(), 80)

	r.SetHosts(r.Hosts[:4])
	b.Reset()
	require.NoError(t, WriteTable(&b, r, Style{Width: 80}))
	assert.NotContains(t, b.String(), "host-unique", "four hosts are too few to say so")
}

// TestPathsIn: a path is in the closest of the host's groups.
func TestPathsIn(t *testing.T) {
	h := Host{
		Groups: []result.Group{{At: "/etc"}, {At: "/etc/cron.d"}, {At: "/srv/app"}},
		Paths:  []string{"~/etc/passwd", "+/etc/cron.d/x", "~/etc/cron.d", "~/srv/app2", "~", ""},
	}
	for i, want := range []string{"~/etc/passwd", "+/etc/cron.d/x ~/etc/cron.d", ""} {
		assert.Equal(t, want, strings.Join(h.PathsIn(h.Groups[i]), " "))
	}
}
