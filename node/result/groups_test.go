package result

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// anyName is a path of any bytes.
func anyName(random *rand.Rand) string {
	b := []byte{'/'}
	for range random.IntN(1 + random.IntN(400)) {
		b = append(b, byte(random.IntN(256)))
	}
	return string(b)
}

// TestEncodeGroups: whatever groups and paths a host has, its line is valid, is no longer
// than it may be, and says all else that it said without groups.
func TestEncodeGroups(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 0))
	for range 2000 {
		l := Line{
			Status: Drift, Counts: &Counts{}, Fingerprint: strings.Repeat("a", 32), Config: strings.Repeat("b", 64), Next: strings.Repeat("c", 64),
			Baseline: &Baseline{SHA256: strings.Repeat("d", 64)}, Message: strings.Repeat("ü", random.IntN(300)), Node: "0.1.0",
		}
		for range 1 + random.IntN(30) {
			g := Group{At: anyName(random), Fingerprint: fmt.Sprintf("%016x", random.Uint64()), N: 1 + random.IntN(1000)}
			l.Groups = append(l.Groups, g)
			l.Changed += g.N
			l.Paths = append(l.Paths, "~"+g.At)
		}
		text, err := l.Encode()
		require.NoError(t, err)
		require.LessOrEqual(t, len(text), MaxBytes)
		got, err := Parse(text)
		require.NoError(t, err)
		l.Groups, l.Paths = nil, nil
		bare, err := l.Encode()
		require.NoError(t, err)
		want, err := Parse(bare)
		require.NoError(t, err)
		got.Groups, got.Paths, got.More = nil, nil, want.More
		require.Equal(t, want, got)
	}
}

// TestGroupsBeforePaths: the first path has room, then the groups, then other paths.
func TestGroupsBeforePaths(t *testing.T) {
	l := Line{Status: Drift, Counts: &Counts{Changed: 100}}
	for i := range 50 {
		name := fmt.Sprintf("/etc/%02d%s", i, strings.Repeat("x", 110))
		l.Groups = append(l.Groups, Group{At: name, Fingerprint: strings.Repeat("0", GroupDigits), N: 2})
		l.Paths = append(l.Paths, "+"+name, "-"+name)
	}
	text, err := l.Encode()
	require.NoError(t, err)
	got, err := Parse(text)
	require.NoError(t, err)
	assert.Equal(t, l.Groups[:6], got.Groups)
	assert.Equal(t, l.Paths[:1], got.Paths)
	assert.Equal(t, 99, got.More)
}

func TestParseRefusesGroups(t *testing.T) {
	one := `{"at":"/etc","f":"0123456789abcdef","n":1}`
	line := func(groups string) []byte {
		return []byte(`{"v":1,"status":"drift","added":2,"removed":0,"changed":0,"groups":[` + groups + `]}`)
	}
	_, err := Parse(line(one))
	require.NoError(t, err)
	_, err = Parse(line(`{"at":"packages","f":"0123456789abcdef","n":1,"versions":"0123456789abcdef"}`))
	require.NoError(t, err)
	for groups, want := range map[string]string{
		one + "," + one:                        "there twice",
		strings.Replace(one, "/etc", "etc", 1): "nor a path",
		strings.Replace(one, "/etc", "/"+strings.Repeat("x", 300), 1):       "nor a path",
		strings.Replace(one, "abcdef", "ABCDEF", 1):                         "not 16 hex digits",
		strings.Replace(one, "abcdef", "abcde", 1):                          "not 16 hex digits",
		strings.Replace(one, ":1}", ":0}", 1):                               "has 0 changes",
		strings.Replace(one, ":1}", ":-1}", 1):                              "has -1 changes",
		strings.Replace(one, ":1}", ":3}", 1):                               "more than all changes",
		strings.Replace(one, ":1}", ":9223372036854775807}", 1):             "changes",
		strings.Replace(one, `"n"`, `"at":"/x","n"`, 1):                     "there twice",
		strings.Replace(one, `"n"`, `"versions":"0123456789abcdef","n"`, 1): "are not 16 hex digits of packages",
		`{"at":"packages","f":"0123456789abcdef","n":1,"versions":"x"}`:     "are not 16 hex digits of packages",
		`1`: "not the JSON",
	} {
		_, err := Parse(line(groups))
		assert.ErrorContains(t, err, want, groups)
	}
	_, err = Parse([]byte(`{"v":1,"status":"clean","added":0,"removed":0,"changed":0,"groups":[` + one + `]}`))
	assert.ErrorContains(t, err, "status clean with groups")
}
