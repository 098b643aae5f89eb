package page

import (
	"strings"
	"time"

	"aidefleet/orchestrator/report"
)

// letters are those of days, in the order in which a bar has them from below; classes
// colour them.
const letters = "chmfd"

var classes = []string{"clean", "held", "missing", "failed", "drift"}

// chart is the life of the whole fleet: on each day the hosts that were not clean.
type chart struct {
	Width, Height int
	Bars          []bar
	First, Last   string
	Most          string // hosts that were not clean on the worst day
	Rows          []dayRow
}

// bar is the hosts of one kind on one day.
type bar struct {
	Class      string
	X, Y, W, H int
}

// dayRow is a day in words.
type dayRow struct {
	Day    string
	Counts []int // by letters
}

const (
	chartDay    = 8
	chartHeight = 80
)

// chartOf adds up the days of all hosts. It is nil if none has more than one.
func chartOf(hosts []report.Host, last time.Time) *chart {
	counts := make([][]int, report.MostDays) // the newest last
	days := 0
	for i := range counts {
		counts[i] = make([]int, len(letters))
	}
	for _, h := range hosts {
		days = max(days, len(h.Days))
		for back := range len(h.Days) {
			if at := strings.IndexByte(letters, h.Days[len(h.Days)-1-back]); at >= 0 && back < report.MostDays {
				counts[report.MostDays-1-back][at]++
			}
		}
	}
	if days < 2 {
		return nil
	}
	most := 0
	for _, day := range counts {
		most = max(most, sumOf(day[1:]))
	}
	c := &chart{
		Width: report.MostDays * chartDay, Height: chartHeight, Last: last.UTC().Format(time.DateOnly), Most: hostsText(most),
		First: last.UTC().AddDate(0, 0, 1-report.MostDays).Format(time.DateOnly),
	}
	for i, day := range counts {
		x, y := i*chartDay, chartHeight
		if sumOf(day) > 0 {
			c.Bars = append(c.Bars, bar{"clean", x, chartHeight - 2, chartDay - 1, 2}) // it was swept
			c.Rows = append(c.Rows, dayRow{last.UTC().AddDate(0, 0, i+1-report.MostDays).Format(time.DateOnly), day})
		}
		for k := 1; k < len(letters); k++ {
			if day[k] == 0 {
				continue
			}
			h := max(2, day[k]*(chartHeight-10)/most)
			y -= h
			c.Bars = append(c.Bars, bar{classes[k], x, y, chartDay - 1, h})
		}
	}
	return c
}

func sumOf(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}
