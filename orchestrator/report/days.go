package report

import (
	"strings"
	"time"
)

// Days is the life of a host, a letter a day, the newest last:
//
//	c clean   d drift   f failed   m missing   h held, and not clean   . not swept
//
// A day on which several sweeps found different things has the worst of them: d, f, m, h,
// c.
type Days string

// MostDays is how many days are remembered.
const MostDays = 90

// NotSwept is the letter of a day without a sweep.
const NotSwept = '.'

// worst are the letters, the worst first.
const worst = "dfmhc."

// DayOf is the letter of what a sweep found on a host.
func DayOf(s Status, held bool) byte {
	switch {
	case s == Clean:
		return 'c'
	case held:
		return 'h'
	case s == Drift:
		return 'd'
	case s == Failed:
		return 'f'
	}
	return 'm'
}

// Add adds what a sweep found to the days that end with that of the sweep before.
func (d Days) Add(before, now time.Time, found byte) Days {
	gap := int(midnight(now).Sub(midnight(before)) / (24 * time.Hour))
	switch {
	case d == "" || gap >= MostDays:
		return Days(found)
	case gap <= 0:
		last := d[len(d)-1]
		if strings.IndexByte(worst, found) < strings.IndexByte(worst, last) {
			last = found
		}
		return d[:len(d)-1] + Days(last)
	}
	all := d + Days(strings.Repeat(string(NotSwept), gap-1)) + Days(found)
	return all[max(0, len(all)-MostDays):]
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Safe is what the ledger says of days without letters that are none.
func (d Days) Safe() Days {
	return Days(strings.Map(func(r rune) rune {
		if strings.ContainsRune(worst, r) {
			return r
		}
		return NotSwept
	}, string(d[max(0, len(d)-MostDays):])))
}

// Until adds the days without a sweep up to a time.
func (d Days) Until(last, to time.Time) Days {
	gap := int(midnight(to).Sub(midnight(last)) / (24 * time.Hour))
	if d == "" || gap <= 0 {
		return d
	}
	all := d + Days(strings.Repeat(string(NotSwept), min(gap, MostDays)))
	return all[max(0, len(all)-MostDays):]
}
