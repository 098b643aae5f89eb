package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "4h": 4 * time.Hour, "1d": day, "2w": 14 * day, "1d12h": 36 * time.Hour, "1w2d3h4m": 9*day + 3*time.Hour + 4*time.Minute,
		"0": 0, "-1h": -time.Hour, "1.5h": 90 * time.Minute,
	} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "4", "x", "4x", "1d-1h", "d", "1D", "1 d", "999999d", "1d2562047h", "1y"} {
		_, err := parseDuration(text)
		assert.ErrorIs(t, err, errDuration, text)
	}
}

// FuzzParseDuration: what is read is read again from its text.
func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"1d12h", "90s", "1w", "-3m", "99999w", "0.1d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		again, err := parseDuration(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}

// TestDurationOfTheEnvironment: a variable is read as a flag is.
func TestDurationOfTheEnvironment(t *testing.T) {
	isolate(t)
	t.Setenv("ORCHESTRATOR_WAIT", "soon")
	code, _, stderr := run(t, "sweep", "--tag", "env=prod")
	assert.Equal(t, 2, code)
	assert.Contains(t, stderr, `ORCHESTRATOR_WAIT "soon": want a time such as`)
	t.Setenv("ORCHESTRATOR_WAIT", "-24h")
	_, _, stderr = run(t, "sweep", "--tag", "env=prod")
	assert.Contains(t, stderr, "--wait -24h0m0s is negative")
}
