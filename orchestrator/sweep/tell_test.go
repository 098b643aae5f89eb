package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"aidefleet/node/result"
	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/notify"
	"aidefleet/orchestrator/report"
)

// teller is a ledger, and a bus that may fail.
type teller struct {
	t      *testing.T
	ledger *ledger.Ledger
	fails  bool
	sent   []notify.Digest
}

func newTeller(t *testing.T) *teller {
	t.Helper()
	l, _ := openFolder(t)
	return &teller{t: t, ledger: l}
}

func (a *teller) api() notify.API {
	return notify.API{PutEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		if a.fails {
			return nil, errors.New("no answer")
		}
		var d notify.Digest
		require.NoError(a.t, json.Unmarshal([]byte(aws.ToString(in.Entries[0].Detail)), &d))
		a.sent = append(a.sent, d)
		return &eventbridge.PutEventsOutput{}, nil
	}}
}

// tell tells of a sweep, and returns the digests that it sent.
func (a *teller) tell(early bool, hosts ...report.Host) []notify.Digest {
	a.t.Helper()
	r := &run{Region: Region{Name: "eu-central-1", Account: "123456789012", Events: a.api()}, settings: settings{ledger: a.ledger}}
	r.report = report.Report{Fleet: "env=prod", Target: "env=prod", Started: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)}
	r.report.SetHosts(hosts)
	a.sent = nil
	err := r.tellNew(a.t.Context(), early)
	if a.fails {
		require.Error(a.t, err)
	} else {
		require.NoError(a.t, err)
	}
	return a.sent
}

func changed(id string, groups ...string) report.Host {
	h := host(id, report.Drift)
	h.Changed = len(groups)
	for _, at := range groups {
		h.Groups = append(h.Groups, result.Group{At: at, Fingerprint: "1cb4afc1d0b7e25f", N: 1})
		h.Paths = append(h.Paths, "~"+at+"/x")
	}
	return h
}

func suspicious() report.Host {
	h := host("i-3", report.Clean)
	h.Suspect = []report.Finding{{Kind: report.UnexpectedBaseline, Message: "another", Is: "ab"}}
	return h
}

// TestToldOnce: a finding comes once, as long as it is there.
func TestToldOnce(t *testing.T) {
	a := newTeller(t)
	first := a.tell(false, changed("i-1", "/etc"), host("i-2", report.Failed), suspicious(), host("i-4", report.Clean))
	require.Len(t, first, 1)
	assert.True(t, first[0].First)
	assert.Len(t, first[0].Groups, 1)
	assert.Len(t, first[0].Failures, 1)
	assert.Len(t, first[0].Suspects, 1)
	assert.Empty(t, a.tell(false, changed("i-1", "/etc"), host("i-2", report.Failed), suspicious(), host("i-4", report.Clean)))

	more := a.tell(false, changed("i-1", "/etc", "/srv/app"), changed("i-4", "/srv/app"), suspicious())
	require.Len(t, more, 1)
	assert.False(t, more[0].First)
	require.Len(t, more[0].Groups, 1)
	assert.Equal(t, "/srv/app", more[0].Groups[0].Group)
	assert.Equal(t, notify.Hosts{Count: 2, Names: []string{"name-i-1", "name-i-4"}}, more[0].Groups[0].Hosts)
	assert.Contains(t, more[0].Groups[0].Next, "orchestrator accept --tag env=prod --fingerprint 1cb4afc1d0b7e25f")
	assert.Empty(t, more[0].Suspects)

	// What was gone is new if it comes again.
	assert.Empty(t, a.tell(false, host("i-1", report.Clean), host("i-2", report.Clean)))
	assert.Len(t, a.tell(false, changed("i-1", "/etc")), 1)
}

// TestToldAgain: what nobody got is told again, and lost never.
func TestToldAgain(t *testing.T) {
	a := newTeller(t)
	a.fails = true
	a.tell(false, suspicious())
	a.fails = false
	again := a.tell(false, suspicious())
	require.Len(t, again, 1)
	assert.Len(t, again[0].Suspects, 1)
}

// TestToldEarly: what was told before the sweep was over is not told at its end.
func TestToldEarly(t *testing.T) {
	a := newTeller(t)
	a.tell(false, host("i-1", report.Clean), host("i-2", report.Missing)) // a sweep before
	early := a.tell(true, changed("i-1", "/etc"), host("i-2", report.Missing))
	require.Len(t, early, 1)
	assert.True(t, early[0].Early)
	assert.Empty(t, early[0].Failures, "it may still answer")
	assert.Empty(t, a.tell(true, changed("i-1", "/etc")))
	end := a.tell(false, changed("i-1", "/etc"), changed("i-2", "/srv/app"))
	require.Len(t, end, 1)
	require.Len(t, end[0].Groups, 1)
	assert.Equal(t, "/srv/app", end[0].Groups[0].Group)
}

// TestNotTold: what is expected of held hosts is not told, nor what packages explain; but
// suspects are.
func TestNotTold(t *testing.T) {
	a := newTeller(t)
	held, suspect, explained := changed("i-1", "/etc"), suspicious(), changed("i-2", result.PackagesGroup)
	held.Held, suspect.Held = &report.Held{ID: "h1"}, &report.Held{ID: "h1"}
	assert.Empty(t, a.tell(false, held, explained))
	d := a.tell(false, held, suspect)
	require.Len(t, d, 1)
	assert.Len(t, d[0].Suspects, 1)
	assert.Empty(t, d[0].Groups)
}

// TestToldWithoutLedger: suspects come with each sweep, and nothing else does.
func TestToldWithoutLedger(t *testing.T) {
	a := newTeller(t)
	a.ledger = nil
	for range 2 {
		d := a.tell(false, changed("i-1", "/etc"), suspicious())
		require.Len(t, d, 1)
		assert.Len(t, d[0].Suspects, 1)
		assert.Empty(t, d[0].Groups)
	}
	assert.Empty(t, a.tell(false, changed("i-1", "/etc")))
}

// TestToldSuperseded: what an older sweep found on a host that has answered a newer one is
// neither told nor noted.
func TestToldSuperseded(t *testing.T) {
	a := newTeller(t)
	a.tell(true, changed("i-1", "/etc"))                      // of a sweep that goes on
	assert.Empty(t, a.tell(false, host("i-1", report.Clean))) // a newer one
	pins, err := a.ledger.Pins(t.Context(), "123456789012", "eu-central-1")
	require.NoError(t, err)
	require.NoError(t, pins.Replace(t.Context(), func(put func(ledger.Pin) error) error {
		return put(ledger.Pin{Instance: "i-1", Seen: time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)})
	}))
	assert.Empty(t, a.tell(true, changed("i-1", "/etc")), "the older one, once more")
	told, err := a.ledger.Told(t.Context(), "123456789012", "eu-central-1")
	require.NoError(t, err)
	assert.Empty(t, told.Hosts)
}
