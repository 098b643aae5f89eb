package sweep

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"aidefleet/orchestrator/runcommand"
)

func tagged(value string) []runcommand.Target {
	return []runcommand.Target{{Key: "tag:env", Values: []string{value}}}
}

func byID(list ...string) []runcommand.Target {
	return []runcommand.Target{{Key: "InstanceIds", Values: list}}
}

func TestFleetOf(t *testing.T) {
	for want, commands := range map[string][]runcommand.Command{
		"prod":                      {{Comment: "aidefleet start x fleet=prod", Targets: tagged("prod")}},
		"env=dev":                   {{Comment: "by hand", Targets: tagged("dev")}},
		"env=test":                  {{Comment: "aidefleet sweep x", Targets: tagged("test")}},
		"two parts":                 {{Comment: "aidefleet sweep x 1/2 fleet=two parts", Targets: byID("i-1")}, {Comment: "aidefleet sweep x 2/2 fleet=two parts", Targets: byID("i-2")}},
		"Standort=M?nchen 3c756452": {{Targets: []runcommand.Target{{Key: "tag:Standort", Values: []string{"München"}}}}},
		"resource-groups:Name=web":  {{Targets: []runcommand.Target{{Key: "resource-groups:Name", Values: []string{"web"}}}}},
		"i-00000003":                {{Comment: "aidefleet start x fleet=env=prod", Targets: byID("i-00000003")}},
		"env=lab":                   {{Comment: "aidefleet start x fleet=env=prod", Targets: tagged("lab")}},
		"env=prod":                  {{Comment: "aidefleet start x fleet=env=prod", Targets: tagged("prod")}},
		"e3b0c442":                  {{}},
		"i-00000001 mi-00000002":    {{Targets: byID("i-00000001")}, {Targets: byID("mi-00000002")}},
	} {
		if got := FleetOf(nil, commands...); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestBelieved: a name that is free is believed if what is known of the fleet speaks for it.
func TestBelieved(t *testing.T) {
	known := func(name string) (target string, hosts int, ok bool) {
		switch name {
		case "shop":
			return "env=prod", 40, true
		case "all":
			return "all", 4, true
		}
		return "", 0, false
	}
	for name, c := range map[string]struct {
		fleet   string
		targets []runcommand.Target
		want    string
	}{
		"its own tags":           {"shop", tagged("prod"), "shop"},
		"other tags":             {"shop", tagged("dev"), "env=dev"},
		"one host":               {"shop", byID("i-00000001"), "i-00000001"},
		"never seen":             {"new", tagged("dev"), "new"},
		"half of all hosts":      {"all", byID("i-00000001", "i-00000002"), "all"},
		"a quarter of all hosts": {"all", byID("i-00000001"), "i-00000001"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, FleetOf(known, runcommand.Command{Comment: "aidefleet start x fleet=" + c.fleet, Targets: c.targets}))
		})
	}
}
