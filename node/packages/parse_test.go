package packages

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/program"
)

func TestParseCapabilities(t *testing.T) {
	const netRaw, netAdmin = 1 << 13, 1 << 12
	for text, want := range map[string]capabilities{
		"":                               {},
		"=":                              {},
		"cap_net_raw=p":                  {permitted: netRaw},
		"cap_net_raw=ep":                 {permitted: netRaw, effective: true},
		"= cap_net_raw+ep":               {permitted: netRaw, effective: true},
		"cap_net_admin,cap_net_raw=pi":   {permitted: netRaw | netAdmin, inheritable: netRaw | netAdmin},
		"cap_net_admin=p cap_net_raw=pi": {permitted: netRaw | netAdmin, inheritable: netRaw},
		"cap_checkpoint_restore=p":       {permitted: 1 << 40},
	} {
		got, err := parseCapabilities(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"cap_net_raw", "cap_fly=p", "cap_net_raw=x", "cap_net_raw-p", "all=ep"} {
		_, err := parseCapabilities(text)
		assert.Error(t, err, text)
	}
}

// FuzzCapabilities: what is read has only bits that have a name.
func FuzzCapabilities(f *testing.F) {
	f.Add("= cap_net_raw+ep")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCapabilities(text)
		if err == nil {
			assert.Zero(t, (c.permitted|c.inheritable)>>len(capabilityNames))
		}
	})
}

const rpmLine = "tool\t1:2.0-1.x86_64\t8\t0\t0\t33188\troot\troot\tab\tcap_net_raw=p\t\t/opt/a\tb"

func TestRPMFile(t *testing.T) {
	f, counts, err := rpmFile(rpmLine)
	require.NoError(t, err)
	assert.True(t, counts)
	want := File{
		Path: "/opt/a\tb", Package: Package{"tool", "1:2.0-1.x86_64"}, Digest: "ab", Algorithm: "sha256",
		Mode: 0o100644, User: "root", Group: "root", Capabilities: "cap_net_raw=p",
	}
	assert.Equal(t, want, f)
	for name, line := range map[string]string{
		"a configuration file":     strings.Replace(rpmLine, "\t8\t0\t", "\t8\t17\t", 1),
		"a ghost":                  strings.Replace(rpmLine, "\t8\t0\t", "\t8\t64\t", 1),
		"a file that was left out": strings.Replace(rpmLine, "\t0\t0\t", "\t0\t2\t", 1),
		"an unknown digest":        strings.Replace(rpmLine, "\t8\t0\t", "\t99\t0\t", 1),
		"no files":                 strings.Replace(rpmLine, "/opt/a\tb", "(none)", 1),
	} {
		_, counts, err := rpmFile(line)
		require.NoError(t, err, name)
		assert.False(t, counts, name)
	}
	for name, line := range map[string]string{
		"nothing":           "",
		"a part":            strings.TrimSuffix(rpmLine, "\t/opt/a\tb"),
		"no path":           strings.Replace(rpmLine, "/opt/a\tb", "opt", 1),
		"a mode in letters": strings.Replace(rpmLine, "33188", "rw", 1),
	} {
		_, _, err := rpmFile(line)
		assert.Error(t, err, name)
	}
	old, _, err := rpmFile(strings.Replace(rpmLine, "33188", "-32348", 1))
	require.NoError(t, err)
	assert.Equal(t, f.Mode, old.Mode, "old releases print the mode with a sign")
}

// FuzzRPMFile: what is read has a path, and is what the spool gives back.
func FuzzRPMFile(f *testing.F) {
	f.Add(rpmLine)
	f.Fuzz(func(t *testing.T, line string) {
		file, counts, err := rpmFile(line)
		if err != nil || !counts || strings.Contains(line, "\x00") {
			return
		}
		assert.True(t, strings.HasPrefix(file.Path, "/"))
		var spool bytes.Buffer
		out := bufio.NewWriter(&spool)
		require.NoError(t, file.write(out))
		require.NoError(t, out.Flush())
		got, err := readFile(bufio.NewReader(&spool))
		require.NoError(t, err)
		file.Path = canonical(file.Path)
		assert.Equal(t, file, got)
	})
}

// FuzzDigests: lines are a digest and a path each, or are refused.
func FuzzDigests(f *testing.F) {
	f.Add("b770024579e3fe2c53bc4e5277051b1d  usr/bin/aide\n")
	f.Fuzz(func(t *testing.T, text string) {
		digests, err := readDigests(strings.NewReader(text))
		if err != nil {
			return
		}
		for path, digest := range digests {
			assert.Len(t, digest, 32)
			assert.True(t, strings.HasPrefix(path, "/"))
		}
	})
}

func TestRun(t *testing.T) {
	printed := func(script string) (all []string, err error) {
		err = run(t.Context(), program.Weight{}, func(line string) error { all = append(all, line); return nil }, "/bin/sh", "-c", script)
		return all, err
	}
	all, err := printed(`printf 'a\n\nb\n'`)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "", "b"}, all)
	_, err = printed(`echo a; echo gone wrong >&2; exit 2`)
	assert.EqualError(t, err, "/bin/sh ended with exit status 2: gone wrong")
	_, err = printed(`printf 'a\nb'`)
	assert.EqualError(t, err, "/bin/sh: its last line has no end")
	_, err = printed(`head -c 100000 /dev/zero`)
	assert.EqualError(t, err, "it printed a line of more than 65536 bytes")
}

// TestNone: without a package manager there is no answer.
func TestNone(t *testing.T) {
	_, err := Ask(t.Context(), Query{Folder: t.TempDir(), Limit: time.Minute, managers: []manager{}})
	assert.ErrorIs(t, err, ErrNone)
}
