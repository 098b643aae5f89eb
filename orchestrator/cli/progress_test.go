package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEstimate(t *testing.T) {
	for _, tc := range []struct {
		elapsed     time.Duration
		ended, left int
		want        string
	}{
		{time.Minute, 0, 100, ""},
		{4 * time.Second, 50, 100, ""},
		{time.Minute, 100, 0, ""},
		{time.Minute, 100, 99, "less than a minute left"},
		{time.Minute, 100, 100, "1 min left"},
		{time.Minute, 1000, 3999, "3 min left"},
		{10 * time.Minute, 100, 599, "59 min left"},
		{10 * time.Minute, 100, 1250, "2 h 5 min left"},
		{time.Hour, 1, 47, "47 h 0 min left"},
		{time.Hour, 1, 50_000, "days left"},
	} {
		got, ok := estimate(tc.elapsed, tc.ended, tc.left)
		assert.Equal(t, tc.want, got, "%d of %d in %s: got %q", tc.ended, tc.ended+tc.left, tc.elapsed, got)
		assert.Equal(t, got != "", ok, "%d of %d in %s: got %q", tc.ended, tc.ended+tc.left, tc.elapsed, got)
	}
}

// look is one look at a command, some time after the first.
type look struct {
	at                  time.Duration
	completed, targeted int
	want                string
}

func TestMeter(t *testing.T) {
	const begin, end = "\r", "\x1b[K"
	for _, tc := range []struct {
		name  string
		live  bool
		width int
		looks []look
	}{
		{"terminal", true, 80, []look{
			{0, 0, 0, ""}, // the service does not know yet how many there are
			{0, 0, 10_000, begin + "0 of 10,000 hosts have ended" + end},
			{time.Minute, 1234, 10_000, begin + "1,234 of 10,000 hosts have ended, 7 min left" + end},
			{2 * time.Minute, 9999, 10_000, begin + "9,999 of 10,000 hosts have ended, less than a minute left" + end},
			{3 * time.Minute, 10_000, 10_000, begin + end},
			{4 * time.Minute, 10_000, 10_000, ""},
		}},
		{"narrow terminal", true, 20, []look{
			{0, 0, 10_000, begin + "0 of 10,000 hosts h" + end},
		}},
		{"no terminal", false, 0, []look{
			{0, 0, 100, ""},
			{59 * time.Second, 10, 100, ""},
			{60 * time.Second, 20, 100, "20 of 100 hosts have ended, 4 min left\n"},
			{90 * time.Second, 40, 100, ""},
			{2 * time.Minute, 40, 100, "40 of 100 hosts have ended, 3 min left\n"},
			{3 * time.Minute, 100, 100, ""},
		}},
		{"collected late", false, 0, []look{ // the rate is that of the hosts seen to end
			{0, 50, 100, ""},
			{time.Minute, 60, 100, "60 of 100 hosts have ended, 4 min left\n"},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var b strings.Builder
			now := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
			start := now
			m := &meter{w: &b, live: tc.live, width: tc.width, now: func() time.Time { return now }}
			for _, l := range tc.looks {
				now = start.Add(l.at)
				b.Reset()
				m.show(l.completed, l.targeted)
				if b.String() != l.want {
					t.Errorf("after %s: got %q, want %q", l.at, b.String(), l.want)
				}
			}
		})
	}
}

// TestMeterMakesRoom: what else is written finds no line on the terminal.
func TestMeterMakesRoom(t *testing.T) {
	var b strings.Builder
	m := &meter{w: &b, live: true, now: time.Now}
	m.clear()
	if b.Len() > 0 {
		t.Errorf("got %q, there was nothing to clear", b.String())
	}
	m.show(1, 2)
	b.Reset()
	output{stderr: &b, meter: m}.note("said %d", 1)
	if b.String() != "\r\x1b[Ksaid 1\n" {
		t.Errorf("got %q", b.String())
	}
}
