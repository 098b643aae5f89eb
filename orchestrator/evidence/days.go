package evidence

import (
	"time"

	"aidefleet/orchestrator/ledger"
	"aidefleet/orchestrator/report"
)

// lifetime follows a host through sweeps, day by day.
type lifetime struct {
	last time.Time // sweep that the days end with
	days report.Days
	host report.Host
}

// see takes over what a sweep found on the host.
func (l *lifetime) see(row ledger.HostRow, at time.Time) {
	l.days = l.days.Add(l.last, at, report.DayOf(report.Status(row.Status), row.Held != ""))
	l.last = at
	l.host = report.Host{
		Instance: row.Instance, Name: row.Name, Account: row.Account, Region: row.Region, Status: report.Status(row.Status), Reason: report.Reason(row.Reason),
	}
	if row.Held != "" {
		l.host.Held = &report.Held{ID: row.Held}
	}
	for _, kind := range row.Suspect {
		l.host.Suspect = append(l.host.Suspect, report.Finding{Kind: report.Suspicion(kind)})
	}
}

// until is the host with its days up to a time.
func (l *lifetime) until(to time.Time) report.Host {
	h := l.host
	h.Days = l.days.Until(l.last, to)
	return h
}

// Host is the host as its last check found it, with the days up to that.
func (l Life) Host() report.Host {
	var all lifetime
	for _, c := range l.Checks {
		all.see(c.HostRow, c.Started)
	}
	return all.until(all.last)
}
