package suspect

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

var (
	before = time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC) // of the sweep before
	now    = time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC)
)

// sha is one that a letter stands for.
func sha(letter string) string { return strings.Repeat(letter, 64) }

// claim is what a host says that a check rests on. It is clean.
func claim(instance string) report.Host {
	return report.Host{
		Instance: instance, Name: "web", Status: report.Clean, Counts: &result.Counts{Total: 1000}, Began: now, Report: "20261126T050000Z",
		Baseline: &result.Baseline{SHA256: sha("a")}, NextBaseline: sha("b"), Config: sha("c"),
		AIDE: "0.18.6", AIDESHA256: sha("d")[:32], Node: "0.1.0", NodeSHA256: sha("e")[:32],
	}
}

// pinned is a pin of what claim says.
func pinned(instance string) ledger.Pin {
	return ledger.Pin{
		Instance: instance, Name: "web", Status: "clean", Since: before, Seen: before, FirstSeen: before, Command: "before", Report: "20261125T050000Z", Entries: 1000,
		Digests: ledger.Digests{
			Baseline: sha("a"), Next: sha("b"), Config: sha("c"), AIDE: "0.18.6", AIDESHA256: sha("d")[:32], Node: "0.1.0", NodeSHA256: sha("e")[:32],
		},
	}
}

// memory is a ledger in a folder.
type memory struct {
	*ledger.Ledger
	t *testing.T
}

func remember(t *testing.T, pins ...ledger.Pin) memory {
	t.Helper()
	l, err := ledger.Open(t.TempDir(), "", ledger.S3API{})
	require.NoError(t, err)
	m := memory{l, t}
	require.NoError(t, m.read().Replace(t.Context(), func(put func(ledger.Pin) error) error {
		for _, p := range pins {
			if err := put(p); err != nil {
				return err
			}
		}
		return nil
	}))
	return m
}

func (m memory) read() *ledger.Pins {
	m.t.Helper()
	p, err := m.Pins(m.t.Context(), "1", "r")
	require.NoError(m.t, err)
	return p
}

func (m memory) pins() map[string]ledger.Pin {
	m.t.Helper()
	pins := map[string]ledger.Pin{}
	require.NoError(m.t, m.read().Each(func(p ledger.Pin) error { pins[p.Instance] = p; return nil }))
	return pins
}

// compare compares hosts that answered a command, and replaces the pins.
func (m memory) compare(command string, requested time.Time, actions []ledger.Action, hosts ...report.Host) []report.Host {
	m.t.Helper()
	pins := m.read()
	c := New(hosts, func(i int) Answer {
		a := Answer{Requested: requested}
		if hosts[i].Status != report.Missing {
			a.Command = command
		}
		return a
	})
	since, err := c.Read(pins)
	require.NoError(m.t, err)
	assert.Equal(m.t, since.IsZero(), !c.Unexplained())
	c.Explain(actions)
	c.Mark()
	require.NoError(m.t, pins.Replace(m.t.Context(), func(put func(ledger.Pin) error) error { return c.Replace(pins, put) }))
	return hosts
}

func kinds(h report.Host) (list []report.Suspicion) {
	for _, f := range h.Suspect {
		list = append(list, f.Kind)
	}
	return list
}

// action is one on i-1 between the two sweeps.
func action(kind ledger.Kind, after ledger.Digests) ledger.Action {
	return ledger.Action{Kind: kind, When: before.Add(time.Hour), Hosts: []ledger.Change{{Instance: "i-1", Done: true, After: after}}}
}

// TestRules has each way to differ from a pin, with and without what explains it.
func TestRules(t *testing.T) {
	another := func(letter string) func(h *report.Host) {
		return func(h *report.Host) { h.Baseline.SHA256 = sha(letter) }
	}
	config := func(h *report.Host) { h.Config = sha("9") }
	fingerprint := strings.Repeat("0f", 16)
	drifted := func(p *ledger.Pin) { p.Fingerprint = fingerprint }
	accept := action(ledger.Accept, ledger.Digests{Baseline: sha("b")})
	accept.Fingerprint = fingerprint
	announced := action(ledger.Accept, ledger.Digests{Baseline: sha("8")})
	announced.Hosts[0].Before.Next = sha("8")
	part := func(was, is string) ledger.Action {
		a := action(ledger.Accept, ledger.Digests{Baseline: sha(is)})
		a.Fingerprint, a.Group, a.Hosts[0].Was = strings.Repeat("1e", 16), "/srv/app", sha(was)
		return a
	}
	forced := func(after ledger.Digests) ledger.Action {
		a := action(ledger.Init, after)
		a.Force = true
		return a
	}
	refused := accept
	refused.Hosts = []ledger.Change{{Instance: "i-1", After: ledger.Digests{Baseline: sha("b")}}}
	others := accept
	others.Hosts = []ledger.Change{{Instance: "i-2", Done: true, After: ledger.Digests{Baseline: sha("b")}}}
	old := accept
	old.When = before.Add(-time.Hour)
	for name, c := range map[string]struct {
		pin     func(p *ledger.Pin)
		host    func(h *report.Host)
		actions []ledger.Action
		want    []report.Suspicion
	}{
		"the same": {},

		"a baseline of nobody's":                     {host: another("f"), want: []report.Suspicion{report.UnexpectedBaseline}},
		"a baseline that the accepted check wrote":   {pin: drifted, host: another("b"), actions: []ledger.Action{accept}},
		"a baseline that the check announced later":  {host: another("8"), actions: []ledger.Action{announced}},
		"another than the accepted check wrote":      {pin: drifted, host: another("f"), actions: []ledger.Action{accept}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"a part accepted":                            {host: another("f"), actions: []ledger.Action{part("a", "f")}},
		"two parts accepted":                         {host: another("7"), actions: []ledger.Action{part("a", "f"), part("f", "7")}},
		"two parts accepted within a second":         {host: another("7"), actions: []ledger.Action{part("f", "7"), part("a", "f")}},
		"a part accepted in place of another":        {host: another("f"), actions: []ledger.Action{part("6", "f")}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"another than the accepted part made":        {host: another("7"), actions: []ledger.Action{part("a", "f")}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"accepted with another fingerprint":          {host: another("b"), actions: []ledger.Action{accept}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"accepted, but it refused":                   {pin: drifted, host: another("b"), actions: []ledger.Action{refused}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"accepted on another host":                   {pin: drifted, host: another("b"), actions: []ledger.Action{others}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"accepted before the sweep before":           {pin: drifted, host: another("b"), actions: []ledger.Action{old}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"a baseline by force":                        {host: another("f"), actions: []ledger.Action{forced(ledger.Digests{Baseline: sha("f")})}},
		"a baseline by force, and then another":      {host: another("7"), actions: []ledger.Action{forced(ledger.Digests{Baseline: sha("f")})}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"a first baseline on a host that had one":    {host: another("f"), actions: []ledger.Action{action(ledger.Init, ledger.Digests{Baseline: sha("f")})}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"back to the one before":                     {pin: func(p *ledger.Pin) { p.Former = []string{sha("6")} }, host: another("6"), actions: []ledger.Action{action(ledger.Undo, ledger.Digests{Baseline: sha("6")})}},
		"back to one that it never had":              {pin: func(p *ledger.Pin) { p.Former = []string{sha("6")} }, host: another("5"), actions: []ledger.Action{action(ledger.Undo, ledger.Digests{Baseline: sha("5")})}, want: []report.Suspicion{report.UnexpectedBaseline}},
		"back to one of which nothing is remembered": {host: another("5"), actions: []ledger.Action{action(ledger.Undo, ledger.Digests{Baseline: sha("5")})}},
		"accepted and taken back":                    {pin: drifted, actions: []ledger.Action{accept, action(ledger.Undo, ledger.Digests{Baseline: sha("a")})}},
		"nothing of a baseline known before":         {pin: func(p *ledger.Pin) { p.Baseline = "" }, host: another("f")},
		"a check that failed on another baseline": {host: func(h *report.Host) {
			h.Status, h.Counts, h.Reason, h.Baseline.SHA256 = report.Failed, nil, report.Reason(result.BaselineInvalid), sha("f")
		}, want: []report.Suspicion{report.UnexpectedBaseline}},

		"another configuration":               {host: config, want: []report.Suspicion{report.UnexpectedConfig}},
		"a configuration by us":               {host: config, actions: []ledger.Action{action(ledger.Configure, ledger.Digests{Config: sha("9")})}},
		"a configuration other than by us":    {host: config, actions: []ledger.Action{action(ledger.Configure, ledger.Digests{Config: sha("4")})}, want: []report.Suspicion{report.UnexpectedConfig}},
		"an init that left the rules":         {host: config, actions: []ledger.Action{action(ledger.Init, ledger.Digests{Config: sha("9")})}, want: []report.Suspicion{report.UnexpectedConfig}},
		"an acceptance explains no rules":     {pin: drifted, host: config, actions: []ledger.Action{accept}, want: []report.Suspicion{report.UnexpectedConfig}},
		"narrowed rules and a new baseline":   {host: func(h *report.Host) { config(h); another("f")(h) }, want: []report.Suspicion{report.UnexpectedBaseline, report.UnexpectedConfig}},
		"rules and a baseline by our command": {host: func(h *report.Host) { config(h); another("f")(h) }, actions: []ledger.Action{forced(ledger.Digests{Baseline: sha("f"), Config: sha("9")})}},

		"an AIDE of the same version":      {host: func(h *report.Host) { h.AIDESHA256 = sha("1")[:32] }, want: []report.Suspicion{report.UnexpectedProgram}},
		"an AIDE of another version":       {host: func(h *report.Host) { h.AIDE, h.AIDESHA256 = "0.19.3", sha("1")[:32] }},
		"an AIDE that is no longer named":  {host: func(h *report.Host) { h.AIDESHA256 = "" }, want: []report.Suspicion{report.UnexpectedProgram}},
		"an AIDE that we took as it is":    {host: func(h *report.Host) { h.AIDESHA256 = sha("1")[:32] }, actions: []ledger.Action{forced(ledger.Digests{AIDESHA256: sha("1")[:32]})}},
		"an init that left AIDE as it was": {host: func(h *report.Host) { h.AIDESHA256 = sha("1")[:32] }, actions: []ledger.Action{action(ledger.Init, ledger.Digests{AIDESHA256: sha("1")[:32]})}, want: []report.Suspicion{report.UnexpectedProgram}},
		"a node of the same version":       {host: func(h *report.Host) { h.NodeSHA256 = sha("1")[:32] }, want: []report.Suspicion{report.UnexpectedProgram}},
		"a node that we installed":         {host: func(h *report.Host) { h.NodeSHA256 = sha("1")[:32] }, actions: []ledger.Action{action(ledger.Install, ledger.Digests{Node: "0.1.0", NodeSHA256: sha("1")[:32]})}},
		"a node other than we installed":   {host: func(h *report.Host) { h.NodeSHA256 = sha("2")[:32] }, actions: []ledger.Action{action(ledger.Install, ledger.Digests{Node: "0.1.0", NodeSHA256: sha("1")[:32]})}, want: []report.Suspicion{report.UnexpectedProgram}},
		"a node of another version":        {host: func(h *report.Host) { h.Node, h.NodeSHA256 = "0.2.0", sha("1")[:32] }, want: []report.Suspicion{report.UnexpectedProgram}},
		"an older node, which names none":  {host: func(h *report.Host) { h.Node, h.NodeSHA256 = "0.0.9", "" }},
		"an install that names no digest":  {host: func(h *report.Host) { h.Node, h.NodeSHA256 = "0.2.0", sha("1")[:32] }, actions: []ledger.Action{action(ledger.Install, ledger.Digests{Node: "0.2.0"})}},
		"a program that the script denied": {host: func(h *report.Host) {
			*h = report.Host{Instance: "i-1", Status: report.Failed, Reason: report.ProgramUnexpected}
		}, want: []report.Suspicion{report.UnexpectedProgram}},

		"an answer from before the request": {host: func(h *report.Host) { h.Began = now.Add(-time.Hour) }, want: []report.Suspicion{report.ReplayedAnswer}},
		"a clock that is a minute late":     {host: func(h *report.Host) { h.Began = now.Add(-time.Minute) }},
		"a report that was named before":    {host: func(h *report.Host) { h.Report = "20261125T050000Z" }, want: []report.Suspicion{report.ReplayedAnswer}},

		"fewer entries":                        {host: func(h *report.Host) { h.Total = 899 }, want: []report.Suspicion{report.DroppedEntries}},
		"a tenth fewer":                        {host: func(h *report.Host) { h.Total = 900 }},
		"fewer, which it tells as removed":     {host: func(h *report.Host) { h.Status, h.Counts = report.Drift, &result.Counts{Removed: 500, Total: 500} }},
		"fewer, and added ones make up for it": {host: func(h *report.Host) { h.Status, h.Counts = report.Drift, &result.Counts{Added: 500, Total: 1000} }, want: []report.Suspicion{report.DroppedEntries}},
		"fewer, with a baseline by force": {host: func(h *report.Host) { another("f")(h); h.Total = 10 },
			actions: []ledger.Action{forced(ledger.Digests{Baseline: sha("f")})}},

		"no baseline":      {host: func(h *report.Host) { h.Baseline = nil }, want: []report.Suspicion{report.UnsaidBaseline}},
		"no configuration": {host: func(h *report.Host) { h.Config = "" }, want: []report.Suspicion{report.UnsaidBaseline}},
		"a removed baseline": {host: func(h *report.Host) {
			*h = report.Host{Instance: "i-1", Status: report.Failed, Reason: report.Reason(result.BaselineRemoved)}
		}, want: []report.Suspicion{report.RemovedBaseline}},
		"no baseline any more": {host: func(h *report.Host) {
			*h = report.Host{Instance: "i-1", Status: report.Failed, Reason: report.Reason(result.BaselineMissing)}
		}, want: []report.Suspicion{report.RemovedBaseline}},
		"no baseline as ever": {pin: func(p *ledger.Pin) { p.Baseline = "" },
			host: func(h *report.Host) {
				*h = report.Host{Instance: "i-1", Status: report.Failed, Reason: report.Reason(result.BaselineMissing)}
			}},
		"a check that failed": {host: func(h *report.Host) {
			*h = report.Host{Instance: "i-1", Status: report.Failed, Reason: report.Reason(result.Timeout)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pin, h := pinned("i-1"), claim("i-1")
			if c.pin != nil {
				c.pin(&pin)
			}
			if c.host != nil {
				c.host(&h)
			}
			m := remember(t, pin)
			got := m.compare("now", now, c.actions, h)
			assert.Equal(t, c.want, kinds(got[0]), "%+v", got[0].Suspect)
			assert.False(t, got[0].FirstSeen)
			for _, f := range got[0].Suspect {
				assert.Equal(t, now, f.Since)
				assert.NotEmpty(t, f.Message)
			}
			assert.Len(t, m.pins()["i-1"].Open, len(c.want))
		})
	}
}

// TestRemovedReason: a baseline that the ledger knows of is not simply missing.
func TestRemovedReason(t *testing.T) {
	m := remember(t, pinned("i-1"))
	got := m.compare("now", now, nil, report.Host{Instance: "i-1", Status: report.Failed, Reason: report.Reason(result.BaselineMissing)})
	assert.Equal(t, report.Reason(result.BaselineRemoved), got[0].Reason)
	assert.Contains(t, got[0].Next, "find out who removed")
}

// TestFirstSight trusts a host that nothing is known of, and says so.
func TestFirstSight(t *testing.T) {
	m := remember(t)
	got := m.compare("now", now, nil, claim("i-1"))
	assert.True(t, got[0].FirstSeen)
	assert.Empty(t, got[0].Suspect)
	want := pinned("i-1")
	want.Since, want.Seen, want.FirstSeen, want.Command, want.Report = now, now, now, "now", "20261126T050000Z"
	want.Groups = []ledger.Group{}
	assert.Equal(t, want, m.pins()["i-1"])
	assert.True(t, m.compare("now", now, nil, claim("i-1"))[0].FirstSeen, "collected again")
	later := claim("i-1")
	later.Report, later.Began = "later", now.Add(time.Hour)
	got = m.compare("later", now.Add(time.Hour), nil, later)
	assert.False(t, got[0].FirstSeen)
	assert.Empty(t, got[0].Suspect)
}

// TestSilentHost: a host that did not answer claims nothing.
func TestSilentHost(t *testing.T) {
	m := remember(t, pinned("i-1"))
	got := m.compare("now", now, nil, report.Host{Instance: "i-1", Status: report.Missing}, report.Host{Instance: "i-2", Status: report.Missing})
	assert.Empty(t, got[0].Suspect)
	assert.False(t, got[1].FirstSeen)
	want := pinned("i-1")
	want.Status, want.Since = "missing", now
	assert.Equal(t, map[string]ledger.Pin{"i-1": want}, m.pins())
}

// TestOpenFinding: a finding stays until it is acknowledged, with the time and the state of
// the first sweep that had it.
func TestOpenFinding(t *testing.T) {
	m := remember(t, pinned("i-1"))
	h := claim("i-1")
	h.Baseline = &result.Baseline{SHA256: sha("f")}
	first := m.compare("now", now, nil, h)[0].Suspect
	require.Len(t, first, 1)
	h.Report, h.Began = "20261127T050000Z", now.AddDate(0, 0, 1)
	assert.Equal(t, first, m.compare("later", now.AddDate(0, 0, 1), nil, h)[0].Suspect)
	h.Baseline = &result.Baseline{SHA256: sha("7")}
	h.Report, h.Began = "20261128T050000Z", now.AddDate(0, 0, 2)
	third := m.compare("last", now.AddDate(0, 0, 2), nil, h)[0].Suspect
	require.Len(t, third, 1)
	assert.Equal(t, now, third[0].Since)
	assert.Equal(t, sha("a"), third[0].Was)
	assert.Equal(t, sha("7"), third[0].Is)
	silent := m.compare("silent", now.AddDate(0, 0, 3), nil, report.Host{Instance: "i-1", Status: report.Missing})
	assert.Equal(t, third, silent[0].Suspect, "also of a host that is silent")
}

// TestSameCommandTwice: what is collected again is compared with what was before it.
func TestSameCommandTwice(t *testing.T) {
	m := remember(t, pinned("i-1"))
	h := claim("i-1")
	h.Baseline = &result.Baseline{SHA256: sha("f")}
	first := m.compare("now", now, nil, h)
	pins := m.pins()
	again := m.compare("now", now, nil, h)
	assert.Equal(t, first[0].Suspect, again[0].Suspect)
	assert.Equal(t, pins, m.pins())
}

// TestOlderCommand: what is collected late says nothing of the present, nor does a sweep by
// a clock that went back.
func TestOlderCommand(t *testing.T) {
	m := remember(t, pinned("i-1"))
	h := claim("i-1")
	h.Baseline = &result.Baseline{SHA256: sha("f")}
	got := m.compare("older", before.Add(-time.Hour), nil, h)
	assert.Empty(t, got[0].Suspect)
	assert.Equal(t, map[string]ledger.Pin{"i-1": pinned("i-1")}, m.pins())
}

// TestCopiedBaseline: a host takes over another's baseline. Those that share one from the
// start, as of one image, do not.
func TestCopiedBaseline(t *testing.T) {
	other := pinned("i-2")
	other.Baseline = sha("f")
	m := remember(t, pinned("i-1"), other)
	h := claim("i-1")
	h.Baseline = &result.Baseline{SHA256: sha("f")}
	got := m.compare("now", now, nil, h)
	assert.Equal(t, []report.Suspicion{report.UnexpectedBaseline, report.CopiedBaseline}, kinds(got[0]))
	assert.Contains(t, got[0].Suspect[1].Message, "i-2")

	m = remember(t)
	got = m.compare("now", now, nil, claim("i-1"), claim("i-2"))
	assert.Empty(t, got[0].Suspect)
	assert.Empty(t, got[1].Suspect)
}

// TestUpgrades: a fleet of three distributions and two architectures upgrades AIDE and the
// node. Nobody is suspect, but for the host that comes out with a program of its own.
func TestUpgrades(t *testing.T) {
	var pins []ledger.Pin
	var hosts []report.Host
	letters := "0123456789abcdef"
	for kind := range 6 { // each distribution on each architecture has another build
		for n := range 3 {
			id := string(rune('a'+kind)) + string(rune('0'+n))
			pin, h := pinned("i-"+id), claim("i-"+id)
			pin.AIDESHA256, pin.NodeSHA256 = sha(letters[kind : kind+1])[:32], sha(letters[kind%2 : kind%2+1])[:32]
			h.AIDE, h.AIDESHA256 = "0.19.3", sha(letters[kind+8 : kind+9])[:32]
			h.Node, h.NodeSHA256 = "0.2.0", sha(letters[kind%2+8 : kind%2+9])[:32]
			pins, hosts = append(pins, pin), append(hosts, h)
		}
	}
	m := remember(t, pins...)
	for _, h := range m.compare("now", now, nil, hosts...) {
		assert.Empty(t, h.Suspect, h.Instance)
	}

	hosts[4].AIDESHA256 = strings.Repeat("07", 16)
	m = remember(t, pins...)
	for i, h := range m.compare("now", now, nil, hosts...) {
		if i == 4 {
			assert.Equal(t, []report.Suspicion{report.LoneProgram}, kinds(h))
		} else {
			assert.Empty(t, h.Suspect, h.Instance)
		}
	}
}

// TestMixedFleet: single hosts of a kind of their own are as they were.
func TestMixedFleet(t *testing.T) {
	var pins []ledger.Pin
	var hosts []report.Host
	for i, letter := range strings.Split("0123456", "") {
		pin, h := pinned("i-"+letter), claim("i-"+letter)
		pin.AIDESHA256, h.AIDESHA256 = sha(letter)[:32], sha(letter)[:32]
		if i == 3 {
			h.AIDE, h.AIDESHA256 = "0.19.3", sha("f")[:32]
		}
		pins, hosts = append(pins, pin), append(hosts, h)
	}
	for _, h := range remember(t, pins...).compare("now", now, nil, hosts...) {
		assert.Empty(t, h.Suspect, h.Instance)
	}
}

// TestOtherPins: pins of hosts that the sweep did not have stay.
func TestOtherPins(t *testing.T) {
	m := remember(t, pinned("i-1"), pinned("i-3"), pinned("i-5"))
	m.compare("now", now, nil, claim("i-4"), claim("i-2"), claim("i-0"))
	pins := m.pins()
	assert.Len(t, pins, 6)
	assert.Equal(t, pinned("i-3"), pins["i-3"])
	assert.Equal(t, now, pins["i-2"].Seen)
}

// TestFormer remembers the baselines before, up to a bound.
func TestFormer(t *testing.T) {
	m := remember(t, pinned("i-1"))
	letters := "123456789bcdef"
	for i := range letters {
		h := claim("i-1")
		h.Baseline = &result.Baseline{SHA256: sha(letters[i : i+1])}
		h.Report, h.Began = "r"+letters[i:i+1], now.AddDate(0, 0, i)
		m.compare("c"+letters[i:i+1], now.AddDate(0, 0, i), nil, h)
	}
	former := m.pins()["i-1"].Former
	require.Len(t, former, ledger.MaxFormer)
	assert.Equal(t, sha("e"), former[0])
}
