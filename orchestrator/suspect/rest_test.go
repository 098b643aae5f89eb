package suspect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// TestRest: a host that took one of two groups has to show the other one, and nothing less.
func TestRest(t *testing.T) {
	group := func(letter string, n int) result.Group {
		return result.Group{At: "/" + letter, Fingerprint: strings.Repeat(letter, 16), N: n}
	}
	pin := pinned("i-1")
	pin.Status, pin.Changes = "drift", 5
	pin.Groups = []ledger.Group{{Fingerprint: strings.Repeat("a", 16), N: 3}, {Fingerprint: strings.Repeat("b", 16), N: 2}}
	for name, c := range map[string]struct {
		groups   []result.Group
		fresh    int
		accepted string
		want     []report.Suspicion
	}{
		"the rest":                       {[]result.Group{group("b", 2)}, 0, "a", nil},
		"the rest and new changes":       {[]result.Group{group("b", 2), group("c", 1)}, 1, "a", nil},
		"a group that grew":              {[]result.Group{group("c", 3)}, 1, "a", nil},
		"less":                           {[]result.Group{group("b", 1)}, 0, "a", []report.Suspicion{report.UnexpectedBaseline}},
		"nothing":                        {nil, 0, "a", []report.Suspicion{report.UnexpectedBaseline}},
		"less, and new changes":          {[]result.Group{group("c", 1)}, 1, "a", []report.Suspicion{report.UnexpectedBaseline}},
		"more, and nothing new":          {[]result.Group{group("b", 2), group("c", 1)}, 0, "a", []report.Suspicion{report.UnexpectedBaseline}},
		"other changes, and nothing new": {[]result.Group{group("c", 2)}, 0, "a", []report.Suspicion{report.UnexpectedBaseline}},
		"a group that the pin has not":   {[]result.Group{group("b", 1)}, 0, "d", nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := claim("i-1")
			h.Baseline, h.Groups, h.New = &result.Baseline{SHA256: sha("9")}, c.groups, c.fresh
			for _, g := range c.groups {
				h.Status = report.Drift
				h.Changed += g.N
			}
			act := ledger.Action{
				Kind: ledger.Accept, Group: "/a", Fingerprint: strings.Repeat(c.accepted, 32), When: before.Add(time.Hour),
				Hosts: []ledger.Change{{Instance: "i-1", Done: true, Was: sha("a"), After: ledger.Digests{Baseline: sha("9")}}},
			}
			got := remember(t, pin).compare("now", now, []ledger.Action{act}, h)
			assert.Equal(t, c.want, kinds(got[0]), "%+v", got[0].Suspect)
		})
	}
}
