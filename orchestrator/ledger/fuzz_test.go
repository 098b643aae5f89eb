package ledger

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// FuzzEscape: whatever a fleet is called, its key is one folder, and read back.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"env=prod", "../..", "", "a/b", "\x00", "Größe", "%2F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, fleet string) {
		key := sweepKey(fleet, Run{Account: "1", Region: "eu-central-1", ID: "X-1", Started: time.Unix(1764000000, 0)})
		assert.Equal(t, 3, strings.Count(key, "/"), key)
		s, ok := parseKey(key)
		assert.True(t, ok, key)
		assert.Equal(t, fleet, s.Fleet)
		assert.Equal(t, "1 eu-central-1 X-1", s.Account+" "+s.Region+" "+s.Run)
	})
}

// FuzzParseKey: a key of nobody's is none of ours.
func FuzzParseKey(f *testing.F) {
	f.Add("sweeps/fleet=a/date=2026-11-26/20261126T050000Z-1-eu-central-1-X.json.gz")
	f.Add("sweeps/fleet=%/date=2026-11-26/20261126T050000Z.json.gz")
	f.Fuzz(func(t *testing.T, key string) {
		s, ok := parseKey(key)
		if !ok {
			return
		}
		assert.Equal(t, key, s.Key)
		assert.True(t, strings.HasSuffix(key, s.Name+".json.gz"), key)
	})
}

// FuzzPins: what is in the place of pins is read as pins, or refused by name.
func FuzzPins(f *testing.F) {
	f.Add("{\"v\":1}\n{\"instance\":\"i-1\"}\n")
	f.Add("{\"v\":2}\n")
	f.Add("{\"v\":1}\n{\"instance\":\"i-2\"}\n{\"instance\":\"i-1\"}\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		data, err := zipped(func(w io.Writer) error { _, err := w.Write([]byte(text)); return err })
		assert.NoError(t, err)
		p := &Pins{ledger: &Ledger{Unreachable{}}, account: "1", region: "r", data: data}
		last := ""
		err = p.Each(func(pin Pin) error {
			assert.Greater(t, pin.Instance, last)
			last = pin.Instance
			return nil
		})
		if err != nil {
			assert.True(t, IsObjectError(err), err)
			assert.ErrorContains(t, err, "pins/account=1/region=r.json.gz")
		}
	})
}
