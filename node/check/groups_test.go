package check

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide"
	"aidefleet/node/profile"
	"aidefleet/node/state"
)

func TestGroupName(t *testing.T) {
	paths := profile.Paths{"/srv/app/shop", "/home/*/.ssh"}
	for name, want := range map[string]string{
		"/etc/passwd":                    "/etc",
		"/etc":                           "/etc",
		"/etc/cron.d/x":                  "/etc/cron.d",
		"/etc/cron.d/x/y":                "/etc/cron.d",
		"/srv/app/a/b/c":                 "/srv/app",
		"/srv/app/shop":                  "/srv/app/shop",
		"/srv/app/shop/x":                "/srv/app/shop",
		"/srv/app/shop2/x":               "/srv/app",
		"/home/bob/.ssh/authorized_keys": "/home/*/.ssh",
		"/vmlinuz":                       "/vmlinuz",
		"/":                              "/",
	} {
		assert.Equal(t, want, groupName(paths, []byte(name), false), name)
	}
	for name, want := range map[string]string{"/etc": "/etc", "/etc/cron.d": "/etc/cron.d", "/srv/app/a": "/srv/app", "/srv/app/shop": "/srv/app/shop"} {
		assert.Equal(t, want, groupName(paths, []byte(name), true), name)
	}
}

// groupsIn are the groups of a database whose entries are all changed, by name.
func groupsIn(t *testing.T, text string, removed ...string) map[string]state.Group {
	t.Helper()
	g := newGroups(t.TempDir(), nil)
	defer g.close()
	_, err := aide.ReadDatabase(strings.NewReader(text), func(e aide.Entry) error { return g.addPresent(aide.Changed, e, nil) })
	require.NoError(t, err)
	for _, name := range removed {
		remove(t, g, name)
	}
	list, err := g.list("")
	require.NoError(t, err)
	by := map[string]state.Group{}
	for _, one := range list {
		by[one.At] = one
	}
	return by
}

// remove adds a file that is gone.
func remove(t *testing.T, g *groups, name string) {
	t.Helper()
	_, err := aide.ReadDatabase(strings.NewReader(table("name perm", name+" 100644")), func(e aide.Entry) error { return g.addRemoved(e, nil) })
	require.NoError(t, err)
}

func table(columns string, entries ...string) string {
	return "@@begin_db\n@@db_spec " + columns + "\n" + strings.Join(entries, "\n") + "\n@@end_db\n"
}

// TestGroupsAgree: hosts that share a group agree on it, whatever else they have, and
// whatever else their rules record.
func TestGroupsAgree(t *testing.T) {
	amazon := groupsIn(t, table("name perm uid gid size mtime sha256 sha512",
		"/srv/app/a 100644 0 0 5 MTc= aaa bbb", "/etc/machine-id 100644 0 0 33 MTc= ccc ddd"))
	debian := groupsIn(t, table("name lname perm inode uid gid size md5 sha512 acl",
		"/srv/app/a 0 100644 99 0 0 5 xxx bbb POSIX", "/etc/machine-id 0 100644 7 0 0 33 yyy eee 0"), "/opt/x/y")
	assert.Equal(t, amazon["/srv/app"], debian["/srv/app"])
	assert.NotEqual(t, amazon["/etc"], debian["/etc"])
	assert.Equal(t, 1, debian["/opt/x"].N)
}

// TestGroupsDiffer: whatever else a file is, its group has another fingerprint.
func TestGroupsDiffer(t *testing.T) {
	const columns, entry = "name perm uid gid size lname sha256", "/srv/app/a 100644 0 0 5 0 aaa"
	one := groupsIn(t, table(columns, entry))["/srv/app"]
	for name, other := range map[string]string{
		"mode": "/srv/app/a 100755 0 0 5 0 aaa", "type": "/srv/app/a 120644 0 0 5 0 aaa", "user": "/srv/app/a 100644 1 0 5 0 aaa",
		"group": "/srv/app/a 100644 0 1 5 0 aaa", "size": "/srv/app/a 100644 0 0 6 0 aaa", "target": "/srv/app/a 100644 0 0 5 b aaa",
		"digest": "/srv/app/a 100644 0 0 5 0 aab", "no digest": "/srv/app/a 100644 0 0 5 0 0", "path": "/srv/app/b 100644 0 0 5 0 aaa",
	} {
		assert.NotEqual(t, one, groupsIn(t, table(columns, other))["/srv/app"], name)
	}
	assert.NotEqual(t, one, groupsIn(t, table("name perm uid gid size lname sha512", entry))["/srv/app"], "name of the digest")
	assert.NotEqual(t, one, groupsIn(t, table(columns, "/etc/x 100644 0 0 5 0 aaa"), "/srv/app/a")["/srv/app"], "removed")
}

// TestFolderSize: the size of a folder tells of its file system, and does not count.
func TestFolderSize(t *testing.T) {
	const columns = "name perm uid gid size"
	assert.Equal(t, groupsIn(t, table(columns, "/srv/app/d 40755 0 0 4096")), groupsIn(t, table(columns, "/srv/app/d 40755 0 0 60")))
}

// TestGroupIsDocumented computes a fingerprint as docs/results.md describes it.
func TestGroupIsDocumented(t *testing.T) {
	var records [][]byte
	for _, r := range []string{
		"~\x00/srv/app/a\x00mode=100644\x00uid=0\x00gid=0\x00size=5\x00sha512=y\x00", "~\x00/srv/app/l\x00mode=120777\x00uid=0\x00gid=0\x00target=YQ==\x00",
		"-\x00/srv/app/gone\x00",
	} {
		sum := sha256.Sum256([]byte(r))
		records = append(records, sum[:])
	}
	slices.SortFunc(records, bytes.Compare)
	want := sha256.Sum256(append([]byte("aide-node group 1\n"), bytes.Join(records, nil)...))
	got := groupsIn(t, table("name perm uid gid size lname sha256 sha512", "/srv/app/a 100644 0 0 5 0 x y", "/srv/app/l 120777 0 0 1 YQ== 0 0"), "/srv/app/gone")
	assert.Equal(t, hex.EncodeToString(want[:])[:fingerprintDigits], got["/srv/app"].Fingerprint)
	assert.Equal(t, 3, got["/srv/app"].N)
}

// TestManyChanges: a group of more changes than memory is for has the same fingerprint in
// any order.
func TestManyChanges(t *testing.T) {
	list := func(from, step int) []state.Group {
		g := newGroups(t.TempDir(), nil)
		defer g.close()
		const n = 3 * inMemory
		lines := make([]string, n)
		for i := range lines {
			lines[i] = fmt.Sprintf("/srv/app%d/%d 100644", i%2, (from+i*step)%n)
		}
		_, err := aide.ReadDatabase(strings.NewReader(table("name perm", lines...)), func(e aide.Entry) error { return g.addRemoved(e, nil) })
		require.NoError(t, err)
		groups, err := g.list("")
		require.NoError(t, err)
		return inOrder(groups)
	}
	assert.Equal(t, list(0, 1), list(2, 5*7*11))
}

// TestTooManyGroups: none is told.
func TestTooManyGroups(t *testing.T) {
	g := newGroups(t.TempDir(), nil)
	defer g.close()
	for i := range maxGroups + 1 {
		remove(t, g, fmt.Sprintf("/srv/app%d/x", i))
	}
	list, err := g.list("")
	require.NoError(t, err)
	assert.Empty(t, list)
}

// TestOrderOfGroups: those that matter most come first.
func TestOrderOfGroups(t *testing.T) {
	g := newGroups(t.TempDir(), nil)
	defer g.close()
	for _, name := range []string{"/data/x/y", "/var/lib/x", "/srv/a/x", "/opt/b/x", "/usr/bin/x", "/etc/x", "/etcetera/x/y"} {
		remove(t, g, name)
	}
	list, err := g.list("")
	require.NoError(t, err)
	var names []string
	for _, one := range inOrder(list) {
		names = append(names, one.At)
	}
	assert.Equal(t, []string{"/etc", "/usr/bin", "/opt/b", "/srv/a", "/var/lib", "/data/x", "/etcetera/x"}, names)
}
