package profile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPathsOf: what the rules of a profile have AIDE look at can be read back from them.
func TestPathsOf(t *testing.T) {
	p, err := Parse(strings.NewReader("watch /srv/app\nwatch /srv/app/conf.d\nexclude /srv/app/cache\npermissions /home/*/.history\nwatch /srv/c++\n"))
	require.NoError(t, err)
	paths := PathsOf(p.Rules("/etc/aide/aide.conf"))
	assert.Equal(t, Paths{"/srv/app/conf.d", "/home/*/.history", "/srv/app", "/srv/c++"}, paths)
	for file, want := range map[string]string{
		"/srv/app":            "/srv/app",
		"/srv/app/x/y":        "/srv/app",
		"/srv/app2":           "",
		"/srv/app/conf.d/x":   "/srv/app/conf.d",
		"/home/bob/.history":  "/home/*/.history",
		"/home/b/c/.history":  "",
		"/etc/aide/aide.conf": "",
		"/srv/c++/main.cc":    "/srv/c++",
		"/srv/app\n/srv":      "",
		"":                    "",
	} {
		assert.Equal(t, want, paths.Covering(file), file)
	}
}

// TestPathsOfOthers: a file that is not of ours has no path.
func TestPathsOfOthers(t *testing.T) {
	assert.Empty(t, PathsOf("/etc p+u+g\n!/tmp\n@@include /x\n/srv(/|$) R\n"))
	assert.Empty(t, PathsOf(""))
}
