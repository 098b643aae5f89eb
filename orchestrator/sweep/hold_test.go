package sweep

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/fleet"
	"aidefleet/orchestrator/ledger"
)

// TestHoldsAll: a hold covers a fleet if it is wider than the fleet's tags, or the same.
func TestHoldsAll(t *testing.T) {
	prod := []fleet.Tag{{Key: "env", Values: []string{"prod", "test"}}, {Key: "role", Values: []string{"web"}}}
	for name, c := range map[string]struct {
		hold ledger.Hold
		want bool
	}{
		"every host":            {ledger.Hold{All: true}, true},
		"the same tags":         {ledger.Hold{Tags: map[string][]string{"env": {"prod", "test"}, "role": {"web"}}}, true},
		"fewer tags":            {ledger.Hold{Tags: map[string][]string{"role": {"web"}}}, true},
		"more values":           {ledger.Hold{Tags: map[string][]string{"env": {"prod", "test", "dev"}}}, true},
		"fewer values":          {ledger.Hold{Tags: map[string][]string{"env": {"prod"}}}, false},
		"another tag":           {ledger.Hold{Tags: map[string][]string{"team": {"a"}}}, false},
		"hosts by name":         {ledger.Hold{Instances: []string{"i-1"}}, false},
		"tags and names":        {ledger.Hold{Tags: map[string][]string{"role": {"web"}}, Instances: []string{"i-1"}}, false},
		"nothing":               {ledger.Hold{}, false},
		"one tag of two is not": {ledger.Hold{Tags: map[string][]string{"role": {"web"}, "team": {"a"}}}, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, HoldsAll(c.hold, prod)) })
	}
}
