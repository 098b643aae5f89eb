package page

import (
	"cmp"

	"aidefleet/orchestrator/report"
)

// changes are what is different since the sweep before, the worst first. What the sweep
// before did not know makes no difference.
func changes(r *report.Report) (list []change) {
	var suspect, drift, more, failed, missing, clean, joined []*report.Host
	for i := range r.Hosts {
		h := &r.Hosts[i]
		for _, f := range h.Suspect {
			if f.Since.Equal(r.Started) {
				suspect = append(suspect, h)
				break
			}
		}
		switch {
		case h.Was == report.Absent:
			joined = append(joined, h)
		case h.Was == h.Status:
			if h.Status == report.Drift && h.New > 0 {
				more = append(more, h)
			}
		case h.Was == "":
		case h.Status == report.Drift:
			drift = append(drift, h)
		case h.Status == report.Failed:
			failed = append(failed, h)
		case h.Status == report.Missing:
			missing = append(missing, h)
		case h.Status == report.Clean:
			clean = append(clean, h)
		}
	}
	for _, c := range []struct {
		what, class string
		hosts       []*report.Host
	}{
		{"suspect", "suspect", suspect}, {"changed", "drift", drift}, {"changed further", "drift", more}, {"failed", "failed", failed},
		{"missing", "missing", missing}, {"clean again", "clean", clean}, {"new in the fleet", "", joined},
	} {
		if len(c.hosts) > 0 {
			list = append(list, change{What: c.what, Class: c.class, Hosts: namedHosts(c.hosts), Count: hostsText(len(c.hosts))})
		}
	}
	if n := len(r.Left); n > 0 {
		gone := namedOf(n, func(i int) string { return cmp.Or(r.Left[i].Name, r.Left[i].Instance) })
		list = append(list, change{What: "not in the fleet any more", Hosts: gone, Count: hostsText(n)})
	}
	return list
}
