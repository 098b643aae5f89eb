package packages

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	dpkgLog = `2026-11-26 09:40:25 remove old:amd64 0.9 <none>
2026-11-27 09:40:25 startup packages remove
2026-11-27 09:40:25 status installed tool:all 1.0
2026-11-27 09:40:25 remove tool:all 1.0 <none>
2026-11-27 09:40:26 upgrade libc6:amd64 2.36-9 2.36-9+deb12u1
garbage
`
	dnfLog = `2026-11-26T09:40:25+0000 SUBDEBUG Erase: old-0.9-1.noarch
2026-11-27T09:40:25+0000 INFO --- logging initialized ---
2026-11-27T10:40:25+0100 SUBDEBUG Erase: my-tool-1:1.0-1.x86_64
2026-11-27T09:40:26+0000 SUBDEBUG Upgrade: libc-2.36-9.x86_64
2026-11-27T09:40:26+0000 SUBDEBUG Erase: none
`
)

// TestReadLog: packages are removed by name and version, since the baseline.
func TestReadLog(t *testing.T) {
	since := time.Date(2026, 11, 27, 9, 40, 25, 7, time.UTC)
	local := time.Date(2026, 11, 27, 9, 40, 25, 7, time.Local)
	removed := map[Package]bool{}
	require.NoError(t, readLog(strings.NewReader(dpkgLog), dpkgRemoved, local, removed))
	require.NoError(t, readLog(strings.NewReader(dnfLog), dnfRemoved, since, removed))
	assert.Equal(t, map[Package]bool{{"tool", "1.0"}: true, {"my-tool", "1:1.0-1.x86_64"}: true}, removed)
}

// FuzzRemoved: a line that is read names a package and a version.
func FuzzRemoved(f *testing.F) {
	for line := range strings.Lines(dpkgLog + dnfLog) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, log := range logs {
			if p, at, ok := log.read(line); ok {
				assert.Contains(t, line, p.Version)
				assert.Contains(t, line, p.Name)
				assert.False(t, at.IsZero())
			}
		}
	})
}
