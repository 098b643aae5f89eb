package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/baseline"
)

// TestOwners: each entry has the package that was kept, for that baseline and the one that
// it became only.
func TestOwners(t *testing.T) {
	f, err := Open(t.TempDir())
	require.NoError(t, err)
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	_, err = f.OpenOwners(one)
	require.ErrorIs(t, err, os.ErrNotExist)

	name := func(i int) baseline.Name { return baseline.NameOf(fmt.Appendf(nil, "/srv/%d", i)) }
	var members []Owner
	for i := range 1000 {
		members = append(members, Owner{name(i), uint32(i % 3)})
	}
	require.NoError(t, f.KeepOwners(Owners{Baseline: one, Packages: []string{"a 1", "b 1", "c 1"}}, members))
	_, err = f.OpenOwners(two)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, f.RebaseOwners(two, one), "of another baseline there are none")
	require.NoError(t, f.RebaseOwners(one, two))
	o, err := f.OpenOwners(two)
	require.NoError(t, err)
	defer o.Close()
	for i := range 1000 {
		got, err := o.Find(name(i))
		require.NoError(t, err)
		assert.Equal(t, o.Packages[i%3], got)
	}
	got, err := o.Find(name(1000))
	require.NoError(t, err)
	assert.Empty(t, got)
}

// TestOwnersOfNoPackage: a host may have none.
func TestOwnersOfNoPackage(t *testing.T) {
	f, err := Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, f.KeepOwners(Owners{Baseline: "x"}, nil))
	o, err := f.OpenOwners("x")
	require.NoError(t, err)
	defer o.Close()
	got, err := o.Find(baseline.NameOf([]byte("/srv")))
	require.NoError(t, err)
	assert.Empty(t, got)
}

// TestDamagedOwners: garbage is an error, and not the end of the world.
func TestDamagedOwners(t *testing.T) {
	f, err := Open(t.TempDir())
	require.NoError(t, err)
	for _, text := range []string{"", "{}", "{}\n", `{"v":2,"baseline":"x"}` + "\n", "garbage\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(string(f), "owners"), []byte(text), 0o600))
		_, err := f.OpenOwners("x")
		assert.Error(t, err, text)
	}
}
