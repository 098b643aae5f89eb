package sweep

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestName(t *testing.T) {
	for _, tc := range []struct {
		name Name
		want string
	}{
		{Name{Verb: "show", ID: "20261124T050000Z-ABCD2345"}, "aidefleet show 20261124T050000Z-ABCD2345"},
		{Name{Verb: "sweep", ID: "x", Fleet: "env=prod role=web,db"}, "aidefleet sweep x fleet=env=prod role=web,db"},
		{Name{Verb: "sweep", ID: "x", Part: 2, Parts: 3, Fleet: "120 hosts cc90e2c0"}, "aidefleet sweep x 2/3 fleet=120 hosts cc90e2c0"},
		{Name{Verb: "sweep", ID: "x", Part: 1, Parts: 3, Fleet: "1/3"}, "aidefleet sweep x 1/3 fleet=1/3"},
	} {
		if got := tc.name.String(); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
		got, ok := ParseName(tc.want)
		assert.True(t, ok, "%q is read as %+v, %t", tc.want, got, ok)
		assert.Equal(t, tc.name, got, tc.want)
	}
	long := Name{Verb: "sweep", ID: strings.Repeat("x", 25), Part: 9999, Parts: 9999, Fleet: strings.Repeat("f", MaxFleet)}
	_, ok := ParseName(long.String())
	assert.LessOrEqual(t, len(long.String()), maxComment, "%q: a name of %d characters must fit", long, MaxFleet)
	assert.True(t, ok, "%q: a name of %d characters must fit", long, MaxFleet)
	assert.True(t, strings.HasSuffix(long.String(), "fff"), "%q: a name of %d characters must fit", long, MaxFleet)
	long.Fleet += strings.Repeat("f", 60)
	got, ok := ParseName(long.String())
	assert.True(t, ok, "%q: half a name would be another fleet's", long)
	assert.Empty(t, got.Fleet)
	for _, bad := range []string{
		"", "aidefleet", "aidefleet sweep", "somebody's own comment", "aidefleet sweep x 0/3", "aidefleet sweep x 4/3",
		"aidefleet sweep x fleet=", "aidefleet sweep x fleet= ", "aidefleet sweep x fleet=ä", "aidefleet sweep x\nfleet=a", "aidefleet Sweep x",
	} {
		if got, ok := ParseName(bad); ok {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add("aidefleet sweep 20261124T050000Z-ABCD2345 1/3 fleet=env=prod")
	f.Fuzz(func(t *testing.T, comment string) {
		n, ok := ParseName(comment)
		if !ok {
			return
		}
		again, ok := ParseName(n.String())
		assert.True(t, ok, "%q is %+v, and then %+v", comment, n, again)
		assert.Equal(t, n, again, comment)
	})
}
