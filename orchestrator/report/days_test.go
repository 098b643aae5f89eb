package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestDays(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }
	full := Days(strings.Repeat("c", MostDays))
	for name, tc := range map[string]struct {
		days        Days
		before, now time.Time
		found       byte
		want        Days
	}{
		"the first sweep":           {"", time.Time{}, at(3, 5), 'c', "c"},
		"the next day":              {"c", at(3, 5), at(4, 5), 'd', "cd"},
		"the next day, an hour on":  {"c", at(3, 23), at(4, 0), 'd', "cd"},
		"days without a sweep":      {"c", at(3, 5), at(6, 5), 'm', "c..m"},
		"worse on the same day":     {"cc", at(3, 5), at(3, 9), 'f', "cf"},
		"better on the same day":    {"cd", at(3, 5), at(3, 9), 'c', "cd"},
		"held is better than gone":  {"h", at(3, 5), at(3, 9), 'm', "m"},
		"the oldest day is dropped": {full, at(3, 5), at(4, 5), 'd', full[1:] + "d"},
		"months later":              {"cd", at(3, 5), at(3, 5).AddDate(1, 0, 0), 'c', "c"},
		"a clock that went back":    {"cd", at(4, 5), at(3, 5), 'c', "cd"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, tc.days.Add(tc.before, tc.now, tc.found))
		})
	}
}

func TestDaysUntil(t *testing.T) {
	at := time.Date(2026, 11, 3, 5, 0, 0, 0, time.UTC)
	assert.Equal(t, Days("cd.."), Days("cd").Until(at, at.AddDate(0, 0, 2)))
	assert.Equal(t, Days("cd"), Days("cd").Until(at, at))
	assert.Equal(t, Days(""), Days("").Until(at, at.AddDate(0, 0, 2)))
	assert.Len(t, Days("cd").Until(at, at.AddDate(5, 0, 0)), MostDays)
}

func TestSafeDays(t *testing.T) {
	assert.Equal(t, Days("c.d"), Days("c<d").Safe())
	assert.Len(t, Days(strings.Repeat("c", 500)).Safe(), MostDays)
}
