package fleet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadTargets(t *testing.T) {
	for _, tc := range []struct {
		name, in, want, err string
	}{
		{name: "lines", in: "i-00000001\nmi-00000002\n", want: "i-00000001 mi-00000002"},
		{name: "comments", in: "# web\n\n  i-00000001 # web-1\r\n#\n\ti-00000002", want: "i-00000001 i-00000002"},
		{name: "twice", in: "i-00000001\ni-00000002\ni-00000001\n", want: "i-00000001 i-00000002"},
		{name: "byte order mark", in: "\ufeffi-00000001\n", want: "i-00000001"},
		{name: "JSON", in: ` [{"instance":"i-00000001","region":"eu-central-1","reachable":true},{"instance":"mi-00000002","new":1}]`, want: "i-00000001@eu-central-1 mi-00000002"},
		{name: "JSON twice", in: `[{"instance":"i-00000001"},{"instance":"i-00000001"}]`, want: "i-00000001"},
		{name: "empty", in: "", err: "it names no host"},
		{name: "only comments", in: "# i-00000001\n", err: "it names no host"},
		{name: "JSON of nobody", in: "[]", err: "it names no host"},
		{name: "a name", in: "i-00000001\n\nweb-1\n", err: `line 3: instance "web-1": want an id`},
		{name: "two in a line", in: "i-00000001 i-00000002\n", err: "line 1: instance"},
		{name: "commas", in: "i-00000001,i-00000002\n", err: "line 1: instance"},
		{name: "long line", in: strings.Repeat("x", 1<<20), err: "line 1: instance \"" + strings.Repeat("x", 40) + "\""},
		{name: "JSON cut short", in: `[{"instance":"i-00000001"}`, err: "want the JSON of orchestrator targets"},
		{name: "JSON of something else", in: `[{"id":"i-00000001"}]`, err: `entry 1: instance ""`},
		{name: "JSON object", in: `{"hosts":[]}`, err: "line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ReadTargets(strings.NewReader(tc.in))
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			var list []string
			for _, g := range got {
				if g.Region != "" {
					g.Instance += "@" + g.Region
				}
				list = append(list, g.Instance)
			}
			assert.NoError(t, err)
			assert.Equal(t, tc.want, strings.Join(list, " "), "got %q", list)
		})
	}
}

func FuzzTargetsFile(f *testing.F) {
	for _, s := range []string{"i-00000001\n# x\n", `[{"instance":"i-00000001"}]`, "[", "\ufeff", "\x00", "i-00000001\ni-00000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ReadTargets(strings.NewReader(s))
		if err != nil {
			assert.Empty(t, list, "%q: %d hosts, error", s, len(list))
			assert.NotContains(t, err.Error(), "\n", s)
			return
		}
		seen := map[string]bool{}
		for _, target := range list {
			assert.False(t, seen[target.Instance], "%q became %v", s, list)
			assert.True(t, IsID(target.Instance), "%q became %v", s, list)
			seen[target.Instance] = true
		}
		if len(list) == 0 {
			t.Errorf("%q: no hosts, and no error", s)
		}
	})
}
