package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/aide/aidetest"
	"aidefleet/node/result"
)

// TestGroups: a check tells changes below a path of the profile, whatever else changed, in
// one group, which stays the same until they do not.
func TestGroups(t *testing.T) { aidetest.Each(t, testGroups) }

func testGroups(t *testing.T, a aidetest.AIDE) {
	for layout := range layoutsOf(a) {
		t.Run(layout, func(t *testing.T) {
			h, _ := configured(t, layout, a)
			app := func() (g result.Group) {
				t.Helper()
				l, text := h.run("check")
				require.Equal(t, result.Drift, l.Status, text)
				sum := 0
				for _, one := range l.Groups {
					if sum += one.N; one.At == h.tree+"/app" {
						g = one
					}
				}
				assert.Equal(t, l.Sum(), sum)
				return g
			}
			h.write("tree/app/new", "x\n")
			first := app()
			assert.Equal(t, 1, first.N)
			h.write("tree/logs/4", "x\n")
			assert.Equal(t, first, app())
			h.write("tree/app/new", "y\n")
			assert.NotEqual(t, first.Fingerprint, app().Fingerprint)
		})
	}
}
